#!/bin/sh
# A command that is given a directory without a store says so and makes none.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for command in agents groups partitions "configuration https://realm.example/"; do
    status=0
    # shellcheck disable=SC2086 # a command may have arguments
    "$RIND_BIN_DIR/rind" $command --store "lmdb:$work/typo" 2>"$work/error" || status=$?
    if [ "$status" -ne 1 ] || ! grep -q "there is no store in" "$work/error" || [ -e "$work/typo" ]; then
        echo "rind $command: exit status $status, and:" >&2
        cat "$work/error" >&2
        exit 1
    fi
done
