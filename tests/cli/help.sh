#!/bin/sh
# Every command explains itself with an example; wrong command lines end with status 2.
set -eu
rind="$RIND_BIN_DIR/rind"
commands=$("$rind" --help | sed -n 's/^  \([a-z -]*[a-z]\)  .*/\1/p')
count=0
while IFS= read -r command; do
    # shellcheck disable=SC2086 # a command may have two words
    help=$("$rind" $command --help)
    case "$help" in
    *"Example:"*"rind $command"*) ;;
    *) echo "rind $command --help has no example of itself" >&2; exit 1 ;;
    esac
    # shellcheck disable=SC2086
    [ "$("$rind" help $command)" = "$help" ] || { echo "rind help $command differs" >&2; exit 1; }
    # shellcheck disable=SC2086
    if RIND_STORE='' "$rind" $command --no-such-flag >/dev/null 2>&1; then status=0; else status=$?; fi
    [ "$status" -eq 2 ] || { echo "rind $command --no-such-flag: status $status" >&2; exit 1; }
    count=$((count + 1))
done <<LIST
$commands
LIST
[ "$count" -ge 20 ] || { echo "only $count commands were found" >&2; exit 1; }
for wrong in '' 'nonsense' 'token' 'token nonsense' 'experimental'; do
    # shellcheck disable=SC2086
    if "$rind" $wrong >/dev/null 2>&1; then status=0; else status=$?; fi
    [ "$status" -eq 2 ] || { echo "rind $wrong: status $status" >&2; exit 1; }
done
for group in token store tenant experimental; do
    case $("$rind" $group --help) in
    "Usage: rind $group COMMAND"*"  $group "*) ;;
    *) echo "rind $group --help is about something else" >&2; exit 1 ;;
    esac
done
