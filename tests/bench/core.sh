#!/usr/bin/env bash
# core.sh BIN_DIR: `rind bench core`, tiny. The run itself checks every answer of the core.
set -euo pipefail
bin=$1
fail() { printf 'FAILED: %s\n' "$*"; exit 1; }

for records in 100 1000000 500000000; do
    figures=$("$bin/rind" bench core --records "$records" --rounds 2 --batch 5 --json)
    jq -e --argjson records "$records" '
        .records == $records and
        ([.recover, .register] | all(.cpu_us > 0 and .floor_us > 0 and .ratio > 0)) and
        (.recover.floor_us > .register.floor_us) and
        (.request_us | keys == ["delete", "recover1", "recover2", "recover3", "register1", "register2"])
        ' >/dev/null <<<"$figures" || fail "figures of $records records: $figures"
done

text=$("$bin/rind" bench core --rounds 1 --batch 1)
grep -q '^ *500000000 ' <<<"$text" || fail "the table has no row of the largest tree: $text"

status=0
"$bin/rind" bench core --records 1 >/dev/null 2>&1 || status=$?
[ "$status" -eq 2 ] || fail "a tree of one record: status $status instead of 2"
status=0
"$bin/rind" bench nothing >/dev/null 2>&1 || status=$?
[ "$status" -eq 2 ] || fail "an unknown benchmark: status $status instead of 2"
