#!/usr/bin/env bash
# tree.sh BIN_DIR: `rind bench tree`, tiny. The run itself checks every answer of the core.
set -euo pipefail
bin=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

figures=$("$bin/rind" bench tree --records 2000 --count 6 --json)
jq -e '.records == 2000 and .file_bytes > 0 and
    ([.register, .cold, .warm] | all(.count == 6 and .nodes_per_op > 0 and .bytes_written_per_op > 0 and
        .core_us_per_op > 0 and .append_us_per_op > 0 and .latency_ms.p50 > 0)) and
    .cold.nodes_read_per_op > 0 and .warm.nodes_read_per_op == 0' >/dev/null <<<"$figures" ||
    fail "figures: $figures"
[ -z "$(ls -A "$TMPDIR")" ] || fail "files are left: $(ls -A "$TMPDIR")"

"$bin/rind" bench tree --records 100 --count 1 --directory "$work/kept" >"$work/out" || fail "$(cat "$work/out")"
grep -q '^recover, cold' "$work/out" || fail "no figures: $(cat "$work/out")"
[ -s "$work/kept/data.mdb" ] || fail "the directory that was given is gone"
