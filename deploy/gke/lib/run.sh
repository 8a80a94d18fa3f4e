# Running commands and reading the configuration. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # set by deploy.sh: here, root, dry

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

# ensure DESCRIBE… -- CREATE…: creates a resource that does not exist.
ensure() {
    local describe=()
    while [ "$1" != -- ]; do
        describe+=("$1")
        shift
    done
    shift
    if [ -n "$dry" ]; then
        say "+ $(quoted "${describe[@]}") ||"
        say "    $(quoted "$@")"
    elif "${describe[@]}" >/dev/null 2>&1; then
        say "  there: $(quoted "${describe[@]}")"
    else
        run "$@"
    fi
}

# ensure_deleted DESCRIBE… -- DELETE…: deletes a resource that exists.
ensure_deleted() {
    local describe=()
    while [ "$1" != -- ]; do
        describe+=("$1")
        shift
    done
    shift
    if [ -n "$dry" ]; then
        say "+ $(quoted "${describe[@]}") &&"
        say "    $(quoted "$@")"
    elif "${describe[@]}" >/dev/null 2>&1; then
        run "$@"
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

# Prints a value of the settings: config.env overrides the overlay, the overlay Google's part, and that the base.
setting() {
    local file found
    for file in "$config" "$here"/{overlays/"$OVERLAY",google,base}/settings.env; do
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
        PROJECT | REGION | OVERLAY | DOMAIN | BUILD | TAG | MONGODB_URL_FILE | KAFKA_CPU | KAFKA_MEMORY | SPARE)
            printf -v "$name" %s "${line#*=}"
            ;;
        DELAYCAST_VERSION | DELAYCAST_DOMAIN | DELAYCAST_MODELS_BUCKET | DELAYCAST_KAFKA_HOSTS | DELAYCAST_KAFKA_ACCOUNT)
            fail "$1: $name follows from the names above it in config.env.example; leave it out"
            ;;
        DELAYCAST_*)
            grep -q "^$name=" "$here"/{base,google,overlays/*}/settings.env ||
                fail "$1: there is no setting $name"
            ;;
        *) fail "$1: $name is no name that is known: see config.env.example" ;;
        esac
    done <"$1"
    [ -n "${PROJECT:-}" ] || fail "$1: PROJECT is empty"
    REGION=${REGION:-europe-west1} OVERLAY=${OVERLAY:-self-hosted} BUILD=${BUILD:-cloud} DOMAIN=${DOMAIN:-} SPARE=${SPARE:-0}
    case "$OVERLAY" in self-hosted | managed) ;; *) fail "$1: OVERLAY is self-hosted or managed, not $OVERLAY" ;; esac
    case "$SPARE" in 0 | 1) ;; *) fail "$1: SPARE is 0 or 1, not $SPARE" ;; esac
    case "$BUILD" in cloud | docker) ;; *) fail "$1: BUILD is cloud or docker, not $BUILD" ;; esac
    local version commit
    version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
    commit=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || true)
    REVISION=${commit:-unknown}
    # Uncommitted changes get their own tag.
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
