# How deploy.sh runs commands, and reads its configuration. Sourced by it.
# shellcheck shell=bash disable=SC2154 # here, root, dry: deploy.sh

fail() {
    echo "error: $*" >&2
    exit 1
}

say() {
    echo "$*" >&2
}

# A command as somebody could type it.
shown() {
    local word line=
    for word in "$@"; do
        case "$word" in
        *[!A-Za-z0-9_./:=,@+-]*) line+=" '${word//\'/\'\\\'\'}'" ;;
        *) line+=" $word" ;;
        esac
    done
    echo "${line# }"
}

# run COMMAND…: prints it, and runs it unless this is a dry run.
run() {
    say "+ $(shown "$@")"
    [ -n "$dry" ] || "$@"
}

# The same for what may fail for some seconds because Google has not heard yet of an account that was just made.
run_soon() {
    local try
    for try in 1 2 3 4 5 6; do
        if run "$@"; then return; fi
        say "again in 10 s ($try of 6)"
        sleep 10
    done
    fail "it does not succeed: $(shown "$@")"
}

# ensure LOOK… -- MAKE…: makes what a look does not find.
ensure() {
    local look=()
    while [ "$1" != -- ]; do
        look+=("$1")
        shift
    done
    shift
    if [ -n "$dry" ]; then
        say "+ $(shown "${look[@]}") ||"
        say "    $(shown "$@")"
    elif "${look[@]}" >/dev/null 2>&1; then
        say "  there: $(shown "${look[@]}")"
    else
        run "$@"
    fi
}

# unmake LOOK… -- DELETE…: deletes what a look finds.
unmake() {
    local look=()
    while [ "$1" != -- ]; do
        look+=("$1")
        shift
    done
    shift
    if [ -n "$dry" ]; then
        say "+ $(shown "${look[@]}") &&"
        say "    $(shown "$@")"
    elif "${look[@]}" >/dev/null 2>&1; then
        run "$@"
    else
        say "  not there: $(shown "${look[@]}")"
    fi
}

# asked DEFAULT COMMAND…: what a command prints; in a dry run it is printed itself, and the default stands for its answer.
asked() {
    local default=$1
    shift
    if [ -n "$dry" ]; then
        say "+ $(shown "$@")"
        echo "$default"
    else
        "$@"
    fi
}

take() {
    say "== $1"
    "step_$1"
}

# The value of a name in a file of NAME=value lines; the last one counts, as it does for kustomize.
value_in() {
    sed -n "s/^$1=//p" "$2" | tail -n 1
}

# A value of the settings: config.env goes before the overlay, the overlay before the base.
setting() {
    local file found
    for file in "$config" "$here/overlays/$OVERLAY/settings.env" "$here/base/settings.env"; do
        found=$(value_in "$1" "$file")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    fail "no value for $1"
}

read_config() {
    [ -f "$1" ] || fail "no $1: copy $here/config.env.example there and fill in PROJECT"
    local line name
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in
        "" | "#"*) continue ;;
        esac
        name=${line%%=*}
        case "$name" in
        PROJECT | REGION | OVERLAY | DOMAIN | BUILD | TAG | MONGODB_URL_FILE | KAFKA_CPU | KAFKA_MEMORY)
            printf -v "$name" %s "${line#*=}"
            ;;
        DELAYCAST_VERSION | DELAYCAST_DOMAIN | DELAYCAST_MODELS_BUCKET | DELAYCAST_KAFKA_HOSTS | DELAYCAST_KAFKA_ACCOUNT)
            fail "$1: $name follows from the names above it in config.env.example; leave it out"
            ;;
        DELAYCAST_*)
            grep -q "^$name=" "$here/base/settings.env" "$here/overlays"/*/settings.env ||
                fail "$1: there is no setting $name"
            ;;
        *) fail "$1: $name is no name that is known: see config.env.example" ;;
        esac
    done <"$1"
    [ -n "${PROJECT:-}" ] || fail "$1: PROJECT is empty"
    REGION=${REGION:-europe-west1} OVERLAY=${OVERLAY:-self-hosted} BUILD=${BUILD:-cloud} DOMAIN=${DOMAIN:-}
    case "$OVERLAY" in self-hosted | managed) ;; *) fail "$1: OVERLAY is self-hosted or managed, not $OVERLAY" ;; esac
    case "$BUILD" in cloud | docker) ;; *) fail "$1: BUILD is cloud or docker, not $BUILD" ;; esac
    local version commit
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
    commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || true)
    REVISION=${commit:-unknown}
    # What is not committed yet has a tag of its own.
    if [ -n "$commit" ] && [ -n "$(git -C "$root" status --porcelain)" ]; then
        commit+=-$({ git -C "$root" diff HEAD && git -C "$root" status --porcelain; } | sha256sum | cut -c1-8)
    fi
    TAG=${TAG:-$version${commit:+-$commit}}
    IMAGES=$REGION-docker.pkg.dev/$PROJECT/delaycast
    BUCKET=$PROJECT-delaycast-models
    KAFKA_ACCOUNT=delaycast-kafka@$PROJECT.iam.gserviceaccount.com
    CONTEXT=gke_${PROJECT}_${REGION}_delaycast
}

need_tools() {
    local tool missing=
    [ -z "$dry" ] || return 0
    for tool in gcloud kubectl helm; do
        command -v "$tool" >/dev/null 2>&1 || missing+=" $tool"
    done
    [ "$BUILD" = cloud ] || command -v docker >/dev/null 2>&1 || missing+=" docker"
    [ -z "$missing" ] || fail "not here:$missing. Install what is missing, then run this again."
}
