#!/usr/bin/env bash
# From an empty Google Cloud project to the URL of a running delaycast.
#
#   deploy/gke/deploy.sh [OPTIONS] [COMMAND]
#
#   up            all steps in order (the default); existing resources stay
#   step NAME     one of the steps: deploy.sh --help lists them
#   rollout       restarts all scorers at once with new images or settings; waits until they are ready
#   scale N       sets the number of scorers in config.env, applies it, and rolls it out
#   train         trains and publishes a model now; the scorers activate it when the bucket's mount shows it
#   url           prints the URL of the page
#   teardown      deletes all resources of `up`, data included; asks for the project's name
#
#   --config FILE   instead of config.env beside this script; config.env.example explains each value
#   --dry-run       print each command, run none
#   --yes           teardown without confirmation
#
# Example:
#   cp deploy/gke/config.env.example deploy/gke/config.env   # and fill in PROJECT
#   deploy/gke/deploy.sh --dry-run
#   deploy/gke/deploy.sh
#
# It needs Linux or Cloud Shell, gcloud (logged in), kubectl with gke-gcloud-auth-plugin, and helm 3.8 or newer. It is
# idempotent: run it again after an interruption.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$here/../lib/run.sh"
. "$here/../lib/kubernetes.sh"
. "$here/../lib/rollout.sh"
. "$here/lib/config.sh"
. "$here/lib/google.sh"
. "$here/lib/cluster.sh"
. "$here/lib/operate.sh"

# The steps in order. Each is an idempotent function.
STEPS="apis network registry images cluster bucket identity address certificate kafka operators secrets manifests model topics rollout url"

usage() {
    sed -n '2,/^set -/{/^# \{0,1\}/s///p}' "${BASH_SOURCE[0]}"
    echo "Steps: $STEPS"
}

config=$here/config.env
dry=
yes=
while [ $# -gt 0 ]; do
    case "$1" in
    --config)
        config=${2:?--config wants a file}
        shift
        ;;
    --dry-run) dry=1 ;;
    --yes) yes=1 ;;
    -h | --help)
        usage
        exit 0
        ;;
    -*) fail "there is no option $1: deploy.sh --help" ;;
    *) break ;;
    esac
    shift
done

command=${1:-up}
case "$command" in
up | rollout | train | url | teardown) [ $# -le 1 ] || fail "$command takes nothing more" ;;
step | scale) [ $# -eq 2 ] || fail "deploy.sh $command wants one word more: deploy.sh --help" ;;
*) fail "there is no command $command: deploy.sh --help" ;;
esac

read_config "$config"
if [ "$BUILD" = cloud ]; then need_commands gcloud kubectl helm; else need_commands gcloud kubectl helm docker; fi

case "$command" in
up) for step in $STEPS; do run_step "$step"; done ;;
step)
    case " $STEPS " in
    *" $2 "*) run_step "$2" ;;
    *) fail "there is no step $2. Steps: $STEPS" ;;
    esac
    ;;
scale) scale "$2" ;;
*) run_step "$command" ;;
esac
