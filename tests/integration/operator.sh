#!/usr/bin/env bash
# operator.sh BIN_DIR: an operator brings up a realm with the programs and commands of the manual (spec 08 section 20),
# looks at it, moves things around, and sees what a dead agent looks like. Nothing is left running.
set -euo pipefail
bin=$1
rind=$bin/rind
work=$(mktemp -d)
pids=()
managers=()
manager_pids=()

finish() {
    local status=$?
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if [ "$status" -ne 0 ]; then tail -n 3 "$work"/*.log >&2 || true; fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
start() { # name, program, arguments...
    local name=$1
    shift
    "$bin/$1" "${@:2}" >"$work/$name.log" 2>&1 &
    pids+=($!)
    last_pid=$!
}
await() { # seconds, what, command...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within time"
        sleep 0.05
    done
}
json() { python3 -c "import json,sys; d = json.load(sys.stdin); print($1)"; }

export RIND_STORE=lmdb:$work/store
export LOGLEVEL=warn
mkdir "$work/hsms"
"$rind" new-keys "$work/keys.json"
if "$rind" new-keys "$work/keys.json" 2>/dev/null; then fail "keys were overwritten"; fi

agents=()
agent_pids=()
for i in 1 2 3; do
    hsm_port=$(free_port)
    start "hsm-$i" rind-hsm --keys-file="$work/keys.json" --state-dir="$work/hsms" --name="hsm-$i" --listen="127.0.0.1:$hsm_port"
    agent_port=$(free_port)
    start "agent-$i" rind-agent --hsm-url="http://127.0.0.1:$hsm_port/" --listen="127.0.0.1:$agent_port" --name="agent-$i" --store="$RIND_STORE"
    agent_pids+=("$last_pid")
    agents+=("http://127.0.0.1:$agent_port/")
done
if "$rind" rebalance 2>"$work/err"; then fail "rebalance without a manager"; fi
grep -q 'No cluster managers in service discovery, and no explicit cluster manager URL set.' "$work/err" ||
    fail "rebalance without a manager said: $(cat "$work/err")"
for i in 1 2; do
    port=$(free_port)
    start "manager-$i" rind-cluster-manager --listen="127.0.0.1:$port" --store="$RIND_STORE" --interval=500ms
    managers+=("http://127.0.0.1:$port/")
    manager_pids+=("$last_pid")
done
all_hsms_answer() { [ "$("$rind" agents --json | json 'sum(1 for a in d if a.get("hsm"))')" = 3 ]; }
await 60 "three agents with HSMs" all_hsms_answer
managers_registered() { for url in "${managers[@]}"; do curl -sf "${url}livez" | grep -q '^ok$' || return 1; done; }
await 60 "two managers" managers_registered

# --- bring-up, as scripts do it: words 3 and 7
made=$("$rind" new-realm "${agents[0]}" | tail -n 1)
realm=$(echo "$made" | cut -d' ' -f3)
first=$(echo "$made" | cut -d' ' -f7)
[ "$made" = "Created realm $realm with starting group $first" ] || fail "new-realm printed: $made"
if "$rind" new-realm "${agents[0]}" >/dev/null 2>"$work/err"; then fail "a second realm on one HSM"; fi
grep -q 'HSM is already in a realm' "$work/err" || fail "new-realm said: $(cat "$work/err")"
[ "$("$rind" join-realm --realm "${realm:0:8}" "${agents[1]}" "${agents[2]}")" = "Requesting 2 HSMs to join realm $realm
HSMs done joining realm" ] || fail "join-realm"
"$rind" join-realm --realm "$realm" "${agents[1]}" >/dev/null || fail "joining again"
"$rind" new-group --realm "$realm" "${agents[@]}" >"$work/out"
second=$(sed -n 's/^Created group //p' "$work/out")
[ "$(cat "$work/out")" = "Creating new group in realm $realm
Created group $second" ] || fail "new-group printed: $(cat "$work/out")"
third=$("$rind" new-group --json --realm "$realm" "${agents[@]}" | json 'd["group"]')

# --- records
[ "$("$rind" transfer --realm "$realm" --source "$first" --destination "$second" --start 00 --end ff)" = \
    "Transferring range [0x00...-0xff...] in realm $realm from group $first to $second
Ownership transfer completed successfully" ] || fail "transfer"
"$rind" experimental transfer --realm "$realm" --destination "$third" --start 8000 --end ff >"$work/out"
grep -q '^Ownership transfers completed successfully$' "$work/out" || fail "experimental transfer"
[ "$("$rind" experimental transfer --realm "$realm" --destination "$third" --start 8000 --end ff)" = "nothing to do!" ] ||
    fail "a transfer of nothing"
if "$rind" experimental transfer --realm "$realm" --destination "$first" --start 1000 --end 1fff 2>"$work/err"; then
    fail "a hole was made"
fi
grep -q 'trying to create a hole in one of the source groups' "$work/err" || fail "said: $(cat "$work/err")"
[ "$("$rind" partitions)" = "Realm: $realm
+----------------------------------------------------------------------+
| Group ID                          Start      End        Commit Index |
+----------------------------------------------------------------------+
$("$rind" partitions --json | json '"\n".join("| %s  %-9s  %-9s  %-12d |" % (p["group"], s, e, p["committed"]) for p, s, e in zip(d[0]["partitions"], ["0x00...", "0x8000..."], ["0x7fff...", "0xff..."]))')
+----------------------------------------------------------------------+" ] || fail "partitions printed: $("$rind" partitions)"

# --- looking
"$rind" groups >"$work/out"
for line in "^Realm: $realm$" "^	Group: $second$" "^	Owns: \[0x8000...-0xff...\]$"; do
    grep -q "$line" "$work/out" || fail "groups printed: $(cat "$work/out")"
done
"$rind" configuration https://localhost:1/ | json 'd["realms"][0]["id"]' | grep -q "^$realm$" || fail "configuration"
"$rind" table-stats log "$realm" | grep -q "^log for group $second:$" || fail "table-stats log"
"$rind" table-stats merkle "${realm:0:6}" | grep -q 'total nodes$' || fail "table-stats merkle"
[ "$("$rind" user-summary | head -n 1)" = "start,end,realm,tenant,users" ] || fail "user-summary"
"$rind" tenant set-capacity test-acme 5 | tail -n 1 | grep -q '^Updated tenant configuration$' || fail "set-capacity"
[ "$("$rind" tenant set-capacity test-acme 5 --json | json 'sorted({a["tenants"] for a in d["agents"]})')" = '[1]' ] ||
    fail "set-capacity --json"
if "$rind" new-group --realm "$realm" nonsense 2>"$work/err"; then fail "a group of nonsense"; fi
grep -q "^error: agent 'nonsense': URLs start with" "$work/err" || fail "new-group said: $(cat "$work/err")"
if "$rind" new-realm http://127.0.0.1:1 >/dev/null 2>"$work/err"; then fail "a realm nowhere"; fi
grep -q '^error: RPC error: calling http://127.0.0.1:1/status: could not connect' "$work/err" ||
    fail "new-realm said: $(cat "$work/err")"

# --- leaderships
"$rind" rebalance --full >"$work/out"
tail -n 1 "$work/out" | grep -q '^Already balanced.$' || fail "rebalance printed: $(cat "$work/out")"
leader_of() { "$rind" groups --json | json "[g['leader_hsm'] for r in d for g in r['groups'] if g['group'] == '$1'][0]"; }
before=$(leader_of "$second")
[ "$("$rind" stepdown --type hsm "$before")" = "Leader stepdown successfully completed" ] || fail "stepdown"
[ "$(leader_of "$second")" != "$before" ] || fail "the leadership did not move"
if "$rind" stepdown --type hsm 00000000000000000000000000000000 2>"$work/err"; then fail "stepdown of nobody"; fi
grep -q '^error: Leader stepdown had error: InvalidHsm$' "$work/err" || fail "stepdown said: $(cat "$work/err")"
"$rind" experimental assimilate --group-size 2 2>/dev/null || fail "assimilate"
[ "$("$rind" partitions --json | json 'len(d[0]["partitions"])')" = 3 ] || fail "assimilate made other partitions"
"$rind" experimental assimilate --group-size 2 --json | grep -q '"groups_created":0,"transfers":0' || fail "assimilate again"

# --- a dead manager is passed over, a dead agent is told of
kill -KILL "${manager_pids[0]}"
"$rind" rebalance --full >/dev/null || fail "rebalance with one of two managers"
kill -KILL "${agent_pids[2]}"
if "$rind" agents >"$work/out" 2>"$work/err"; then fail "a dead agent is no success"; fi
grep -q "error getting status: .*refused" "$work/out" || fail "agents printed: $(cat "$work/out")"
grep -q "^error: 1 of 3 agents did not answer" "$work/err" || fail "agents said: $(cat "$work/err")"
if "$rind" groups >"$work/out" 2>/dev/null; then fail "a dead agent is no success"; fi
grep -q '\[error: not found\]' "$work/out" || fail "groups printed: $(cat "$work/out")"

# --- watching goes on beside a dead agent, each line is JSON, and an interrupt ends it well
"$rind" groups --watch --json >"$work/out" 2>"$work/err" &
watch=$!
pids+=("$watch")
has_three_lines() { [ "$(wc -l <"$work/out")" -ge 3 ]; }
await 60 "three looks" has_three_lines
kill -INT "$watch"
wait "$watch" || fail "watching ended with status $?"
while read -r line; do
    echo "$line" | json 'd[0]["groups"][0]["members"][0]["lag"]' >/dev/null || fail "watching printed: $line"
done <"$work/out"
grep -q "1 of 3 agents did not answer" "$work/err" || fail "watching said: $(cat "$work/err")"

# --- an orderly end takes the manager's registration back
kill -TERM "${manager_pids[1]}"
await 10 "the manager's end" bash -c "! kill -0 ${manager_pids[1]}"
if "$rind" rebalance 2>"$work/err"; then fail "rebalance without a manager"; fi
grep -q 'refused' "$work/err" || fail "rebalance said: $(cat "$work/err")"
echo "the operator is content"
