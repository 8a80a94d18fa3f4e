# The operation of a running system. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # set by deploy.sh: here, yes, and the values of read_config

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
    if [ "$1" -lt "$before" ]; then
        # Kubernetes has stopped the last ones by now, and the others wait for them. They need no room.
        delete_scorers
        run_step topics
    else
        run_step topics
        if ! scorers_have_room "$1"; then
            write_replicas "$before"
            run_step manifests
            fail "there is no room for $1 scorers, as told above: the number is $before again"
        fi
        delete_scorers
    fi
    wait_until_ready "$1"
}

write_replicas() {
    say "+ write DELAYCAST_REPLICAS=$1 into $config"
    [ -z "$dry" ] || return 0
    sed -i '/^DELAYCAST_REPLICAS=/d' "$config"
    echo "DELAYCAST_REPLICAS=$1" >>"$config"
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
