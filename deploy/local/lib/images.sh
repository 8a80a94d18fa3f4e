# The images, and their way into the nodes. Sourced by up.
# shellcheck shell=bash disable=SC2154 # set by up: loaded, archives, dry, and TAG by read_version

IMAGES="delaycast-score delaycast-web delaycast-train"

# Prints the names of the images in an archive, without the registry that every name has if it names none.
names_in() {
    tar -xOf "$1" manifest.json | tr -d ' \n' | grep -o '"RepoTags":\[[^]]*\]' | sed 's/"RepoTags":\[//g' |
        tr -d '"]' | tr ',' '\n' | without_registry
}

without_registry() {
    sed 's#docker\.io/library/##g; s#docker\.io/##g'
}

# Sets TAG: that of --loaded, of the archives, or of these sources.
choose_tag() {
    local file image names
    if [ -n "$loaded" ]; then
        TAG=$loaded
    elif [ "${#archives[@]}" -gt 0 ]; then
        for file in "${archives[@]}"; do
            [ -r "$file" ] || fail "no file $file"
            names+=$(names_in "$file")$'\n' || fail "$file is no archive of images as docker save writes it"
        done
        TAG=$(sed -n 's/^delaycast-score://p' <<<"$names" | head -n 1)
        for image in $IMAGES; do
            grep --quiet --line-regexp --fixed-strings "$image:$TAG" <<<"$names" ||
                fail "no archive has the image $image:${TAG:-TAG}; these are there: ${names//$'\n'/ }"
        done
    else
        read_version
    fi
    case "$TAG" in
    latest* | -* | *[!A-Za-z0-9_.-]*) ;;
    *[0-9]*) return ;;
    esac
    fail "the images have the tag $TAG: one that names a version is wanted, such as 0.1.0-1"
}

# Sets `loader`: the words of a command that brings an archive into all nodes.
choose_loader() {
    if [ -n "${DELAYCAST_LOAD:-}" ]; then
        read -ra loader <<<"$DELAYCAST_LOAD"
    elif is_project_cluster; then
        loader=("${kubectl[@]:0:${#kubectl[@]}-1}" load)
    else
        case "$CONTEXT" in
        kind-*) loader=(kind load image-archive --name="${CONTEXT#kind-}") ;;
        minikube) loader=(minikube --profile=minikube image load) ;;
        default)
            loader=(k3s ctr images import)
            [ "$(id -u)" -eq 0 ] || loader=(sudo "${loader[@]}")
            ;;
        *) fail "how does a node of $CONTEXT get an archive of images? DELAYCAST_LOAD='COMMAND' names a command, to" \
            "which the file is added. Or load them yourself, and give --loaded TAG" ;;
        esac
    fi
    need_commands "${loader[0]}"
}

# nodes_have NAME…: succeeds if every node tells that it has these images.
nodes_have() {
    local node image there
    [ -z "$dry" ] || return 1
    there=$(in_cluster get nodes --output="jsonpath={range .items[*]}{.status.images[*].names}{'\n'}{end}" |
        without_registry) || return
    [ -n "$there" ] || return 1
    while read -r node; do
        for image in "$@"; do
            case "$node" in *"\"$image\""*) ;; *) return 1 ;; esac
        done
    done <<<"$there"
}

step_images() {
    local loader=() file names
    if [ -n "$loaded" ]; then
        say "  as told, the nodes have the images of $TAG"
        return
    fi
    if [ "${#archives[@]}" -eq 0 ]; then
        build_and_load
        return
    fi
    for file in "${archives[@]}"; do
        names=$(names_in "$file")
        # shellcheck disable=SC2086 # several names
        if nodes_have $names; then
            say "  there: $file"
        else
            [ "${#loader[@]}" -gt 0 ] || choose_loader
            run "${loader[@]}" "$file"
        fi
    done
}

build_and_load() {
    local image names=() work
    for image in $IMAGES; do names+=("$image:$TAG"); done
    if nodes_have "${names[@]}"; then
        say "  there: ${names[*]}"
        return
    fi
    choose_loader
    need_commands docker
    for image in $IMAGES; do
        if [ -z "$dry" ] && docker image inspect "$image:$TAG" >/dev/null 2>&1; then
            say "  there: $image:$TAG"
        else
            build_image "${image#delaycast-}" "$image"
        fi
    done
    work=$(mktemp -d)
    run docker save --output "$work/images.tar" "${names[@]}"
    run "${loader[@]}" "$work/images.tar"
    rm -r "$work"
}
