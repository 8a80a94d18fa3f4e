"""Validates objects against schemas: built-in kinds by those of Kubernetes, custom kinds by their definitions.

An unknown field is an error, as in an API server with strict validation. The rules in CEL of definitions need an API
server (admission.py)."""

import copy

import jsonschema
import kubernetes_validate

import crds
from manifests import name

# The oldest and the newest version of Kubernetes to validate for; GKE's regular channel is between them.
KUBERNETES_VERSIONS = ("1.32", "1.35")
DEFINITIONS, HAND_WRITTEN = crds.load()
LIMITS = ("enum", "maximum", "minimum", "pattern")


def _closed(schema):
    """Returns the JSON schema of an OpenAPI schema of a definition. It forbids fields that the schema does not name,
    unless it preserves them."""
    closed = {key: schema[key] for key in ("type", "required", "allOf", "anyOf", "oneOf", "not") if key in schema}
    closed |= {key: limit for key, limit in schema.items() if key in LIMITS or key.startswith(("max", "min"))}
    if schema.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    if "items" in schema:
        closed["items"] = _closed(schema["items"])
    if "properties" in schema:
        closed["properties"] = {field: _closed(part) for field, part in schema["properties"].items()}
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        closed["additionalProperties"] = _closed(others)
    elif schema.get("type") == "object" and not others and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed["additionalProperties"] = False
    return {"anyOf": [closed, {"type": "null"}]} if schema.get("nullable") else closed


def _custom(definition, thing):
    schema = crds.schema_of(definition, thing)
    if not schema:
        yield f"{name(thing)}: {thing['apiVersion']} is not served"
        return
    closed = _closed(schema)
    closed["properties"]["metadata"] = {"type": "object"}
    for field in ("apiVersion", "kind"):
        closed["properties"][field] = {"type": "string"}
    for error in jsonschema.Draft202012Validator(closed).iter_errors(thing):
        yield f"{name(thing)}: {error.json_path}: {error.message}"


def problems(thing):
    """Yields the violations of an object's schema."""
    definition = DEFINITIONS.get(crds.group_and_kind(thing))
    if definition:
        yield from _custom(definition, thing)
        return
    for version in KUBERNETES_VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{name(thing)}: {'.'.join(map(str, error.path))}: {error.message} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name(thing)}: no definition of this kind: add its package to deploy/tests/lib/crds.sh"
            return


def with_unknown_field(thing):
    """Returns a copy with a field that no schema has."""
    changed = copy.deepcopy(thing)
    changed.get("spec", changed)["unknownField"] = True
    return changed


def _values(schema, thing):
    """Yields (object or list, key, schema) of each value in an object."""
    if "items" in schema and isinstance(thing, list):
        for at, each in enumerate(thing):
            yield thing, at, schema["items"]
            yield from _values(schema["items"], each)
    elif isinstance(thing, dict):
        for field, part in schema.get("properties", {}).items():
            if field in thing:
                yield thing, field, part
                yield from _values(part, thing[field])


def with_wrong_value(thing):
    """Returns a copy of a custom object with one value that its definition forbids: one that is not in an enumeration,
    or without enumerations one of another type."""
    changed = copy.deepcopy(thing)
    schema = crds.schema_of(DEFINITIONS[crds.group_and_kind(thing)], thing)
    values = list(_values(schema["properties"]["spec"], changed["spec"]))
    place, key, part = next((each for each in values if "enum" in each[2]), values[0])
    place[key] = ["a list"] if part.get("type") in (None, "string") and "enum" not in part else "NoSuchValue"
    return changed
