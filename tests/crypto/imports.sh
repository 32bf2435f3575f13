#!/bin/sh
# imports.sh NM ARCHIVE LIST - fails if ARCHIVE imports a symbol that is not in LIST. Symbols of our own rooms, of
# the compiler and of sanitizers do not count.
set -eu
"$1" -u "$2" 2>/dev/null | sed -n 's/^ *U //p' |
    grep -v -E '^(rind_|__asan|__ubsan|__tsan|__sanitizer|__gcov|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)' |
    sed 's/^__\(mem[a-z]*\)_chk$/\1/' |
    sort -u | {
    count=0
    while read -r symbol; do
        count=$((count + 1))
        grep -q -x -F "$symbol" "$3" || { echo "imported, but not in $3: $symbol"; exit 1; }
    done
    [ "$count" -gt 0 ] || { echo "no imports found in $2: is nm missing?"; exit 1; }
}
