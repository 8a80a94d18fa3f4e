# The operation of a running system. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # set by deploy.sh: here, yes, and the values of read_config

# All scorers are replaced at once, with a pause of some seconds and no loss. In a rolling update the first new scorer
# would wait for a mesh that the old ones reject.
#
# `up` replaces them only if a pod differs from the StatefulSet; `rollout` always.
step_rollout() {
    local replicas
    replicas=$(setting DELAYCAST_REPLICAS)
    if [ "$command" = up ] && scorers_are_current; then
        say "  there: all scorers are of the current revision"
    else
        scorers_have_room "$replicas" || fail "no scorer was stopped: make room as told above, then run this again"
        delete_scorers
    fi
    wait_until_ready "$replicas"
}

# wait_until_ready COUNT: waits for that number of scorers of the current revision, and for the page.
wait_until_ready() {
    run_in_cluster wait --for="jsonpath={.status.updatedReplicas}=$1" --timeout=5m statefulset/score
    run_in_cluster wait --for="jsonpath={.status.readyReplicas}=$1" --timeout=10m statefulset/score
    run_in_cluster rollout status --timeout=15m deployment/web
}

scorers_are_current() {
    local wanted found
    [ -z "$dry" ] || return 1
    wanted=$(in_cluster get statefulset score --output="jsonpath={.status.updateRevision}")
    found=$(in_cluster get pods --selector=app.kubernetes.io/name=score \
        --output="jsonpath={range .items[*]}{.metadata.labels.controller-revision-hash}{'\n'}{end}" | sort -u)
    [ -n "$found" ] && [ "$found" = "$wanted" ]
}

# scorers_have_room COUNT: waits until each scorer has a node that takes its replacement. Otherwise prints the
# scheduler's reasons and returns 1.
scorers_have_room() {
    local node leaving found=
    # They hold no room, and their replacements may need less.
    run_in_cluster delete pods --selector=app.kubernetes.io/name=score --field-selector=spec.nodeName= --wait --timeout=2m
    if ! run_in_cluster wait --for="jsonpath={.status.replicas}=$1" --timeout=2m statefulset/score ||
        ! run_in_cluster wait --for=condition=PodScheduled --timeout=10m pods --selector=app.kubernetes.io/name=score; then
        in_cluster get pods --selector=app.kubernetes.io/name=score --field-selector=spec.nodeName= --output="jsonpath={range \
.items[*]}{.metadata.name} has no node: {.status.conditions[?(@.type=='PodScheduled')].message}{'\n'}{end}" >&2
        return 1
    fi
    [ -z "$dry" ] || return 0
    leaving=$(in_cluster get nodes --field-selector=spec.unschedulable=true --output="jsonpath={.items[*].metadata.name}") || return
    for node in $leaving; do
        found+=$(in_cluster get pods --selector=app.kubernetes.io/name=score --field-selector="spec.nodeName=$node" \
            --output="jsonpath={range .items[*]}{.metadata.name} is on $node, which takes no new pods: kubectl drain or \
uncordon it{'\n'}{end}") || return
    done
    [ -z "$found" ] || {
        say "$found"
        return 1
    }
}

delete_scorers() {
    run_in_cluster delete pods --selector=app.kubernetes.io/name=score --wait --timeout=2m
}

scale() {
    case "$1" in
    "" | *[!0-9]* | 0*) fail "scale wants a number of scorers, from 1 on" ;;
    esac
    local partitions workers before
    partitions=$(setting DELAYCAST_PARTITIONS)
    workers=$(setting DELAYCAST_WORKERS)
    [ $(($1 * workers)) -le "$partitions" ] ||
        say "note: $1 processes of $workers workers are more than $partitions partitions; some will have none of their own"
    before=$(setting DELAYCAST_REPLICAS)
    write_replicas "$1"
    run_step manifests
    run_step topics
    if ! scorers_have_room "$1"; then
        write_replicas "$before"
        run_step manifests
        fail "there is no room for $1 scorers, as told above: the number is $before again"
    fi
    delete_scorers
    wait_until_ready "$1"
}

