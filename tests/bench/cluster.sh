#!/usr/bin/env bash
# cluster.sh BIN_DIR: `rind bench cluster`, tiny, on a realm of its own and on one that runs; closed and open loop.
set -euo pipefail
bin=$1
work=$(mktemp -d)
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
demo=
clean_up() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    [ -z "$demo" ] || wait "$demo" || true
    rm -rf "$work"
}
trap clean_up EXIT
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

has_figures='
    .ops_per_s > 0 and .errors == 0 and .errors_by_kind == {} and
    (.latency_ms | .p50 > 0 and .p50 <= .p90 and .p90 <= .p99 and .p99 <= .p999 and .p999 <= .max) and
    .floor_us > 0'
has_servers='.server_cpu_us_per_op > 0 and .ratio > 0 and (.operations[0].processes | length) == 3'

figures=$("$bin/rind" bench cluster --start --minimal --concurrency 4 --count 12 --json \
    --plan register,recover --plan auth-error,delete --results-file "$work/results.json")
jq -e "$has_figures and $has_servers" >/dev/null <<<"$figures" || fail "figures of a realm of its own: $figures"
jq -e '.op == "recover" and [.operations[].op] == ["Register", "Recover", "AuthError", "Delete"] and
    ([.operations[] | .count == 12 and .errors == 0] | all)' >/dev/null <<<"$figures" ||
    fail "the plan's operations: $figures"
jq -e 'has("configuration") and has("started") and has("elapsed_secs") and .errors == 0 and
    (.operations[0] | has("throughput") and has("min_ms") and has("mean_ms") and has("p50_ms") and has("p95_ms") and
    has("p99_ms") and has("max_ms") and .concurrency == 4)' "$work/results.json" >/dev/null ||
    fail "the results file: $(cat "$work/results.json")"

"$bin/rind" demo --minimal --keep-alive --info "$work/info.json" >"$work/out" 2>&1 &
demo=$!
deadline=$((SECONDS + 30))
until [ -s "$work/info.json" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "the demo is never ready: $(cat "$work/out")"
    sleep 0.05
done
running=(--configuration "$(jq -c .configuration "$work/info.json")" --info "$work/info.json"
    --secrets-file "$(jq -r .secrets_file "$work/info.json")" --tls-certificate "$(jq -r .tls_certificate "$work/info.json")")
figures=$("$bin/rind" bench cluster "${running[@]}" --concurrency 8 --count 20 --rate 40 --duration 1s \
    --plan register,recover --json --plot "$work/plot.svg")
python3 - "$work/plot.svg" <<'PYTHON' || fail "the plot is no picture of two panels: $(cat "$work/plot.svg")"
import sys, xml.dom.minidom
lines = xml.dom.minidom.parse(sys.argv[1]).getElementsByTagName("polyline")
sys.exit(0 if len(lines) == 8 and all(line.getAttribute("points") for line in lines[::4]) else 1)
PYTHON
jq -e "$has_figures and $has_servers and .rate == 40" >/dev/null <<<"$figures" || fail "open loop: $figures"

# More than the realm can do for a moment, then the plan's load again: three phases, each with its figures.
figures=$("$bin/rind" bench cluster "${running[@]}" --count 20 --plan register,recover --rate 10 --duration 1s --overload 2 \
    --json)
jq -e '[.operations[] | .label] == [null, null, "recover, overloaded", "recover, after the overload"] and
    .operations[2].rate > .operations[1].rate and .operations[3].rate == .operations[1].rate and
    ([.operations[].throughput] | all(. > 0))' >/dev/null <<<"$figures" || fail "overload: $figures"

# On Bigtable's emulator, which is found in PATH here: what it and everybody else used of the processors, together all of them.
figures=$(PATH=$bin:$PATH "$bin/rind" bench cluster --start --minimal --store bigtable --concurrency 4 --count 12 \
    --plan register,recover --json)
jq -e "$has_figures"' and .server_cpu_us_per_op > 0 and ([.operations[] | .cpu_shares |
    .emulator > 0 and .servers > 0 and .client > 0 and (add > 0.99) and ([.[] | . >= 0] | all)] | all) and
    ([.operations[0].processes[] | select(.name == "bigtable-emulator") | .processors_used > 0] == [true])' \
    >/dev/null <<<"$figures" || fail "shares of processors: $figures"
text=$("$bin/rind" bench cluster "${running[@]}" --count 3 --plan register)
grep -q 'shares of all processors: servers .*, this client .*, others .*, idle' <<<"$text" || fail "shares as text: $text"

# Users who never registered: every recover fails, is counted by kind, and the command still succeeds.
figures=$("$bin/rind" bench cluster "${running[@]}" --user-prefix nobody --count 3 --plan delete,recover --json)
jq -e '.errors == 3 and .errors_by_kind == {"NotRegistered": 3} and .ops_per_s == 0' >/dev/null <<<"$figures" ||
    fail "errors by kind: $figures"

for wrong in "--count 3" "--start --overload 3" "--start --overload 3 --duration 1s --plan register" "--start --configuration {}" "--start --minimal --hsms 3" "--start --plan walk" "--minimal"; do
    status=0
    # shellcheck disable=SC2086 # several words
    "$bin/rind" bench cluster $wrong >/dev/null 2>&1 || status=$?
    [ "$status" -eq 2 ] || fail "'$wrong': status $status instead of 2"
done
