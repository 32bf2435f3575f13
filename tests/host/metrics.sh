#!/usr/bin/env bash
# metrics.sh SOURCE_DIR: docs/metrics.md lists exactly what the programs send, and leaves out no name of the specification.
set -euo pipefail
cd "$1"
failed=0
complain() { echo "$*" >&2; failed=1; }
rows() { # the first column of the tables of a section
    # shellcheck disable=SC2016 # backquotes of Markdown
    sed -n "/^## $1\$/,/^## [^$2]/p" docs/metrics.md | sed -n 's/^| `\([^`]*\)`.*/\1/p'
}
sent=$(rows Sent S)
not_sent=$(rows 'Not sent' N)
literals=$(grep -rhoE --include='*.c' '"[A-Za-z_. ]+"' src | tr -d '"' | sort -u)
[ "$(wc -l <<<"$sent")" -ge 80 ] || complain "docs/metrics.md lists too few metrics"

while IFS= read -r name; do
    grep -qxF -- "$name" <<<"$literals" || complain "docs/metrics.md: no program sends $name"
done <<<"$sent"
while IFS= read -r name; do
    ! grep -qxF -- "$name" <<<"$literals" || complain "docs/metrics.md: $name is sent after all"
done <<<"$not_sent"

# What the sources send stands in the document.
used=$(grep -rhA2 --include='*.c' -E 'rind_metrics_(count|gauge|gauge_decimal|timing_ns|distribution|set)\(' src |
    grep -oE '"[a-z_]+(\.[a-z_]+)+"' | tr -d '"' | sort -u)
while IFS= read -r name; do
    grep -qxF -- "$name" <<<"$sent" || complain "docs/metrics.md lacks $name, which is sent"
done <<<"$used"

# Each name of the specification's section on metrics stands in the document, as it is or as the beginning of one.
# shellcheck disable=SC2016 # backquotes of Markdown
wanted=$(sed -n '/^### 7.4 /,/^## 8\./p' docs/spec/05-cloud-services.md | grep -oE '`[a-z_]+(\.[a-z_]+)+`' | tr -d '`' |
    grep -E '^(store_client|bigtable|agent|realm|gcp|reqwest|load_balancer|service|service_checker|entrust|healthcheck)\.' |
    sort -u)
[ "$(wc -l <<<"$wanted")" -ge 50 ] || complain "too few names were found in the specification"
while IFS= read -r name; do
    grep -qE "(^|[\`])${name//./\\.}(\$|[.\`])" <<<"$sent"$'\n'"$not_sent" ||
        grep -qF -- "\`$name\`" docs/metrics.md || complain "docs/metrics.md lacks $name of the specification"
done <<<"$wanted"
exit "$failed"
