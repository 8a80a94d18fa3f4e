# The programs of the cluster: built once from the Go module proxy into the cache. Sourced by scripts/kubernetes, after
# scripts/service/go.
# shellcheck shell=bash disable=SC2154,SC2034 # set by scripts/kubernetes: cache, parts; read elsewhere: GO_VERSION

KUBERNETES_VERSION=1.34.1
# The least version of Go that Kubernetes 1.34 is built with.
GO_VERSION=1.24.6

# One file is all of them: its name selects one (programs/main.go).
DAEMONS="etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl"
DAEMONS+=" buckets disks metrics-server network-policies"

# The folder of the programs. Changed sources have another folder.
programs_folder() {
    local sources
    sources=$(find "$parts/programs" "$parts/names" "$parts/pause.c" -type f -print0 | LC_ALL=C sort --zero-terminated |
        xargs --null cat | sha256sum)
    echo "$cache/kubernetes-$KUBERNETES_VERSION-${sources:0:8}"
}

# programs_get api|cluster: sets `programs`, and builds the missing ones. For the API alone one program is enough.
programs_get() {
    local program
    programs=$(programs_folder)
    mkdir -p "$programs"
    exec 8<"$programs"
    flock --timeout 3600 8 || fail "another scripts/kubernetes has built into $programs for an hour: see its logs there"
    if [ ! -x "$programs/kubernetes" ]; then
        build_go programs . kubernetes "Kubernetes $KUBERNETES_VERSION (about 10 minutes, once)"
        for program in $DAEMONS; do ln -sf kubernetes "$programs/$program"; done
    fi
    if [ "$1" = cluster ]; then
        [ -e "$programs/coredns.tar" ] || build_coredns
        [ -e "$programs/pause.tar" ] || build_pause
        [ -e "$programs/probe.tar" ] || build_probe
    fi
    exec 8<&-
}

build_coredns() {
    build_go names . coredns "CoreDNS (about 2 minutes, once)"
    image_archive coredns '{"Entrypoint": ["/coredns"]}'
}

build_pause() {
    cc -O2 -Wall -Wextra -static -o "$programs/pause.new" "$parts/pause.c"
    mv "$programs/pause.new" "$programs/pause"
    image_archive pause '{"Entrypoint": ["/pause"], "User": "65535:65535"}'
}

build_probe() {
    build_go programs ./probe probe "the program of deploy/cluster/smoke"
    image_archive probe '{"Entrypoint": ["/probe"], "Cmd": ["sleep"], "User": "65535:65535"}'
}

# build_go MODULE PACKAGE PROGRAM DESCRIPTION
build_go() {
    local module=$1 package=$2 program=$3 log=$programs/$3.log toolchain=$programs/toolchain began=$SECONDS go flags
    mkdir -p "$toolchain"
    go=$(go_command "$toolchain") || fail "no Go $GO_VERSION or newer here, and it cannot be got: install it"
    echo "building $4; log $log" >&2
    flags=$(version_flags)
    if ! (cd "$parts/$module" && CGO_ENABLED=0 GOWORK=off "$go" build -buildvcs=false -trimpath -ldflags "$flags" \
        -o "$programs/$program.new" "$package") >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "$program cannot be built: is the Go module proxy reachable? Above is the end of $log"
    fi
    mv "$programs/$program.new" "$programs/$program"
    rm -rf "$toolchain"
    echo "built $program in $((SECONDS - began)) s" >&2
}

# Sets the version that `kubectl version` prints, and without debugging information.
version_flags() {
    local at=k8s.io/component-base/version
    echo "-s -w -X $at.gitVersion=v$KUBERNETES_VERSION -X $at.gitMajor=${KUBERNETES_VERSION%%.*}" \
        "-X $at.gitMinor=$(cut -d . -f 2 <<<"$KUBERNETES_VERSION") -X $at.gitTreeState=clean"
}
