#!/bin/sh
# web_sources.sh FOLDER: one digest over the names and contents of what a web in FOLDER is built from. `make web` keeps it in
# dist/.built, and a release build compares: times of files would say nothing in a fresh clone.
set -eu
cd "$1"
find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64
