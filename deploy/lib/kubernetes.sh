# Commands in the namespace, its Secrets, and training. Sourced by gke/deploy.sh and by the commands of local/.
# shellcheck shell=bash disable=SC2154 # set by the caller: CONTEXT, dry

# KUBECTL is another command, of several words if it must be: KUBECTL='scripts/kubernetes kubectl'.
read -ra kubectl <<<"${KUBECTL:-kubectl}"

# Each command names its context: kubectl's current context may be another cluster.
in_cluster() {
    "${kubectl[@]}" --context="$CONTEXT" --namespace=delaycast "$@"
}

run_in_cluster() {
    run "${kubectl[@]}" --context="$CONTEXT" --namespace=delaycast "$@"
}

random_password() {
    head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

# secret NAME KEY VALUE…: creates or replaces a Secret. Values go through standard input, never on a command line or a
# screen.
secret() {
    local name=$1 keys= lines=
    shift
    while [ $# -gt 0 ]; do
        keys+=" $1"
        lines+="  $1: $(printf %s "$2" | base64 | tr -d '\n')"$'\n'
        shift 2
    done
    say "+ ${kubectl[*]} --context=$CONTEXT --namespace=delaycast apply --server-side --filename=-  # Secret $name:$keys"
    [ -n "$dry" ] || printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\ndata:\n%s' "$name" "$lines" |
        in_cluster apply --server-side --filename=-
}

secret_exists() {
    [ -z "$dry" ] && in_cluster get secret "$1" >/dev/null 2>&1
}

# The account of score and web in MongoDB, and the URL of the store, with the options in MONGO_OPTIONS.
mongo_secrets() {
    local password database=agile_data_science
    if secret_exists delaycast-mongo; then
        say "  there: Secret delaycast-mongo, and it stays: MongoDB took it with its first start"
        password=$(in_cluster get secret delaycast-mongo --output="jsonpath={.data.password}" | base64 -d)
    else
        password=$(random_password)
        secret delaycast-mongo database "$database" root-password "$(random_password)" password "$password"
    fi
    secret delaycast-store url "mongodb://delaycast:$password@mongo:27017/$database${MONGO_OPTIONS:+?$MONGO_OPTIONS}"
}

# wait_for_job NAME MINUTES: waits until a Job is complete. Fails as soon as the Job has failed.
wait_for_job() {
    local deadline=$((SECONDS + 60 * $2)) state
    say "  waiting for job/$1, for $2 minutes at most"
    [ -z "$dry" ] || return 0
    while :; do
        state=$(in_cluster get job "$1" --output="jsonpath={.status.conditions[?(@.status=='True')].type}") || return
        case " $state " in
        *" Complete "*) return ;;
        *" Failed "*) fail "job/$1 has failed: ${kubectl[*]} --context=$CONTEXT --namespace=delaycast logs job/$1" ;;
        esac
        [ "$SECONDS" -lt "$deadline" ] || fail "job/$1 is not complete after $2 minutes"
        sleep 2
    done
}

step_train() {
    local job
    job=train-$(date -u +%Y%m%d-%H%M%S)
    run_in_cluster create job "$job" --from=cronjob/train
    wait_for_job "$job" 30
}
