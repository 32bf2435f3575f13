#!/bin/sh
# The manual page is what the program says of itself: docs/man/rind.1 equals `rind man`.
set -eu
if ! "$RIND_BIN_DIR/rind" man | diff -u "$RIND_SOURCE_DIR/docs/man/rind.1" -; then
    echo "docs/man/rind.1 is outdated; run: rind man > docs/man/rind.1" >&2
    exit 1
fi
