#!/bin/sh
# core_imports.sh NM LIST ARCHIVE... - fails if the rooms of the trusted core, taken together, import a symbol that none
# of them defines and LIST does not allow. Symbols of the compiler and of sanitizers do not count.
set -eu
nm=$1
list=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$nm" -g --defined-only "$@" 2>/dev/null | sed -n 's/^[0-9a-f]* [A-Z] //p' | sort -u >"$work/defined"
"$nm" -u "$@" 2>/dev/null | sed -n 's/^ *U //p' |
    grep -v -E '^(__asan|__ubsan|__tsan|__sanitizer|__gcov|llvm_|__llvm|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_)' |
    sed 's/^__\(mem[a-z]*\|str[a-z]*\|vsnprintf\|snprintf\)_chk$/\1/' | sort -u >"$work/wanted"
comm -13 "$work/defined" "$work/wanted" >"$work/imported"
[ -s "$work/imported" ] || { echo "no imports found in $*: is $nm missing?"; exit 1; }
grep -v '^#' "$list" | sort -u >"$work/allowed"
comm -23 "$work/imported" "$work/allowed" >"$work/surplus"
if [ -s "$work/surplus" ]; then
    echo "imported by the trusted core, but not in $list:"
    cat "$work/surplus"
    exit 1
fi
