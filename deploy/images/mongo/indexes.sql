-- FerretDB looks a document up by `_jsonb->field @> value`, which its own indexes do not serve: they are of another
-- kind. Each of its tables gets two that do.
create function index_fields() returns event_trigger language plpgsql as $$
declare
    made record;
    field text;
begin
    for made in
        select objid::regclass as name from pg_event_trigger_ddl_commands() join pg_attribute on attrelid = objid
        where command_tag = 'CREATE TABLE' and attname = '_jsonb'
    loop
        foreach field in array array['_id', 'UUID'] loop
            execute format(
                'create index on %s using gin ((_jsonb->%L) jsonb_path_ops) with (fastupdate = off)', made.name, field);
        end loop;
    end loop;
end $$;

create event trigger index_fields on ddl_command_end when tag in ('CREATE TABLE') execute function index_fields();

-- The name of the field is a parameter; a plan for all of them would use no index.
alter database ferretdb set plan_cache_mode = 'force_custom_plan';

