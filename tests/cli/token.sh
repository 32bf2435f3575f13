#!/bin/sh
# `rind token` (spec 01 section 15): what create makes, validate accepts; anything else is an error.
set -eu
rind="$RIND_BIN_DIR/rind"
realm=000102030405060708090a0b0c0d0e0f
check() { "$rind" token validate -u mario -t test-acme -r "$1" -k "$2" -v "$3" -a "$4" -j "$5"; }
for algorithm in HS256 EdDSA; do
    keys=$("$rind" token random -a "$algorithm")
    other=$("$rind" token random -a "$algorithm" | tail -n 1 | sed 's/^public key: //')
    private=$(echo "$keys" | head -n 1 | sed 's/^private key: //')
    public=$(echo "$keys" | tail -n 1 | sed 's/^public key: //')
    token=$("$rind" token create -u mario -t test-acme -r "$realm" -k "$private" -v 3 -a "$algorithm")
    [ "$(check "$realm" "$public" 3 "$algorithm" "$token")" = "Token is valid!" ]
    check "$realm" "$public" 4 "$algorithm" "$token" | grep -q '^WARNING: the key id has version 3'
    if check "$realm" "$other" 3 "$algorithm" "$token" >/dev/null 2>&1; then
        echo "$algorithm: another key was accepted" >&2
        exit 1
    fi
    if check "f$realm" "$public" 3 "$algorithm" "$token" >/dev/null 2>&1; then
        echo "$algorithm: a bad realm was accepted" >&2
        exit 1
    fi
    if fault=$(check ff0102030405060708090a0b0c0d0e0f "$public" 3 "$algorithm" "$token" 2>&1); then
        echo "$algorithm: another realm was accepted" >&2
        exit 1
    fi
    case "$fault" in *"ERROR: "*) ;; *) echo "no ERROR line: $fault" >&2; exit 1 ;; esac
done
if "$rind" token create -u mario -t 'bad tenant' -r "$realm" -k 00 -v 1 -a HS256 2>/dev/null; then
    echo "a bad tenant was accepted" >&2
    exit 1
fi
