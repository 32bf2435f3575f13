#!/usr/bin/env bash
# process.sh BIN: how rind-tenant-log starts, refuses to start, and ends.
set -euo pipefail

bin=$1
work=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
pids=()
realm=fafafafafafafafafafafafafafafafa
unset GCP_PROJECT_ID REALM_ID PORT PUBSUB_EMULATOR_HOST GOOGLE_APPLICATION_CREDENTIALS

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect STATUS TEXT COMMAND...: it must end with that status and say TEXT on stderr.
expect() {
    local status=$1 text=$2 got=0
    shift 2
    "$@" >"$work/out" 2>"$work/err" || got=$?
    [ "$got" -eq "$status" ] || fail "$* ended with $got instead of $status: $(cat "$work/err")"
    grep -qF -- "$text" "$work/err" || fail "$* did not say '$text': $(cat "$work/err")"
}

# await FILE REGEX: waits until a line of the file matches, and prints the match.
await() {
    local i
    for ((i = 0; i < 600; i++)); do
        if grep -oE -m 1 -- "$2" "$1" 2>/dev/null; then return; fi
        read -r -t 0.05 <> <(:) || true
    done
    fail "$1 never had $2: $(cat "$1")"
}

log=$bin/rind-tenant-log
echo '{}' >"$work/secrets.json"
export GCP_PROJECT_ID=prj
expect 1 "the port is no number" "$log" -id $realm -port abc
expect 1 "the port is no number" "$log" -id $realm -port 65536
expect 1 "the port is no number" env PORT=x "$log" -id $realm
expect 2 "the realm id is not hex" "$log" -id "not hex"
expect 2 "the realm id is not hex" "$log" -id ${realm}f
expect 3 "the realm id is not 16 bytes" "$log" -id fafa
expect 3 "the realm id is not 16 bytes" "$log"
expect 2 "--listen is no IP address" "$log" -id $realm --listen localhost
expect 2 "project" env -u GCP_PROJECT_ID "$log" -id $realm
expect 6 "/nonexistent.json" "$log" -id $realm --secrets-file /nonexistent.json
expect 6 "GOOGLE_APPLICATION_CREDENTIALS" env HOME="$work" GOOGLE_APPLICATION_CREDENTIALS=/nonexistent \
    GRPC_VERBOSITY=NONE "$log" -id $realm
expect 7 "PUBSUB_EMULATOR_HOST" env PUBSUB_EMULATOR_HOST='not a host' "$log" -id $realm \
    --secrets-file "$work/secrets.json"
expect 7 "--pubsub-url" "$log" -id $realm --secrets-file "$work/secrets.json" \
    --pubsub-url http://127.0.0.1:1 --pubsub-connect-timeout 200ms

# A real one: the id in upper case, from the environment.
mkfifo "$work/input"
"$bin/emulators" pubsub <"$work/input" >"$work/emulator" &
pids+=($!)
exec 3>"$work/input"
address=$(await "$work/emulator" '[0-9.]+:[0-9]+$')
REALM_ID=${realm^^} PORT=0 PUBSUB_EMULATOR_HOST=$address "$log" --listen 127.0.0.1 \
    --secrets-file "$work/secrets.json" >"$work/log" &
pid=$!
pids+=("$pid")
url=http://$(await "$work/log" '127\.0\.0\.1:[1-9][0-9]*' | head -1)
[ "$(curl -sS "$url/")" = "{\"realmID\":\"$realm\"}" ] || fail "no realm id at $url"
curl -sS "$url/livez" | grep -q '^ok$' || fail "livez is not ok"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" -eq 0 ] || fail "it ended with $status: $(cat "$work/log")"
