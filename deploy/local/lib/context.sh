# The cluster that is meant. Sourced by up and down.
# shellcheck shell=bash disable=SC2154 # set by the caller: kubectl, context

# Succeeds if the command is that of scripts/kubernetes, whose only cluster is on this machine.
is_project_cluster() {
    case "${kubectl[*]}" in
    *scripts/kubernetes\ kubectl) ;;
    *) return 1 ;;
    esac
}

# Sets CONTEXT: the one that was given, or the current one if it looks like a cluster on this machine.
choose_context() {
    if [ -n "$context" ]; then
        CONTEXT=$context
        "${kubectl[@]}" config get-contexts "$CONTEXT" >/dev/null 2>&1 ||
            fail "there is no context $CONTEXT; these are there:" \
                "$("${kubectl[@]}" config get-contexts --output=name | tr '\n' ' ')"
        return
    fi
    CONTEXT=$("${kubectl[@]}" config current-context 2>/dev/null) ||
        fail "${kubectl[*]} has no current context: start a cluster, for example by: kind create cluster"
    looks_local || fail "the context $CONTEXT does not look like a cluster on this machine: kind-NAME, minikube," \
        "default of k3s, or scripts/kubernetes. Nothing was done. If it is the one that you mean: --context $CONTEXT"
}

looks_local() {
    local server
    ! is_project_cluster || return 0
    case "$CONTEXT" in
    kind-?* | minikube) ;;
    # Other clusters are named so, too.
    default)
        server=$("${kubectl[@]}" config view --minify --context="$CONTEXT" \
            --output="jsonpath={.clusters[0].cluster.server}")
        case "$server" in
        https://127.0.0.1:* | https://localhost:* | "https://[::1]:"*) ;;
        *) return 1 ;;
        esac
        ;;
    *) return 1 ;;
    esac
}
