# A docker engine of its own: in new network, mount and pid namespaces, with its state in a folder. The engine of the
# machine and its networks stay untouched, and all containers end with the engine. Sourced by deploy/images/smoke, after
# deploy/cluster/lib/process.sh.
# shellcheck shell=bash disable=SC2154,SC2034 # set by the script: cache, state; read elsewhere: GO_VERSION

COMPOSE=github.com/docker/compose/v2
COMPOSE_VERSION=2.40.3
# The group that holds the control groups of the containers.
docker_group=/${state##*/}

docker_start() {
    need docker || refuse "these packages are missing and cannot be installed by apt:" \
        "$(missing_packages docker | tr '\n' ' ')"
    unshare --net --mount --pid --fork true 2>/dev/null || refuse "namespaces cannot be made here"
    # shellcheck disable=SC2016 # expanded by the inner shell
    # The folders that it writes to have fixed paths. tini reaps the processes of ended containers.
    start_process dockerd unshare --net --mount --pid --mount-proc --fork --kill-child -- "${CLEAN[@]}" sh -e -c '
        ip link set lo up
        for folder in /etc/docker /opt /run; do mount --types tmpfs tmpfs "$folder"; done
        exec tini -- dockerd "$@"' sh \
        --host "unix://$state/docker.sock" --data-root "$state/docker" --exec-root /run/docker \
        --pidfile /run/docker.pid --cgroup-parent "$docker_group"
    export DOCKER_HOST=unix://$state/docker.sock DOCKER_CONFIG=$state/config
    wait_until dockerd 60 docker_serves
}

docker_serves() {
    docker version >/dev/null 2>&1
}

# in_docker_network COMMAND…: runs it in the network of the engine, where its published ports are.
in_docker_network() {
    nsenter --target="$(docker_init)" --net -- "$@"
}

# in_engine COMMAND…: runs it in all namespaces of the engine, where processes have the pids that it prints.
in_engine() {
    nsenter --target="$(docker_init)" --net --mount --pid -- "$@"
}

# Prints the first process of the namespaces: the child of unshare.
docker_init() {
    local parent init
    read -r parent _ <"$state/dockerd.pid"
    read -r init _ <"/proc/$parent/task/$parent/children"
    echo "$init"
}

docker_stop() {
    [ -e "$state/dockerd.pid" ] || return 0
    kill_process dockerd
    wait_for "the end of the control groups of $docker_group" 30 "/proc/*/cgroup" docker_delete_groups
}

# A group can be deleted shortly after its last process has ended. Version 1 has a group for each controller.
docker_delete_groups() {
    local group
    for group in /sys/fs/cgroup"$docker_group" /sys/fs/cgroup/*"$docker_group"; do
        [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} +
    done
}

# Gives the engine's client compose as a plugin; it is built once from the Go module proxy.
compose_get() {
    local built=$cache/docker-compose-$COMPOSE_VERSION work go module
    if [ ! -x "$built" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/docker-compose.XXXXXX")
        # What its go.mod wants.
        GO_VERSION=1.24.9
        go=$(go_command "$work") || fail "no Go $GO_VERSION or newer here, and it cannot be got: install it"
        echo "building docker compose $COMPOSE_VERSION (about 5 minutes, once); log $built.log" >&2
        if ! (
            # Built in its own folder, with the versions that its go.mod has.
            module=$("$go" mod download -json "$COMPOSE@v$COMPOSE_VERSION" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
            [ -n "$module" ]
            cd "$module"
            CGO_ENABLED=0 "$go" build -buildvcs=false -trimpath -o "$work/docker-compose" \
                -ldflags "-s -w -X $COMPOSE/internal.Version=v$COMPOSE_VERSION" ./cmd
        ) >"$built.log" 2>&1; then
            tail -n 20 "$built.log" >&2
            fail "docker compose cannot be built: is the Go module proxy reachable? Above is the end of $built.log"
        fi
        mv "$work/docker-compose" "$built"
        chmod -R u+w "$work"
        rm -rf "$work"
    fi
    mkdir -p "$DOCKER_CONFIG/cli-plugins"
    ln -sf "$built" "$DOCKER_CONFIG/cli-plugins/docker-compose"
}
