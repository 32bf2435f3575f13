#!/usr/bin/env bash
# store.sh BIN_DIR: `rind store stats`, `check` and `copy` on a realm that served a user, and what they refuse.
set -uo pipefail
bin=$1
work=$(mktemp -d)
failures=0
demo=
trap '[ -z "$demo" ] || kill -KILL "$demo" 2>/dev/null; rm -rf "$work"' EXIT

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }
refuses() { # text, command...
    local text=$1 output
    shift
    output=$("$@" 2>&1) && fail "$*: not refused"
    grep -qF -- "$text" <<<"$output" || fail "$*: does not say '$text': $output"
}
start() {
    "$bin/rind" demo --minimal --state "$work/state" --keep-alive --info "$work/info.json" >"$work/out" 2>&1 &
    demo=$!
    local deadline=$((SECONDS + 60))
    while [ ! -s "$work/info.json" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
}
stop() {
    kill -INT "$demo"
    wait "$demo" || fail "the demo ended with $?: $(cat "$work/out")"
    demo=
}
store=lmdb:$work/state/store

say "a realm that runs: looked at, not copied"
start
configuration=$(python3 -c 'import json,sys; print(json.dumps(json.load(open(sys.argv[1]))["configuration"]))' "$work/info.json")
"$bin/rind" bench cluster --configuration "$configuration" --secrets-file "$work/state/secrets.json" \
    --tls-certificate "$work/state/localhost.cert.der" --count 3 >"$work/out" 2>&1 || fail "users: $(cat "$work/out")"
"$bin/rind" store stats --store "$store" >/dev/null || fail "stats of a running realm"
refuses "is running" "$bin/rind" store copy --from "$store" --to "lmdb:$work/copy"
[ ! -e "$work/copy" ] || fail "a refused copy made its target"
stop

say "a realm that stands still"
output=$("$bin/rind" store check --store "$store") || fail "check: $output"
[ "$(grep -c '^realm ' <<<"$output")" -eq 1 ] || fail "not one realm: $output"
grep -q '0 nodes missing, 0 wrong' <<<"$output" || fail "problems: $output"
"$bin/rind" store copy --from "$store" --to "lmdb:$work/copy" --json >"$work/copied" || fail "copy: $(cat "$work/copied")"
tables() {
    "$bin/rind" store stats --store "$1" --json | python3 -c 'import json,sys
print(json.dumps(sorted((t["table"], t["digest"]) for t in json.load(sys.stdin)["tables"])))'
}
[ "$(tables "$store")" = "$(tables "lmdb:$work/copy")" ] || fail "the copy has other tables"
"$bin/rind" store check --store "lmdb:$work/copy" --json >"$work/checked" || fail "check of the copy: $(cat "$work/checked")"
refuses "has table" "$bin/rind" store copy --from "$store" --to "lmdb:$work/copy"
refuses "the same" "$bin/rind" store copy --from "$store" --to "lmdb:$work/state/../state/store"
refuses "there is no store" "$bin/rind" store copy --from "lmdb:$work/none" --to "lmdb:$work/other"
refuses "32 hex digits" "$bin/rind" store check --store "$store" 12
refuses "no table" "$bin/rind" store check --store "$store" 00000000000000000000000000000000

say "the realms go on from the copy"
rm -r "$work/state/store"
cp -a "$work/copy" "$work/state/store"
start
[ -s "$work/info.json" ] || fail "no realm from the copy: $(cat "$work/out")"
stop
[ "$failures" -eq 0 ] && echo "store: all held"
exit "$((failures > 0))"
