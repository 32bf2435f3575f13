#!/usr/bin/env bash
# hsm.sh BIN_DIR: `rind bench hsm`, tiny.
set -euo pipefail
bin=$1
figures=$("$bin/rind" bench hsm --num-agents 3 --concurrency 4 --count 8 --json)
jq -e '.errors == 0 and .ratio > 0 and (.operations | length) == 3 and
    ([.operations[0].processes[].name] | map(select(startswith("hsm"))) | length) == 3' >/dev/null <<<"$figures" ||
    { printf 'FAILED: figures: %s\n' "$figures"; exit 1; }
