# What builds and holds the images: a docker engine, or buildah with a store in the cache. Sourced by scripts/images.
# shellcheck shell=bash disable=SC2154 # set by scripts/images: store, engine, rust_image, log

# Sets `engine`. A docker engine is of use only if it has the base image of the Dockerfile, or gets it.
choose_engine() {
    engine=${DELAYCAST_IMAGES_ENGINE:-}
    case "$engine" in
    docker | buildah) return ;;
    "") ;;
    *) fail "DELAYCAST_IMAGES_ENGINE is $engine: docker or buildah is wanted" ;;
    esac
    engine=buildah
    if timeout 10 docker info >/dev/null 2>&1; then
        if docker image inspect "$rust_image" >/dev/null 2>&1 ||
            timeout 600 docker pull --quiet "$rust_image" >/dev/null 2>&1; then
            engine=docker
        else
            echo "docker runs, but cannot pull $rust_image: buildah is used" >&2
        fi
    fi
}

# buildah with a store of its own. chroot isolation needs no container runtime and no control groups.
in_store() {
    BUILDAH_ISOLATION=chroot buildah --root "$store/containers" --runroot "$store/run" --storage-driver overlay "$@"
}

# The name of an image in the docker engine, or in the store. Images of delaycast have the names of compose.yaml.
local_name() {
    case "$engine $1" in
    *" score" | *" web" | *" train" | *" debug") echo "delaycast-$1:local" ;;
    docker*) sed -n "s|^ *image: \(.*$1:.*\)|\1|p" "$checkout/deploy/compose.yaml" ;;
    buildah*) echo "localhost/delaycast-stand-in-$1:local" ;;
    esac
}

is_built() {
    case "$engine" in
    docker) docker image inspect "$1" >/dev/null 2>&1 ;;
    buildah) in_store inspect --type image "$1" >/dev/null 2>&1 ;;
    esac
}

# build_image IMAGE DURATION OPTION…: builds it, and shows the end of the log if that fails.
build_image() {
    local image=$1 duration=$2 file began=$SECONDS
    shift 2
    file=$log/$(tr '/:' '--' <<<"$image").log
    echo "building $image ($duration); log $file" >&2
    case "$engine" in
    docker) docker build --tag "$image" "$@" >"$file" 2>&1 8>&- 9>&- ;;
    buildah)
        in_store build --layers --pull-never --format docker --network host "${settings[@]}" --tag "$image" "$@" \
            >"$file" 2>&1 8>&- 9>&-
        ;;
    esac || {
        tail -n 20 "$file" >&2
        fail "$image cannot be built; above is the end of $file. It is safe to run again: finished layers are kept"
    }
    echo "built $image in $((SECONDS - began)) s" >&2
}

# Writes an archive as `docker save` does.
write_archive() {
    local image=$1 reference=$2 file=$3
    case "$engine" in
    docker)
        docker tag "$image" "$reference"
        docker save --output "$file" "$reference"
        ;;
    buildah) in_store push --quiet "$image" "docker-archive:$file:$reference" ;;
    esac
}

# copy_out IMAGE PATH FILE: copies a file out of an image.
copy_out() {
    local container mounted
    case "$engine" in
    docker)
        container=$(docker create "$1" none)
        docker cp --quiet "$container:$2" "$3"
        docker rm "$container" >/dev/null
        ;;
    buildah)
        container=$(in_store from --pull-never "$1")
        mounted=$(in_store mount "$container")
        cp "$mounted$2" "$3"
        in_store rm "$container" >/dev/null
        ;;
    esac
}
