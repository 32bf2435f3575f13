#!/bin/sh
# exports.sh NM LIBRARY HEADER - fails unless LIBRARY exports exactly the functions that HEADER declares.
set -eu
exported=$("$1" -D --defined-only "$2" | sed -n 's/.* T \([a-z_0-9]*\)\(@.*\)*$/\1/p' | sort -u)
declared=$(grep -o -E '\brind_[a-z_0-9]+\(' "$3" | tr -d '(' | sort -u)
others=$("$1" -D --defined-only "$2" | grep -v -E ' (T rind_[a-z_0-9]+|A RIND_[0-9.]+)(@@RIND_[0-9.]+)?$' || true)
[ -n "$exported" ] || { echo "$2 exports nothing"; exit 1; }
[ -z "$others" ] || { echo "exported by accident: $others"; exit 1; }
[ "$exported" = "$declared" ] && exit 0
echo "exported: $exported"; echo; echo "declared: $declared"; exit 1
