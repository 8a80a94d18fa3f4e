# Running commands, and reading values. Sourced by gke/deploy.sh and by the commands of local/.
# shellcheck shell=bash disable=SC2154,SC2034 # set by the caller: root, dry, settings_files; used by it: REVISION, TAG

fail() {
    echo "error: $*" >&2
    exit 1
}

say() {
    echo "$*" >&2
}

# Prints a command, quoted for a shell.
quoted() {
    local word line=
    for word in "$@"; do
        case "$word" in
        *[!A-Za-z0-9_./:=,@+-]*) line+=" '${word//\'/\'\\\'\'}'" ;;
        *) line+=" $word" ;;
        esac
    done
    echo "${line# }"
}

# run COMMAND…: prints a command, and runs it unless this is a dry run.
run() {
    say "+ $(quoted "$@")"
    [ -n "$dry" ] || "$@"
}

# run_retrying COMMAND…: the same with retries, because a new account takes some seconds to be visible to IAM.
run_retrying() {
    local try
    for try in 1 2 3 4 5 6; do
        if run "$@"; then return; fi
        say "again in 10 s ($try of 6)"
        sleep 10
    done
    fail "it does not succeed: $(quoted "$@")"
}

# split DESCRIBE… -- CHANGE…: sets `describe` and `change` of the caller to the words on either side of --.
split() {
    while [ "$1" != -- ]; do
        describe+=("$1")
        shift
    done
    shift
    change=("$@")
}

# ensure DESCRIBE… -- CREATE…: creates a resource that does not exist.
ensure() {
    local describe=() change=()
    split "$@"
    if [ -n "$dry" ]; then
        say "+ $(quoted "${describe[@]}") ||"
        say "    $(quoted "${change[@]}")"
    elif "${describe[@]}" >/dev/null 2>&1; then
        say "  there: $(quoted "${describe[@]}")"
    else
        run "${change[@]}"
    fi
}

# ensure_deleted DESCRIBE… -- DELETE…: deletes a resource that exists.
ensure_deleted() {
    local describe=() change=()
    split "$@"
    if [ -n "$dry" ]; then
        say "+ $(quoted "${describe[@]}") &&"
        say "    $(quoted "${change[@]}")"
    elif "${describe[@]}" >/dev/null 2>&1; then
        run "${change[@]}"
    else
        say "  not there: $(quoted "${describe[@]}")"
    fi
}

# query DEFAULT COMMAND…: prints the output of a command; in a dry run logs the command and prints the default.
query() {
    local default=$1
    shift
    if [ -n "$dry" ]; then
        say "+ $(quoted "$@")"
        echo "$default"
    else
        "$@"
    fi
}

run_step() {
    say "== $1"
    "step_$1"
}

# Prints the value of a name in a file of NAME=value lines; the last one counts, as in kustomize.
value_in() {
    sed -n "s/^$1=//p" "$2" | tail -n 1
}

# Prints a value of the settings. The first of `settings_files` that has it counts.
setting() {
    local file found
    for file in "${settings_files[@]}"; do
        found=$(value_in "$1" "$file")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    fail "no value for $1"
}

# need_commands COMMAND…: fails with the names of those that are not installed.
need_commands() {
    local tool missing=
    [ -z "$dry" ] || return 0
    for tool in "$@"; do
        command -v "$tool" >/dev/null 2>&1 || missing+=" $tool"
    done
    [ -z "$missing" ] || fail "not here:$missing. Install what is missing, then run this again."
}

# Sets TAG, unless it has a value, and REVISION, for images of these sources.
read_version() {
    local version commit
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
    commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || true)
    REVISION=${commit:-unknown}
    # Uncommitted changes get their own tag.
    if [ -n "$commit" ] && [ -n "$(git -C "$root" status --porcelain)" ]; then
        commit+=-$({ git -C "$root" diff HEAD && git -C "$root" status --porcelain; } | sha256sum | cut -c1-8)
    fi
    TAG=${TAG:-$version${commit:+-$commit}}
}

# build_image TARGET NAME OPTIONS…: builds an image of TAG by docker.
build_image() {
    local target=$1 name=$2
    shift 2
    run docker build --file "$root/deploy/docker/Dockerfile" --target "$target" "$@" \
        --build-arg "VERSION=$TAG" --build-arg "REVISION=$REVISION" --tag "$name:$TAG" "$root"
}
