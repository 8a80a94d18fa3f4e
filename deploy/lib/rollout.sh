# Replacing all scorers at once. Sourced by gke/deploy.sh and local/up.
# shellcheck shell=bash disable=SC2154 # set by the caller: command, dry

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
