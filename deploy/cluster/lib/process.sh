# Refusals, waits with a limit, and the end of processes. Sourced by scripts/kubernetes, after scripts/service/process.
# shellcheck shell=bash disable=SC2154,SC2034 # set by scripts/kubernetes: cluster, state; read elsewhere: CLEAN

# Daemons get a fixed environment: a proxy in the caller's, for example, is not theirs. Signals that a shell ignores for
# a command in the background get their default back: containers would inherit it.
CLEAN=(env --ignore-environment --default-signal HOME=/root
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

# Ends with code 3: this machine cannot run it.
refuse() {
    echo "refused: $*" >&2
    exit 3
}

# wait_for DESCRIPTION SECONDS LOG COMMAND…: waits until it succeeds; names the log if it does not in time.
wait_for() {
    local description=$1 seconds=$2 log=$3 deadline
    shift 3
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$description did not come within $seconds s: see $log"
        sleep 0.3
    done
}

# Kills a process by its record. Nothing of the state outlives it, so that there is nothing to end in order.
kill_process() {
    local pid
    if runs "$1"; then
        read -r pid _ <"$state/$1.pid"
        kill -KILL "$pid" 2>/dev/null || true
        wait_for "the end of $1 (process $pid)" 20 "$state/$1.log" ended "$1"
    fi
    rm -f "$state/$1.pid"
}

ended() {
    ! runs "$1"
}

# Prints the names of all recorded processes.
recorded_processes() {
    local file
    for file in "$state"/*.pid; do
        [ ! -e "$file" ] || basename "$file" .pid
    done
}

# Prints a line for a process.
describe_process() {
    local pid is=ended
    if runs "$1"; then
        read -r pid _ <"$state/$1.pid"
        is="process $pid"
    fi
    printf '%-24s %-16s %s\n' "$1" "$is" "$state/$1.log"
}
