#!/usr/bin/env bash
# store_bigtable.sh BIN_DIR: a realm is copied from LMDB to Bigtable, served there, and copied back; its users recover all along.
set -uo pipefail
bin=$1
work=$(mktemp -d)
failures=0
demo=
emulator=
trap '[ -z "$demo" ] || kill -KILL "$demo" 2>/dev/null; [ -z "$emulator" ] || kill -KILL "$emulator" 2>/dev/null; rm -rf "$work"' EXIT

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }
wait_for() { # text, file
    local deadline=$((SECONDS + 60))
    until grep -q "$1" "$2" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; do sleep 0.05; done
    grep -q "$1" "$2" || { fail "$2 never has '$1': $(cat "$work"/*.out)"; exit 1; }
}
start() { # engine
    rm -f "$work/info.json"
    "$bin/rind" demo --minimal --store "$1" --state "$work/state" --keep-alive --info "$work/info.json" >"$work/demo.out" 2>&1 &
    demo=$!
    wait_for '"processes"' "$work/info.json"
}
stop() {
    kill -INT "$demo"
    wait "$demo" || fail "the demo ended with $?: $(cat "$work/demo.out")"
    demo=
}
users() { # plan, number of the first one
    local figures
    figures=$("$bin/rind" bench cluster --configuration "$(jq -c .configuration "$work/info.json")" \
        --secrets-file "$work/state/secrets.json" --tls-certificate "$work/state/localhost.cert.der" \
        --count 4 --user-start "$2" --plan "$1" --json 2>"$work/bench.out") || fail "$1: $(cat "$work/bench.out")"
    jq -e '[.operations[] | .errors == 0 and .count == 4] | all' >/dev/null <<<"$figures" || fail "$1 of users from $2: $figures"
}
# What tables hold: all but their clocks' readings in service discovery, which a stopped realm has left.
tables() { "$bin/rind" store stats --store "$1" --json | jq -c '[.tables[] | [.table, .rows, .cells, .digest]] | sort'; }
same() {
    local from to
    from=$(tables "$1")
    to=$(tables "$2")
    if [ -z "$from" ] || [ "$from" != "$to" ]; then
        fail "the copy of $1 is not it: $from, $to"
    fi
    "$bin/rind" store check --store "$2" >"$work/check.out" || fail "check of $2: $(cat "$work/check.out")"
}

"$bin/cbtemulator" -host 127.0.0.1 -port 0 >"$work/emulator.out" 2>&1 &
emulator=$!
wait_for 'running on' "$work/emulator.out"
BIGTABLE_EMULATOR_HOST=$(sed -n 's/.* running on //p' "$work/emulator.out" | head -1)
export BIGTABLE_EMULATOR_HOST
lmdb=lmdb:$work/state/store

say "users of the embedded store"
start lmdb
users register,recover 0
stop

say "to Bigtable"
"$bin/rind" store copy --from "$lmdb" --to bigtable >"$work/copy.out" 2>&1 || fail "copy: $(cat "$work/copy.out")"
same "$lmdb" bigtable
rm -r "$work/state/store"
start bigtable
users recover 0
users register,recover 4
refused=$("$bin/rind" store copy --from bigtable --to "lmdb:$work/early" 2>&1) && fail "a running realm was copied"
grep -q 'is running' <<<"$refused" || fail "why a running realm is not copied: $refused"
[ ! -e "$work/early" ] || fail "a refused copy made its target"
stop
[ ! -e "$work/state/store" ] || fail "a realm on Bigtable made an embedded store"

say "and back"
"$bin/rind" store copy --from bigtable --to "$lmdb" >"$work/copy.out" 2>&1 || fail "copy back: $(cat "$work/copy.out")"
same bigtable "$lmdb"
refused=$("$bin/rind" store copy --from "$lmdb" --to bigtable 2>&1) && fail "a copy over tables that are there"
grep -q 'has table' <<<"$refused" || fail "why the target is refused: $refused"
kill "$emulator"
start lmdb
users recover 0
users recover 4
users register,recover,delete 8
stop
[ "$failures" -eq 0 ] && echo "store_bigtable: all held"
exit "$((failures > 0))"
