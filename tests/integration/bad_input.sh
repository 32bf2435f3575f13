#!/usr/bin/env bash
# bad_input.sh BIN_DIR: each program with input that cannot work (docs/testing.md, "Bad input"): one line on stderr that names
# the thing and the remedy, the right exit status, and no hang; and what goes on in spite of it.
set -uo pipefail
bin=$1
work=$(mktemp -d)
failures=0
pids=()
# shellcheck disable=SC2317 # the trap calls it
finish() {
    [ "${#pids[@]}" -eq 0 ] || kill -KILL "${pids[@]}" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
unset BIGTABLE_EMULATOR_HOST PUBSUB_EMULATOR_HOST GOOGLE_APPLICATION_CREDENTIALS GRPC_VERBOSITY RIND_STORE GCP_PROJECT_ID
unset JB_GCP_PROJECT JB_BIGTABLE LOGLEVEL
export HOME=$work TMPDIR=$work

fail() {
    printf 'FAILED: %s\n' "$*"
    failures=$((failures + 1))
}
# refuses STATUS TEXT PROGRAM ARGUMENTS...: ends with that status and one line on stderr that has TEXT.
refuses() {
    local status=$1 text=$2 actual=0
    shift 2
    set -- "$bin/$1" "${@:2}"
    timeout -k 1 60 "$@" >"$work/out" 2>"$work/err" </dev/null || actual=$?
    [ -z "${SHOW:-}" ] || sed "s|^|    |" "$work/err"
    [ "$actual" -eq "$status" ] || fail "$*: status $actual instead of $status: $(cat "$work/err")"
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$*: not one line: $(cat "$work/err")"
    grep -qF -- "$text" "$work/err" || fail "$*: does not say '$text': $(cat "$work/err")"
}
await() { # file, regular expression: prints the first match
    local deadline=$((SECONDS + 60))
    until grep -oE -m 1 -- "$2" "$1" 2>/dev/null; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            fail "$1 never has '$2': $(tail -n 5 "$1")"
            return 1
        fi
        sleep 0.02
    done
}
start() { # name, program, arguments...: in the background, its log in $work/NAME.log
    local name=$1
    "$bin/$2" "${@:3}" >"$work/$name.log" 2>&1 </dev/null &
    pid=$!
    pids+=("$pid")
}
stop() { # pid: ends it in order
    kill -TERM "$1"
    wait "$1" || fail "process $1 ended with status $?"
}

secrets() { # record-id key in hex, its algorithm, tenant key in hex, its algorithm
    printf '{"record-id-randomization":{"1":{"data":"%s","encoding":"Hex","algorithm":"%s"}},' "$1" "$2"
    printf '"tenant-test-acme":{"1":{"data":"%s","encoding":"Hex","algorithm":"%s"}}}' "$3" "$4"
}
manager_secrets() { # the same as Secret Manager has it: of project prj
    jq -c '{prj: with_entries({key: .key, value: {labels: {kind: (if .key == "record-id-randomization"
        then "record_id_randomization_key" else "tenant_auth_key" end)},
        versions: (.value | with_entries({key: .key, value: {payload: (.value | tojson)}}))}})}'
}
bytes() { printf "%0$(($1 * 2))d" 0 | tr 0 7; }
realm=fafafafafafafafafafafafafafafafa
secrets "$(bytes 32)" Blake2sMac256 "$(bytes 16)" HmacSha256 >"$work/secrets.json"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null || fail "openssl"
mkdir -m 700 "$work/store" "$work/state"
tls=(--tls-key "$work/key.pem" --tls-cert "$work/cert.pem" --listen 127.0.0.1:0 --shutdown-notice-period 1ms)
agent=(--key example --state-dir "$work/state" --listen 127.0.0.1:34567)

echo "-- credentials that are no use: nobody becomes somebody else"
echo '{"type": "service_account", "client_email": "a@b"}' >"$work/damaged.json"
for key in "$work/none.json" "$work/damaged.json"; do
    export GOOGLE_APPLICATION_CREDENTIALS=$key
    refuses 1 "$key" rind-cluster-manager --store bigtable --listen 127.0.0.1:0
    refuses 1 "$key" rind-agent --store bigtable "${agent[@]}"
    refuses 1 "$key" rind-load-balancer --store bigtable --secrets-file "$work/secrets.json" "${tls[@]}"
    refuses 1 "$key" rind-load-balancer --store "lmdb:$work/store" "${tls[@]}"
    refuses 1 "$key" rind agents --store bigtable
    refuses 1 "$key" rind store check --store bigtable
    refuses 1 "$key" rind auth-token -t test-acme -u mario -r $realm
    GCP_PROJECT_ID=prj refuses 6 "$key" rind-tenant-log -id $realm -port 0
    GCP_PROJECT_ID=prj refuses 7 "$key" rind-tenant-log -id $realm -port 0 --secrets-file "$work/secrets.json"
