#!/usr/bin/env bash
# check.sh BIN_DIR SOURCE_DIR: `rind check` against a realm that is well, one that is not, and one that is gone; what it
# prints, what it ends with, and what reaches a DogStatsD collector (spec 08 section 16).
set -uo pipefail
bin=$1
secrets=$2/tests/conformance/secrets.json
work=$(mktemp -d)
demo=
collector=
finish() {
    [ -z "$demo" ] || kill -KILL "$demo" 2>/dev/null # its processes die with it
    [ -z "$collector" ] || kill "$collector" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
export TMPDIR=$work
unset DD_ENV DD_SERVICE DD_VERSION

fail() {
    printf 'FAILED: %s\n' "$*"
    exit 1
}
await() { # seconds, what, command...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within time"
        sleep 0.05
    done
}
info() { # member of the info file, as Python
    python3 -c "import json,sys; d = json.load(open(sys.argv[1])); print($1)" "$work/info.json"
}
output=
check() { # exit status, options...
    local status=$1 actual=0
    shift
    : >"$work/datagrams"
    output=$("$bin/rind" check --configuration "$configuration" --secrets-file "$secrets" --tenant test-acme \
        --dogstatsd "127.0.0.1:$port" --env ci "$@" 2>&1) || actual=$?
    [ "$actual" -eq "$status" ] || fail "check $*: status $actual instead of $status: $output"
}
said() { grep -qF -- "$1" <<<"$output" || fail "it does not say '$1': $output"; }
sent() { # a regular expression for a whole datagram
    await 20 "a datagram like $1, among: $(head -c 3000 "$work/datagrams")" grep -qE -- "^$1\$" "$work/datagrams"
}

python3 - "$work" <<'END' &
import os, socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
with open(sys.argv[1] + "/port.new", "w") as file:
    print(server.getsockname()[1], file=file)
os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
while True:
    datagram = server.recv(65536)
    with open(sys.argv[1] + "/datagrams", "ab") as file:
        file.write(datagram + b"\n")
END
collector=$!
"$bin/rind" demo --minimal --keep-alive --info "$work/info.json" --secrets-file "$secrets" >"$work/demo.log" 2>&1 &
demo=$!
await 20 "the collector" test -s "$work/port"
await 60 "the demo" test -s "$work/info.json"
port=$(cat "$work/port")
configuration=$(info 'json.dumps(d["configuration"])')
certificate=$(info 'd["tls_certificate"]')
pem=$(info 'd["tls_certificate_pem"]')
url=$(info 'd["configuration"]["realms"][0]["address"]')
balancer=$(info '[p["pid"] for p in d["processes"] if "balancer" in p["name"]][0]')

# Ten users in a realm that is well; the second time at once, for scripts.
tags="service:service_checker,env:ci(,version:[0-9a-f]+)?"
check 0 --tls-certificate "$certificate" --count 10 --timeout 60s
said "OK: 10 of 10 users registered, recovered and deleted"
said "the certificate of $url is good for 30.0 days, until "
sent "_sc\|healthcheck.register_recover\|0\|#$tags"
sent "service_checker.http_send.network_latency.ns:[0-9]+\|d\|#url:${url}req,status_code:200,$tags"
sent "service_checker.http_send.server_exec_time.ns:[0-9]+\|d\|#url:${url}req,status_code:200,$tags"
sent "service_checker.tls_cert.remaining_days:29.9[0-9]+\|g\|#url:$url,$tags"
printf '%s\n' "$configuration" >"$work/configuration.json"
configuration=@$work/configuration.json
check 0 --tls-certificate "$pem" --count 10 --concurrency 4 --timeout 60s --json
python3 -c 'import json,sys
d = json.loads(sys.argv[1])
assert d["ok"] is True and d["error"] is None and d["users"] == 10 and d["failed_users"] == 0 and d["failures"] == []
assert 29 < d["certificates"][0]["remaining_days"] < 30' "$output" || fail "JSON: $output"

# What cannot work is said before anything is sent.
check 1 --tenant test-other
said "the secrets file lacks tenant-test-other"
check 1 --tenant acme
said "tenant must start with 'test-'"
check 1 --secrets-file "$work/missing.json"
said "$work/missing.json"
check 1 --tls-certificate "$secrets"
said "is no certificate"
check 1 --configuration '{"realms": []}'
check 2 --count 0

# A certificate that clients do not trust.
check 1 --count 1 --timeout 60s
said "CRITICAL: 0 of 1 users"
said "user 1: register failed - Transient: realm "
said "error: register failed - Transient: realm "
said "certificate"
sent "_sc\|healthcheck.register_recover\|2\|m:register failed - Transient_ realm [A-Za-z0-9._ -]+\|#$tags"

# A certificate that is about to expire: users are well, the round is not.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$work/new.key" -out "$work/new.pem" 2>"$work/openssl.log" ||
    fail "openssl: $(cat "$work/openssl.log")"
cp "$work/new.key" "$(dirname "$pem")/localhost.key"
cp "$work/new.pem" "$pem"
kill -HUP "$balancer"
is_reloaded() {
    output=$("$bin/rind" check --configuration "$configuration" --secrets-file "$secrets" --tenant test-acme \
        --tls-certificate "$work/new.pem" --count 1 --timeout 60s 2>&1)
    grep -q "1 of 1 users" <<<"$output"
}
await 60 "the new certificate" is_reloaded
check 1 --tls-certificate "$work/new.pem" --timeout 60s
said "CRITICAL: 5 of 5 users registered"
said "error: the certificate of $url expires in 3.0 days"
sent "service_checker.tls_cert.remaining_days:2.99[0-9]+\|g\|#url:$url,$tags"

# Again and again, until told to stop.
"$bin/rind" check --configuration "$configuration" --secrets-file "$secrets" --tenant test-acme --count 1 \
    --tls-certificate "$work/new.pem" --forever --pause 10ms --json >"$work/rounds" 2>"$work/rounds.err" &
prober=$!
has_three() { [ "$(wc -l <"$work/rounds")" -ge 3 ]; }
await 60 "three rounds" has_three
kill -TERM "$prober"
wait "$prober" && fail "the last round found a certificate that expires: $(tail -n 1 "$work/rounds")"
grep -q 'expires in 3.0 days' "$work/rounds.err" || fail "$(cat "$work/rounds.err")"

# A balancer that does not answer, then one that is gone.
kill -STOP "$balancer"
check 1 --tls-certificate "$work/new.pem" --timeout 300ms --count 3
said "error: timed out waiting for service check to complete"
sent "_sc\|healthcheck.register_recover\|2\|m:timed out waiting for service check to complete.*"
kill -CONT "$balancer"
kill -INT "$demo"
wait "$demo" || fail "the demo does not end well: $(cat "$work/demo.log")"
demo=
check 1 --tls-certificate "$work/new.pem" --timeout 60s --count 2
said "register failed - Transient"
said "no answer from ${url}req: Failed to connect"
said "no certificate was seen at $url: Failed to connect"
echo "all of it was seen"
