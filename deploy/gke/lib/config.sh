# Reading the configuration. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154,SC2034 # set by deploy.sh: here, root; used by it: settings_files and others

read_config() {
    [ -f "$1" ] || fail "no $1: copy $here/config.env.example there and fill in PROJECT"
    local line name
    while IFS= read -r line || [ -n "$line" ]; do
        case "$line" in
        "" | "#"*) continue ;;
        esac
        name=${line%%=*}
        case "$name" in
        PROJECT | REGION | OVERLAY | DOMAIN | BUILD | TAG | MONGODB_URL_FILE | MONGO_OPTIONS | KAFKA_CPU | KAFKA_MEMORY | SPARE)
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
    # config.env overrides the overlay, the overlay Google's part, and that the base.
    settings_files=("$1" "$here"/{overlays/"$OVERLAY",google,base}/settings.env)
    read_version
    IMAGES=$REGION-docker.pkg.dev/$PROJECT/delaycast
    BUCKET=$PROJECT-delaycast-models
    KAFKA_ACCOUNT=delaycast-kafka@$PROJECT.iam.gserviceaccount.com
    CONTEXT=gke_${PROJECT}_${REGION}_delaycast
}
