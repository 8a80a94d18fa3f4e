# The base images, without a registry: Debian by mmdebstrap, and the Rust of this machine on it. Sourced by
# scripts/images.
# shellcheck shell=bash disable=SC2154 # set by scripts/images: store, parts, rust_image, log

debian_image=localhost/delaycast-debian:12
# The certificate authorities of this machine, and their place in a container while it is built. They stay outside of
# the images: those have Debian's.
authorities=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
authorities_inside=/usr/local/share/building-machine.crt

# Sets `settings`: the mounts that let a build reach apt's sources and crates.io as this machine does. buildah passes
# http_proxy and its like by itself.
machine_settings() {
    local conf=$store/apt.conf cargo=${CARGO_HOME:-$HOME/.cargo}/config.toml
    apt-config dump | grep --extended-regexp '^Acquire::https?::([^ ]*::)?Proxy ' >"$store/proxy.conf" || true
    {
        cat "$store/proxy.conf"
        echo "Acquire::https::CAInfo \"$authorities_inside\";"
    } >"$conf"
    settings=(--volume "$authorities:$authorities_inside:ro" --volume "$conf:/etc/apt/apt.conf.d/99building-machine:ro")
    if [ -e "$cargo" ]; then
        settings+=(--volume "$cargo:/usr/local/cargo/config.toml:ro")
    fi
}

# The sources of Debian 12 that this machine has, as lines for sources.list. Without any, mmdebstrap takes Debian's.
debian_sources() {
    # shellcheck disable=SC2016 # expanded by apt-get
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        sed -n -E 's/^([^ ]+ bookworm(-updates|-security)? main)$/deb \1/p' | sort --unique
}

debian_base() {
    local container sources=() began=$SECONDS
    is_built "$debian_image" && return
    mapfile -t sources < <(debian_sources)
    echo "making $debian_image by mmdebstrap (about a minute, once); log $log/mmdebstrap.log" >&2
    # The settings of a proxy are not kept in the image.
    # shellcheck disable=SC2016 # expanded by mmdebstrap's shell
    mmdebstrap --variant=minbase --include=ca-certificates \
        --setup-hook="cp '$store/proxy.conf' \"\$1/etc/apt/apt.conf.d/00building-machine\"" \
        --customize-hook='rm "$1/etc/apt/apt.conf.d/00building-machine"' \
        bookworm "$store/debian.tar" "${sources[@]}" >"$log/mmdebstrap.log" 2>&1 </dev/null 8>&- 9>&- || {
        tail -n 20 "$log/mmdebstrap.log" >&2
        fail "mmdebstrap cannot make a Debian: are apt's sources reachable? Above is the end of $log/mmdebstrap.log"
    }
    container=$(in_store from scratch)
    in_store add --quiet "$container" "$store/debian.tar" / >/dev/null
    in_store config --cmd bash "$container"
    in_store commit --quiet --rm "$container" "$debian_image" >/dev/null
    rm "$store/debian.tar"
    echo "made $debian_image in $((SECONDS - began)) s" >&2
}

# Sets `rust_base`, with the version of the Dockerfile.
rust_base() {
    local wanted have
    wanted=$(sed -E 's/^[^:]*:([0-9.]+).*/\1/' <<<"$rust_image")
    need cargo
    have=$(rustc --version | cut -d ' ' -f 2)
    [ "$have" = "$wanted" ] || refuse "rustc is $have, and deploy/docker/Dockerfile wants $wanted:" \
        "rustup toolchain install $wanted, then RUSTUP_TOOLCHAIN=$wanted scripts/images build"
    rust_base=localhost/delaycast-rust:$wanted
    is_built "$rust_base" && return
    build_image "$rust_base" "about a minute, once" --file "$parts/rust/Dockerfile" \
        --ignorefile "$parts/rust/ignored" "$(rustc --print sysroot)"
}
