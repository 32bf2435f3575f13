#!/usr/bin/env bash
# `rind auth-token` with keys from Secret Manager (spec 08 section 14): whose key it takes, and what it says if there is none.
set -euo pipefail
rind=$RIND_BIN_DIR/rind
work=$(mktemp -d)
emulator=
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$work"' EXIT
realm=000102030405060708090a0b0c0d0e0f
unset RIND_STORE JB_GCP_PROJECT GOOGLE_APPLICATION_CREDENTIALS

fail() { echo "FAILED: $*" >&2; exit 1; }

keys=$("$rind" token random -a EdDSA)
private=$(sed -n 's/^private key: //p' <<<"$keys")
public=$(sed -n 's/^public key: //p' <<<"$keys")
hmac() { jq -cn --arg data "$1" '{data: $data, encoding: "UTF8", algorithm: "HmacSha256"} | tojson'; }
hex() { jq -cn --arg data "$1" --arg algorithm "$2" '{data: $data, encoding: "Hex", algorithm: $algorithm} | tojson'; }
cat >"$work/secrets.json" <<END
{"prj": {
  "tenant-test-acme": {"versions": {
    "9": {"payload": $(hmac nine)}, "10": {"payload": $(hmac ten)}, "latest": {"payload": $(hmac latest)},
    "11": {"payload": $(hmac eleven), "state": "DISABLED"}}},
  "jb-sw-tenant-test-acme": {"versions": {"3": {"payload": "just bytes"}}},
  "tenant-acme": {"versions": {"1": {"payload": $(hmac one)}}},
  "tenant-test-off": {"versions": {"1": {"payload": $(hmac one), "state": "DISABLED"}}},
  "tenant-test-pair": {"versions": {"1": {"payload": $(hex "$private" Edwards25519)}}},
  "tenant-test-public": {"versions": {"1": {"payload": $(hex "$public" RsaPkcs1Sha256)}}},
  "tenant-test-broken": {"versions": {"1": {"payload": $(hex 0g Edwards25519)}}},
  "tenant-test-records": {"versions": {"1": {"payload": $(hex "$(printf '00%.0s' {1..32})" Blake2sMac256)}}}}}
END
mkfifo "$work/input"
"$RIND_BIN_DIR/emulators" secretmanager -secrets "$work/secrets.json" <"$work/input" >"$work/emulator" &
emulator=$!
exec 3>"$work/input"
for ((i = 0; i < 600; i++)); do
    grep -q listening "$work/emulator" && break
    read -r -t 0.05 <> <(:) || true
done
url=http://$(sed -n 's/^listening //p' "$work/emulator")

make() { # tenant, more
    local tenant=$1
    shift
    "$rind" auth-token --secrets-manager-url "$url" -t "$tenant" -u mario -r $realm "$@"
}
# valid TENANT KEY VERSION ALGORITHM TOKEN
valid() {
    local said
    said=$("$rind" token validate -u mario -t "$1" -r $realm -k "$2" -v "$3" -a "$4" -j "$5") || fail "$1: $said"
    [ "$said" = "Token is valid!" ] || fail "$1: $said"
}
refused() { # text, tenant, more
    local text=$1
    shift
    if make "$@" >"$work/out" 2>"$work/err"; then fail "$*: a token was made"; fi
    grep -qF -- "$text" "$work/err" || fail "$*: no '$text' in: $(cat "$work/err")"
    [ ! -s "$work/out" ] || fail "$*: something on stdout: $(cat "$work/out")"
}

# The newest version that is enabled, by its number; and a software realm's key has a name of its own.
valid test-acme "$(printf ten | od -An -tx1 | tr -d ' \n')" 10 HS256 "$(make test-acme)"
valid test-acme "$(printf 'just bytes' | od -An -tx1 | tr -d ' \n')" 3 HS256 "$(make test-acme --software)"
valid test-pair "$public" 1 EdDSA "$(make test-pair)"

refused "tenant must start with 'test-'" acme
refused "must be test- and letters and digits" test-a/versions
refused "Secret Manager has no secret tenant-test-nobody in projects/prj" test-nobody
refused "Secret Manager has no secret jb-sw-tenant-test-pair in projects/prj" test-pair --software
refused "secret tenant-test-off in projects/prj has no version that is enabled" test-off
refused "signing with version 1 of tenant-test-records: unsupported JWT algorithm" test-records
refused "signing with version 1 of tenant-test-public" test-public
refused "in version 1 of secret tenant-test-broken: InvalidDataForEncoding" test-broken
refused 'no access to project "other"' test-acme --bigtable-project other
refused "docs/google-cloud.md" test-acme --bigtable-project other
export HOME=$work GOOGLE_APPLICATION_CREDENTIALS=/nonexistent GRPC_VERBOSITY=NONE
refused "GOOGLE_APPLICATION_CREDENTIALS" test-acme --secrets-manager-url https://secretmanager.googleapis.com
