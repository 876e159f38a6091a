#!/bin/sh
# The contract as integrators get it: target/contract/qingtian-contract-VERSION.tar.gz with the proto files, examples in Python and
# TypeScript, and two verifiers of draws. The same sources give the same bytes, on any day and any machine.
#
#   scripts/contract.sh [FOLDER]     prints the archive's path
#
# Needs GNU tar and gzip, and the verifier for Node as `make web` builds it.
set -eu
umask 022
cd "$(dirname "$0")/.."

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
name=qingtian-contract-$version
out=${1:-target/contract}
verifier=gateway/pages/recheck/dist/cli.mjs
[ -e "$verifier" ] || { echo "contract.sh: $verifier is missing: make web" >&2; exit 1; }

mkdir -p "$out"
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/$name
mkdir -p "$root/proto" "$root/examples/python" "$root/examples/typescript" "$root/verify"
for folder in google qingtian; do
    (cd proto && find "$folder" -name '*.proto' | LC_ALL=C sort) | while read -r file; do
        mkdir -p "$root/proto/$(dirname "$file")"
        cp "proto/$file" "$root/proto/$file"
    done
done
cp proto/README.md proto/buf.yaml "$root/proto/"
cp proto/INTEGRATORS.md "$root/README.md"
cp LICENSE "$root/"
cp tests/clients/python/department.py "$root/examples/python/"
for file in package.json package-lock.json tsconfig.json build.mjs session.ts department.ts; do
    cp "tests/clients/typescript/$file" "$root/examples/typescript/"
done
cp tests/vectors/reference.py tests/vectors/ed25519.py "$root/verify/"
cp "$verifier" "$root/verify/recheck.mjs"
# Which contract this is: the version of the release, and a digest of the proto files that does not depend on their dates.
digest=$(cd "$root/proto" && find google qingtian -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d ' ' -f 1)
printf 'version %s\nproto %s\n' "$version" "$digest" >"$root/VERSION"

archive=$out/$name.tar.gz
LC_ALL=C tar --create --directory "$stage" --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
    --mode='u=rwX,go=rX' "$name" | gzip --no-name --best >"$archive.unfinished"
mv "$archive.unfinished" "$archive"
echo "$archive"
