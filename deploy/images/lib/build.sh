# Builds the images of delaycast, and the stand-ins of Kafka and MongoDB. Sourced by scripts/images, after
# scripts/service/kafka and scripts/service/mongo.
# shellcheck shell=bash disable=SC2154 # set by scripts/images: checkout, parts, store, engine, rust_image, revision

# build_delaycast TARGET
build_delaycast() {
    local target=$1 version arguments=()
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$checkout/Cargo.toml" | head -n 1)
    if [ "$engine" = buildah ]; then
        rust_base
        arguments+=(--build-arg "RUST_IMAGE=$rust_base")
    fi
    build_image "$(local_name "$target")" "about 20 minutes the first time, 3 after a change of the sources" \
        --file "$checkout/deploy/docker/Dockerfile" --target "$target" "${arguments[@]}" \
        --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$checkout"
}

# The commit of the checkout, marked if the files are not those of the commit.
revision_of_checkout() {
    git -C "$checkout" describe --always --abbrev=12 --exclude '*' --dirty 2>/dev/null || echo unknown
}

# build_service kafka|mongo: a docker engine pulls the real image.
build_service() {
    local image context
    image=$(local_name "$1")
    if [ "$engine" = docker ]; then
        docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >&2 ||
            fail "docker cannot pull $image: DELAYCAST_IMAGES_ENGINE=buildah builds a stand-in"
        return
    fi
    context=$store/$1
    rm -rf "$context"
    mkdir -p "$context"
    cp "$parts/$1/"* "$context"
    "context_of_$1" "$context"
    rm -r "$context"
}

context_of_kafka() {
    kafka_get
    cp -r "$kafka_jars" "$1/jars"
    build_image "$image" "about a minute" --build-arg "VERSION=$KAFKA_VERSION" "$1"
}

context_of_mongo() {
    mongo_get
    cp "$ferretdb" "$1/ferretdb"
    build_image "$image" "about a minute" --build-arg "VERSION=FerretDB $FERRETDB_VERSION" "$1"
}
