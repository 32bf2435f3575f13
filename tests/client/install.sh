#!/bin/sh
# install.sh CMAKE BUILD_DIR SOURCE_DIR COMPILER - installs the library and builds the example from what is installed.
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
"$1" --install "$2" --component librind --prefix "$root" >"$root/log"
pc=$(find "$root" -name rind.pc)
[ -n "$pc" ] || { cat "$root/log"; echo "no rind.pc"; exit 1; }
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
flags="$(pkg-config --cflags --libs rind)" # where it was put, not where it was configured for
# shellcheck disable=SC2086
"$4" -std=c11 -Wall -Wextra -Werror "$3/examples/recover.c" -o "$root/recover" $flags $RIND_INSTALL_TEST_FLAGS
status=0
LD_LIBRARY_PATH="$libdir" "$root/recover" 2>"$root/usage" || status=$?
grep -q '^usage:' "$root/usage" || { cat "$root/usage"; exit 1; }
[ "$status" = 2 ]