done
unset GOOGLE_APPLICATION_CREDENTIALS

echo "-- nobody there, or no address"
nobody=(--store bigtable --bigtable-url http://127.0.0.1:1)
for program in "rind-cluster-manager --listen 127.0.0.1:0" "rind agents" "rind groups" "rind store check" "rind store stats" \
    "rind user-summary" "rind partitions"; do
    # shellcheck disable=SC2086 # a program and arguments
    refuses 1 "check the network and --bigtable-url" $program "${nobody[@]}"
    # shellcheck disable=SC2086
    BIGTABLE_EMULATOR_HOST='not a host' refuses 1 BIGTABLE_EMULATOR_HOST $program --store bigtable
done
refuses 1 "check the network and --bigtable-url" rind-agent "${nobody[@]}" "${agent[@]}"
refuses 1 "check the network and --bigtable-url" rind-load-balancer "${nobody[@]}" --secrets-file "$work/secrets.json" "${tls[@]}"
refuses 1 "--secrets-manager-url" rind-load-balancer --store "lmdb:$work/store" --secrets-manager-url http://127.0.0.1:1 "${tls[@]}"
refuses 1 "--pubsub-url" rind-agent --store "lmdb:$work/store" --pubsub-url http://127.0.0.1:1 "${agent[@]}"
refuses 1 "--bigtable-instance" rind agents --store bigtable --bigtable-instance a/b --bigtable-url http://127.0.0.1:1
refuses 1 "unknown store" rind agents --store nonsense

echo "-- secrets of a wrong size or algorithm, from a file and from Secret Manager"
mkfifo "$work/input"
echo '{}' >"$work/managed.json"
: >"$work/faults"
"$bin/emulators" secretmanager -secrets "$work/managed.json" -faults "$work/faults" <"$work/input" >"$work/manager.log" 2>&1 &
pids+=($!)
exec 3>"$work/input"
manager=http://$(await "$work/manager.log" '[0-9.]+:[0-9]+')
balancer=(rind-load-balancer --store "lmdb:$work/store" "${tls[@]}")
managed=(--secrets-manager-url "$manager" --bigtable-project prj)
for bad in "$(bytes 31) Blake2sMac256" "$(bytes 33) Blake2sMac256" "$(bytes 32) HmacSha256"; do
    # shellcheck disable=SC2086 # two words
    secrets $bad "$(bytes 16)" HmacSha256 >"$work/bad.json"
    refuses 1 "must be a Blake2sMac256 key of exactly 32 bytes" "${balancer[@]}" --secrets-file "$work/bad.json"
    manager_secrets <"$work/bad.json" >"$work/managed.json"
    refuses 1 "must be a Blake2sMac256 key of exactly 32 bytes" "${balancer[@]}" "${managed[@]}"
done
refuses 1 "projects/other" "${balancer[@]}" --secrets-manager-url "$manager" --bigtable-project other
echo '{"prj": {}}' >"$work/managed.json"
refuses 1 "missing secret: record-id-randomization" "${balancer[@]}" "${managed[@]}"
echo 'ListSecrets 7' >"$work/faults"
refuses 1 "docs/google-cloud.md" "${balancer[@]}" "${managed[@]}"
: >"$work/faults"

echo "-- a tenant's key that is none hurts that tenant alone"
secrets "$(bytes 32)" Blake2sMac256 "$(bytes 60)" RsaPkcs1Sha256 >"$work/bad.json"
refuses 1 "key" rind auth-token --secrets-file "$work/bad.json" -t test-acme -u mario -r $realm
manager_secrets <"$work/bad.json" >"$work/managed.json"
refuses 1 "key" rind auth-token "${managed[@]}" -t test-acme -u mario -r $realm
for source in "--secrets-file $work/bad.json" "--secrets-manager-url $manager --bigtable-project prj"; do
    name=served-${#source}
    # shellcheck disable=SC2086 # two words
    start "$name" "${balancer[@]}" $source
    await "$work/$name.log" 'secret tenant-test-acme version 1 is not a key of its algorithm' >/dev/null
    await "$work/$name.log" 'ready: 127' >/dev/null
    stop "$pid"
done

echo "-- tables of another program"
"$bin/cbtemulator" -host 127.0.0.1 -port 0 >"$work/bigtable.log" 2>&1 &
bigtable=$!
pids+=("$bigtable")
BIGTABLE_EMULATOR_HOST=$(await "$work/bigtable.log" '127[0-9.]*:[0-9]+')
export BIGTABLE_EMULATOR_HOST
for table in discovery lease tenants; do "$bin/spoil" bigtable table $table other || fail "spoil"; done
foreign="table discovery was not made by a realm: it lacks the column families of one .f.. Check --bigtable-instance"
start foreign-manager rind-cluster-manager --store bigtable --listen 127.0.0.1:0
await "$work/foreign-manager.log" "cannot register with service discovery: Bigtable's $foreign" >/dev/null
stop "$pid"
start foreign-agent rind-agent --store bigtable --events none "${agent[@]}"
await "$work/foreign-agent.log" "cannot register with service discovery: Bigtable's $foreign" >/dev/null
stop "$pid"
refuses 1 "table tenants was not made by a realm" rind tenant set-capacity --store bigtable acme 5
refuses 1 "the store has no realm" rind store check --store bigtable
for table in log merkle; do "$bin/spoil" bigtable table $realm-$table other || fail "spoil"; done
refuses 1 "the log of realm $realm is empty" rind store check --store bigtable $realm
{ kill -KILL "$bigtable" && wait "$bigtable"; } 2>/dev/null

echo "-- rows that cannot be decoded, in every table of a realm that serves"
unset BIGTABLE_EMULATOR_HOST
"$bin/rind" demo --minimal --state "$work/realm" --keep-alive --info "$work/info.json" >"$work/demo.log" 2>&1 &
demo=$!
pids+=("$demo")
await "$work/info.json" '"processes"' >/dev/null
store=lmdb:$work/realm/store
served=$(jq -r '.configuration.realms[0].id' "$work/info.json")
users() { # plan, first user
    if ! "$bin/rind" bench cluster --configuration "$(jq -c .configuration "$work/info.json")" --count 2 --plan "$1" \
        --user-start "$2" --secrets-file "$work/realm/secrets.json" --tls-certificate "$work/realm/localhost.cert.der" \
        --json >"$work/users" 2>&1 || ! jq -e '[.operations[] | .errors == 0 and .count == 2] | all' "$work/users" >/dev/null; then
        fail "$1: $(cat "$work/users")"
    fi
}
users register,recover 0
spoil_row() { "$bin/spoil" "$store" row "$@" || fail "spoil $*"; }
spoil_row discovery "ahttp://no port:x/" t x
spoil_row tenants acme c x
spoil_row lease junk id x
spoil_row "$served-users" junk e x
spoil_row "$served-merkle" junk n x
spoil_row "$served-log" junk e x
group=$("$bin/rind" groups --store "$store" --json | jq -r '.[0].groups[0].group')
await "$work/realm/agent-a1.log" '1 rows of the discovery table are no services and are skipped, the first with key' >/dev/null
users recover 0
users register,recover,delete 4
[ "$("$bin/rind" agents --store "$store" --json | jq length)" -eq 1 ] || fail "agents beside a row that is no service"
refuses 1 'rows of a tree table have no node' rind store check --store "$store" "$served"
"$bin/rind" user-summary --store "$store" >"$work/out" 2>"$work/err" || fail "user-summary: $(cat "$work/err")"
refuses 1 "rows are malformed" rind table-stats --store "$store" log "$served"
refuses 1 "rows are malformed" rind table-stats --store "$store" merkle "$served"

echo "-- the log's newest row cannot be decoded: the agent says which, and goes on looking"
last=$("$bin/rind" partitions --store "$store" --json | jq -r '.[0].partitions[0].committed')
"$bin/spoil" "$store" log "$served" "$group" "$((last + 1))" || fail "spoil"
await "$work/realm/agent-a1.log" "cannot read the log from entry $((last + 1)) on: row $((last + 1)) of the log of group" >/dev/null
refuses 1 "row $((last + 1)) of the log of group $group is none that an agent wrote" rind store check --store "$store" "$served"
{ kill -KILL "$demo" && wait "$demo"; } 2>/dev/null # its processes die with it

[ "$failures" -eq 0 ] && echo "bad input: all of it was told"
exit "$((failures > 0))"
