# An API server for the checks, with its own cluster folder. Sourced by scripts/check-deploy.
# shellcheck shell=bash disable=SC2154,SC2034 # set by scripts/check-deploy: cache, venv; read there: API_SERVER_MISSING

# The folder of the cluster, or nothing; then the reason.
API_SERVER=
API_SERVER_MISSING=
api_server_log=

# Starts etcd and the API server. Where they cannot run, it sets the reason.
api_server_start() {
    local status=0
    if [ "${ADMISSION:-}" = no ]; then
        API_SERVER_MISSING="ADMISSION=no"
        return
    fi
    if ! api_server_is_built; then
        API_SERVER_MISSING="its program is not built; \`scripts/kubernetes api up\` builds it, in about 10 minutes"
        return
    fi
    api_servers_of_killed_runs_end
    API_SERVER=/tmp/check-deploy-$$
    api_server_log=$venv/api-server-$$.log
    DELAYCAST_KUBERNETES=$API_SERVER scripts/kubernetes api up 2>"$api_server_log" || status=$?
    if [ "$status" -eq 3 ]; then
        API_SERVER_MISSING=$(sed -n 's/^refused: //p' "$api_server_log")
        API_SERVER=
    elif [ "$status" -ne 0 ]; then
        cat "$api_server_log" >&2
        fail "the API server does not start; ADMISSION=no checks without it"
    fi
}

# In a shell of its own: programs.sh sets another GO_VERSION.
api_server_is_built() (
    parts=$PWD/deploy/cluster
    . deploy/cluster/lib/programs.sh
    [ -x "$(programs_folder)/kubernetes" ]
)

api_server_end() {
    [ -z "$api_server_log" ] || rm -f "$api_server_log"
    [ -z "$API_SERVER" ] || DELAYCAST_KUBERNETES=$API_SERVER scripts/kubernetes api down 2>/dev/null ||
        echo "the API server is not ended: DELAYCAST_KUBERNETES=$API_SERVER scripts/kubernetes api down" >&2
}

# A run that was killed has not ended its own.
api_servers_of_killed_runs_end() {
    local folder
    for folder in /tmp/check-deploy-*; do
        if [[ ${folder##*-} =~ ^[0-9]+$ ]] && [ -O "$folder" ] && ! kill -0 "${folder##*-}" 2>/dev/null; then
            echo "ending the API server of a run that was killed: $folder" >&2
            DELAYCAST_KUBERNETES=$folder scripts/kubernetes api down || true
        fi
    done
}