write_replicas() {
    say "+ write DELAYCAST_REPLICAS=$1 into $config"
    [ -z "$dry" ] || return 0
    sed -i '/^DELAYCAST_REPLICAS=/d' "$config"
    echo "DELAYCAST_REPLICAS=$1" >>"$config"
}

step_train() {
    local job
    job=train-$(date -u +%Y%m%d-%H%M%S)
    run_in_cluster create job "$job" --from=cronjob/train
    run_in_cluster wait --for=condition=Complete --timeout=30m "job/$job"
}

step_url() {
    local domain certificate state
    domain_and_certificate
    run_in_cluster wait --for=condition=Programmed --timeout=15m gateway/web
    [ -z "$DOMAIN" ] || say "The A record of $domain must be $(address). Certificate Manager makes the certificate once it is."
    state=$(query ACTIVE gcloud --project="$PROJECT" --quiet certificate-manager certificates describe "$certificate" \
        --format="value(managed.state)")
    [ "$state" = ACTIVE ] ||
        say "The certificate is not there yet (${state:-no state}): this takes up to an hour after the name points to the address."
    echo "https://$domain/"
}

step_teardown() {
    if [ -z "$dry" ] && [ -z "$yes" ]; then
        local typed=
        say "This deletes delaycast from the project $PROJECT: the cluster, its disks, topics, answers and models. No way back."
        printf 'Type the name of the project to go on: ' >&2
        read -r typed || true
        [ "$typed" = "$PROJECT" ] || fail "that is not $PROJECT: nothing was deleted"
    fi
    # The namespace goes first: controllers of the cluster delete its load balancer and its disks.
    ensure_deleted kubectl --context="$CONTEXT" get namespace delaycast -- kubectl --context="$CONTEXT" delete namespace delaycast --timeout=15m
    ensure_google_deleted container clusters @delaycast --location="$REGION"
    ensure_google_deleted managed-kafka clusters @delaycast --location="$REGION"
    # Each earlier domain of the page has left an entry, and a certificate of the same name.
    local certificates= certificate
    if [ -n "$dry" ] || google certificate-manager maps describe delaycast >/dev/null 2>&1; then
        certificates=$(query delaycast-CERTIFICATE gcloud --project="$PROJECT" --quiet certificate-manager maps entries list \
            --map=delaycast --format="value(name.basename())")
        for certificate in $certificates; do
            run_google certificate-manager maps entries delete "$certificate" --map=delaycast
        done
        run_google certificate-manager maps delete delaycast
    fi
    for certificate in $certificates; do ensure_google_deleted certificate-manager certificates @"$certificate"; done
    ensure_google_deleted compute addresses @delaycast --global
    ensure_deleted gcloud --project="$PROJECT" --quiet storage buckets describe "gs://$BUCKET" -- \
        gcloud --project="$PROJECT" --quiet storage rm --recursive "gs://$BUCKET"
    ensure_google_deleted artifacts repositories @delaycast --location="$REGION"
    ensure_google_deleted compute routers nats @delaycast --router=delaycast --region="$REGION"
    ensure_google_deleted compute routers @delaycast --region="$REGION"
    ensure_google_deleted compute addresses @delaycast-nat --region="$REGION"
    ensure_google_deleted compute networks @delaycast
    ensure_google_deleted iam service-accounts @"$KAFKA_ACCOUNT"
    ensure_google_deleted iam service-accounts @"delaycast-build@$PROJECT.iam.gserviceaccount.com"
    say "Deleted. APIs stay enabled, and what Cloud Build keeps of its builds stays."
}

# ensure_google_deleted COLLECTION @NAME OPTIONS…: deletes a resource that `describe` finds.
ensure_google_deleted() {
    local describe=() delete=() word
    for word in "$@"; do
        case "$word" in
        @*)
            describe+=(describe "${word#@}")
            delete+=(delete "${word#@}")
            ;;
        *)
            describe+=("$word")
            delete+=("$word")
            ;;
        esac
    done
    ensure_deleted gcloud --project="$PROJECT" --quiet "${describe[@]}" -- gcloud --project="$PROJECT" --quiet "${delete[@]}"
}
