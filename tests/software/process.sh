#!/usr/bin/env bash
# process.sh PROGRAM: rind-software-realm as a process: what it refuses to start with, and its end.
set -euo pipefail
program=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
unset TENANT_SECRETS REALM_ID PORT PROVIDER RIND_STORE

fail() { echo "FAIL: $*"; exit 1; }

# Exit status and a part of the sentence.
refuses() {
  local status=$1 text=$2
  shift 2
  local got=0
  "$program" "$@" > "$directory/out" 2> "$directory/err" || got=$?
  [ "$got" = "$status" ] || fail "status $got instead of $status: $*: $(cat "$directory/err")"
  grep -q -- "$text" "$directory/err" || fail "no '$text' in: $(cat "$directory/err")"
}

refuses 2 'not hex' --id xyz
refuses 3 '32 hex digits' -id 2f8b
refuses 4 'must be a number' -port x
refuses 5 'lmdb:DIRECTORY' -provider mongo
refuses 6 'TENANT_SECRETS' --listen 127.0.0.1:0
refuses 6 "$directory/missing.json" --listen 127.0.0.1:0 --secrets-file "$directory/missing.json"
TENANT_SECRETS='{"acme":5}' refuses 6 'tenant acme' --listen 127.0.0.1:0
TENANT_SECRETS='{}' refuses 6 'not exist\|No such file' --listen 127.0.0.1:0 --id 2f8b1c5e00d14aa3b1f0c2d3e4f50617 \
  --store "lmdb:$directory/no/such/place"
TENANT_SECRETS='{}' refuses 1 'tls' --listen 127.0.0.1:0 --tls-cert "$directory/tls.crt" --tls-key "$directory/tls.key"

# Serves, with its id from the environment, and ends with status 0 when told to.
REALM_ID=2f8b1c5e00d14aa3b1f0c2d3e4f50617 TENANT_SECRETS='{"acme":{"1":"a key"}}' \
  "$program" --listen 127.0.0.1:0 --store "lmdb:$directory/store" > "$directory/log" 2>&1 &
pid=$!
trap 'kill -KILL "$pid" 2>/dev/null || true; rm -rf "$directory"' EXIT
for _ in $(seq 600); do
  grep -q ready "$directory/log" && break
  kill -0 "$pid" || fail "ended: $(cat "$directory/log")"
  sleep 0.05
done
address=$(grep -o '127\.0\.0\.1:[0-9]*' "$directory/log" | tail -1)
[ "$(curl -s --max-time 20 "http://$address/")" = '{"realmID":"2f8b1c5e00d14aa3b1f0c2d3e4f50617"}' ] || fail "no realm id"
grep -q 'a key' "$directory/log" && fail "the log has a key"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 0 ] || fail "ended with $status: $(cat "$directory/log")"
trap 'rm -rf "$directory"' EXIT
echo PASS
