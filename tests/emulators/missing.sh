#!/usr/bin/env bash
# missing.sh FOLDER: without the Cloud SDK and without Go the builds of the emulators fail with the command that helps.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
for tool in bash env dirname readlink rm ln touch; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool"
done
for build in "build $1" "build-bigtable $1/bigtable/main.go" "build-cells $1/cells/main.go"; do
    status=0
    # shellcheck disable=SC2086 # a program and its argument
    PATH=$work/bin "$1/"$build "$work/output" >"$work/said" 2>&1 || status=$?
    if [ "$status" -ne 1 ] || ! grep -q 'scripts/install-deps --test' "$work/said" || [ -e "$work/output" ]; then
        echo "$build: exit status $status, and:"
        cat "$work/said"
        exit 1
    fi
done
