#!/bin/sh
# The image of every part: a static binary FROM scratch, some tens of megabytes, run as nobody. Built by buildah without a daemon; podman
# runs it.
#
#   scripts/image.sh [TAG]           localhost/qingtian:VERSION unless told
#   QINGTIAN_STATIC=FILE scripts/image.sh     with a static binary that is there already
#
# The binary is linked with the C library inside (`+crt-static`). With the GNU library names are looked up by DNS and /etc/hosts alone, which
# is what a container has.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
tag=${1:-localhost/qingtian:$version}
command -v buildah >/dev/null || { echo "image.sh: buildah is needed: apt-get install buildah" >&2; exit 1; }

binary=${QINGTIAN_STATIC:-}
if [ -z "$binary" ]; then
    target=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --profile image --locked -p qingtian --target "$target" >&2
    binary=${CARGO_TARGET_DIR:-target}/$target/image/qingtian
fi
if ldd "$binary" >/dev/null 2>&1 && ldd "$binary" | grep -q '=>'; then
    echo "image.sh: $binary is not static: in an image FROM scratch it finds no libraries" >&2
    exit 1
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "$binary" "$context/qingtian"
strip "$context/qingtian" 2>/dev/null || true
# No RUN in the Containerfile, so nothing of the host is needed to build it; --timestamp makes the same binary the same image.
buildah build --quiet --isolation chroot --timestamp 0 --build-arg "VERSION=$version" --tag "$tag" \
    --file deploy/Containerfile "$context" >&2
echo "$tag"
