#!/usr/bin/env bash
# demo.sh BIN_DIR SOURCE_DIR: `rind demo` as a newcomer and a careless operator meet it. Nothing may be left behind.
set -uo pipefail
bin=$1
source=$2
work=$(mktemp -d)
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
failures=0

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }
# Processes of realms whose files are below our own directory.
left_running() { pgrep -f -- "$TMPDIR/|$work/" | grep -vx "$$" || true; }
expect_nothing_left() { # what
    local deadline=$((SECONDS + 10))
    while [ -n "$(left_running)" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
    [ -z "$(left_running)" ] || fail "$1: processes are left: $(left_running | tr '\n' ' ')"
    [ -z "$(ls -A "$TMPDIR")" ] || fail "$1: files are left: $(ls -A "$TMPDIR")"
}
wait_for_file() { # path
    local deadline=$((SECONDS + 30))
    while [ ! -s "$1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}
expect_fault() { # exit status, text, command...
    local status=$1 text=$2
    shift 2
    local output actual
    output=$("$@" 2>&1)
    actual=$?
    [ "$actual" -eq "$status" ] || fail "$*: status $actual instead of $status: $output"
    grep -qF -- "$text" <<<"$output" || fail "$*: does not say '$text': $output"
    [ "$(grep -c 'error:' <<<"$output")" -eq 1 ] || fail "$*: not one sentence: $output"
}

say "the story of the minimal realm"
output=$("$bin/rind" demo --minimal) || fail "the story fails: $output"
grep -q 'as promised' <<<"$output" || fail "the story does not end well: $output"
expect_nothing_left "after the story"

say "the story of two realms on Bigtable, whose emulator ends with them"
output=$(PATH="$bin:$PATH" "$bin/rind" demo --store bigtable) || fail "the story on Bigtable fails: $output"
grep -q 'as promised' <<<"$output" || fail "the story on Bigtable does not end well: $output"
expect_nothing_left "after the story on Bigtable"
expect_fault 1 "there is no Bigtable emulator" env PATH=/nowhere "$bin/rind" demo --minimal --store bigtable
expect_fault 1 "BIGTABLE_EMULATOR_HOST" "$bin/rind" demo --minimal --store bigtable --state "$work/bigtable-state"
expect_fault 1 "127.0.0.1:1" env BIGTABLE_EMULATOR_HOST=127.0.0.1:1 "$bin/rind" demo --minimal --store bigtable

say "Ctrl-C while serving"
"$bin/rind" demo --minimal --keep-alive --info "$work/info.json" >"$work/out" 2>&1 &
demo=$!
wait_for_file "$work/info.json" || fail "never ready: $(cat "$work/out")"
kill -INT "$demo"
wait "$demo"
status=$?
[ "$status" -eq 0 ] || fail "Ctrl-C: status $status: $(cat "$work/out")"
[ ! -e "$work/info.json" ] || fail "Ctrl-C: the info file is left"
expect_nothing_left "after Ctrl-C"

say "kill -9 takes all processes along"
"$bin/rind" demo --minimal --keep-alive --info "$work/info.json" >"$work/out" 2>&1 &
demo=$!
wait_for_file "$work/info.json" || fail "never ready: $(cat "$work/out")"
kill -KILL "$demo"
wait "$demo" 2>/dev/null
deadline=$((SECONDS + 10))
while [ -n "$(left_running)" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
[ -z "$(left_running)" ] || fail "kill -9: processes are left"
rm -rf "${TMPDIR:?}"/* "$work/info.json"

say "a state directory is used again"
for run in register recover; do
    RIND_EXPECT=$run "$bin/rind" demo --minimal --state "$work/state" \
        --demo "$source/tests/conformance/persist.js" >"$work/out" 2>&1 || fail "run to $run: $(cat "$work/out")"
done
[ "$(stat -c %a "$work/state/realm-a-keys.json")" = 600 ] || fail "the realm's keys can be read by others"
expect_nothing_left "after using a state directory"

say "the program's exit status is ours"
printf '#!/bin/sh\nexit 7\n' >"$work/seven"
chmod +x "$work/seven"
"$bin/rind" demo --minimal --demo "$work/seven" >/dev/null
[ $? -eq 7 ] || fail "the program's exit status is lost"
expect_nothing_left "after a program that fails"

say "bad input: one clear sentence, nothing left"
expect_fault 2 "--wrong" "$bin/rind" demo --wrong
expect_fault 2 "--minimal" "$bin/rind" demo --minimal --hsms 3
expect_fault 2 "no command 'dmeo'" "$bin/rind" dmeo
expect_fault 1 "$work/none.json" "$bin/rind" demo --minimal --secrets-file "$work/none.json"
echo '{' >"$work/broken.json"
expect_fault 1 "$work/broken.json" "$bin/rind" demo --minimal --secrets-file "$work/broken.json"
touch "$work/file"
expect_fault 1 "$work/file" "$bin/rind" demo --minimal --state "$work/file"
expect_fault 1 "/nowhere/at/all" env TMPDIR=/nowhere/at/all "$bin/rind" demo --minimal
expect_fault 1 "$work/none" "$bin/rind" groups --store "lmdb:$work/none/below/file"
expect_fault 2 "--store" "$bin/rind" groups
expect_nothing_left "after bad input"

rm -rf "$work"
[ "$failures" -eq 0 ] && echo "demo: all held"
exit "$((failures > 0))"
