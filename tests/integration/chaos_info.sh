#!/usr/bin/env bash
# chaos_info.sh BIN_DIR: `rind chaos` against a realm that somebody else runs, and against what is none.
set -uo pipefail
bin=$1
work=$(mktemp -d)
demo=
finish() {
    [ -z "$demo" ] || kill -KILL "$demo" 2>/dev/null # its processes die with it
    rm -rf "$work"
}
trap finish EXIT
export TMPDIR=$work

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
expect_fault() { # exit status, text, option of chaos...
    local status=$1 text=$2 output actual
    shift 2
    output=$("$bin/rind" chaos "$@" 2>&1)
    actual=$?
    [ "$actual" -eq "$status" ] || fail "chaos $*: status $actual instead of $status: $output"
    grep -qF -- "$text" <<<"$output" || fail "chaos $*: does not say '$text': $output"
}
expect_fault 2 "--start or --info"
expect_fault 2 "--start or --info" --start --info "$work/info.json"
expect_fault 1 "$work/info.json" --info "$work/info.json"
echo '{"configuration": {}}' >"$work/broken.json"
expect_fault 1 "$work/broken.json" --info "$work/broken.json"

"$bin/rind" demo --hsms 3 --groups 2 --keep-alive --info "$work/info.json" >"$work/demo.log" 2>&1 &
demo=$!
deadline=$((SECONDS + 60))
while [ ! -s "$work/info.json" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the demo is never ready: $(cat "$work/demo.log")"
    sleep 0.05
done
"$bin/rind" chaos --info "$work/info.json" --duration 8s --interval 400ms --users 32 --json >"$work/chaos.log" 2>&1 ||
    fail "chaos: $(cat "$work/chaos.log")"
grep -q 'starting it again' "$work/demo.log" || fail "nothing was killed: $(cat "$work/chaos.log")"
kill -INT "$demo"
wait "$demo" || fail "the demo does not end well: $(cat "$work/demo.log")"
demo=
tail -n 1 "$work/chaos.log"
