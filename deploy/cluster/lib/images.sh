# Image archives of one program each, in the format of `docker save`. Sourced by scripts/kubernetes.
# shellcheck shell=bash disable=SC2154 # set by scripts/kubernetes: programs

# image_archive PROGRAM CONFIG: writes PROGRAM.tar beside a static program: localhost/PROGRAM:1, with the program in the
# root folder. CONFIG is the image's configuration in JSON.
image_archive() {
    local program=$1 config=$2 work digest
    work=$(mktemp -d "$programs/image.XXXXXX")
    mkdir "$work/root"
    cp "$programs/$program" "$work/root/$program"
    chmod 755 "$work/root" "$work/root/$program"
    # Of the same content for the same program: no time of this machine.
    tar --directory="$work/root" --owner=0 --group=0 --numeric-owner --mtime=@0 --create --file="$work/layer.tar" .
    digest=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
    cat >"$work/config.json" <<JSON
{
  "architecture": "$(image_architecture)",
  "os": "linux",
  "config": $config,
  "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]},
  "history": []
}
JSON
    cat >"$work/manifest.json" <<JSON
[{"Config": "config.json", "RepoTags": ["localhost/$program:1"], "Layers": ["layer.tar"]}]
JSON
    tar --directory="$work" --create --file="$work/$program.tar" manifest.json config.json layer.tar
    mv "$work/$program.tar" "$programs/$program.tar"
    rm -r "$work"
}

image_architecture() {
    case "$(uname -m)" in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
    esac
}
