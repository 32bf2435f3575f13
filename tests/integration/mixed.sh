#!/usr/bin/env bash
# mixed.sh BIN_DIR SOURCE_DIR: `rind demo --mixed`, its state used again, and the configuration an operator writes for it.
set -uo pipefail
bin=$1
source=$2
work=$(mktemp -d)
failures=0
demo=
trap '[ -z "$demo" ] || kill -KILL "$demo" 2>/dev/null; rm -rf "$work"' EXIT

say() { printf -- '-- %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }

say "the story"
output=$("$bin/rind" demo --mixed) || fail "the story fails: $output"
for text in 'the two realms of HSMs are enough' 'one realm of HSMs and the software realm are enough' \
    'one realm alone gives nothing away' 'as promised'; do
    grep -q "$text" <<<"$output" || fail "the story does not say '$text': $output"
done

say "a state directory is used again, the software realm's id and records with it"
for run in register recover; do
    RIND_EXPECT=$run "$bin/rind" demo --mixed --state "$work/state" \
        --demo "$source/tests/conformance/persist.js" >"$work/out" 2>&1 || fail "run to $run: $(cat "$work/out")"
done

say "the configuration and tokens of operators' commands"
"$bin/rind" demo --mixed --state "$work/state" --keep-alive --info "$work/info.json" >"$work/out" 2>&1 &
demo=$!
deadline=$((SECONDS + 60))
while [ ! -s "$work/info.json" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
python3 - "$bin/rind" "$work/info.json" <<'PYTHON' || fail "configuration"
import json, subprocess, sys
rind, info = sys.argv[1], json.load(open(sys.argv[2]))
wanted = info["configuration"]
software = [realm for realm in wanted["realms"] if "public_key" not in realm]
hardware = [realm for realm in wanted["realms"] if "public_key" in realm]
assert len(software) == 1 and len(hardware) == 2
assert wanted["register_threshold"] == wanted["recover_threshold"] == 2

def run(*arguments):
    return subprocess.run([rind, *arguments], capture_output=True, text=True)

def configuration(*more):
    return run("configuration", "--store", info["store"], hardware[0]["address"], *more)

flag = software[0]["id"] + "=" + software[0]["address"]
got = configuration("--software-realm", flag, "--threshold", "2")
assert got.returncode == 0, got.stderr
got = json.loads(got.stdout)
key = lambda realm: realm["id"]
assert sorted(got["realms"], key=key) == sorted(wanted["realms"], key=key), got
assert got["register_threshold"] == got["recover_threshold"] == 2
for arguments, text in ((["--threshold", "1"], "more than half"), (["--threshold", "4"], "at most all"),
                        (["--software-realm", "x"], "32 hex digits"), (["--software-realm", "00=http://x/"], "32 hex digits")):
    refused = configuration(*(["--software-realm", flag] if "--threshold" in arguments else []), *arguments)
    assert refused.returncode == 1 and text in refused.stderr, (arguments, refused)

# A token for the software realm opens it, one for the realms of HSMs does not.
def status(*more, request="hRecover1"):
    token = run("auth-token", "--tenant", "test-acme", "--user", "luigi", "--realm", software[0]["id"], "--secrets-file",
                info["secrets_file"], *more).stdout.strip()
    return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", "--cacert",
                           info["tls_certificate_pem"], "-H", "Authorization: Bearer " + token, "-H",
                           "X-Juicebox-Version: 0.3.4", "--data-binary", request, software[0]["address"] + "req"],
                          capture_output=True, text=True).stdout
assert status("--software") == "200", status("--software")
assert status() == "401", status()

# And the realm tells its tenant what was done.
assert status("--software", request="fDelete") == "200"
log = run("tenant-log", "--url", software[0]["address"], "--ca-file", info["tls_certificate_pem"], "--software", "--secrets-file",
          info["secrets_file"], "--tenant", "test-acme", "--realm", software[0]["id"], "--json")
assert log.returncode == 0 and json.loads(log.stdout)["event"] == "deleted", log
PYTHON
kill -INT "$demo"
wait "$demo" || fail "Ctrl-C: status $?: $(cat "$work/out")"
demo=

say "bad input"
output=$("$bin/rind" demo --mixed --minimal 2>&1)
[ $? -eq 2 ] || fail "--mixed --minimal: $output"
[ "$failures" -eq 0 ] && echo "mixed: all held"
exit "$((failures > 0))"
