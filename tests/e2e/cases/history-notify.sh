#!/usr/bin/env bash
# What happens is told: as Kubernetes Events on the Deployment, and to a receiver that verifies each
# letter and refuses it once; also if receiver and recorder die in between.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001
dir=$E2E_WORK/history-notify
mkdir -p "$dir"
keys=$dir/keys letters=$dir/letters
touch "$letters"
(umask 077 && openssl rand -hex 32 >"$keys")
receiver=
trap '[ -z "$receiver" ] || kill "$receiver"' EXIT

receive() { # receive [PORT]: starts the receiver, on the port that it had before
    : >"$dir/port"
    python3 "$E2E_TREE/tests/recorder/receiver.py" "$E2E_WORK/certs/tls.crt" \
        "$E2E_WORK/certs/tls.key" "$keys" "$letters" "${1-0}" >"$dir/port" &
    receiver=$!
    eventually test -s "$dir/port"
}
start() {
    recorder start --soak-seconds 1 --evidence-seconds 2 --notify-events --notify-keys "$keys" \
        --notify-ca "$E2E_WORK/certs/ca.crt" --notify-url "https://127.0.0.1:$port/hook-of-7f3a" || {
        fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
        exit 1
    }
}
# of EXPRESSION: about the letters, in Python: `them` is the list
of() {
    python3 -IS -c '
import json, sys
them = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
print(eval(sys.argv[2]))' "$letters" "$1"
}
told() { [ "$(of "any(one['event']['type'] == '$1' and one['try'] > 1 for one in them)")" = True ]; }

receive
port=$(cat "$dir/port")
start
as s2024001
accepted kubectl apply -f <(program Deployment $name)
eventually told deployment_completed
check "each letter is genuine" "$(of 'all(one["genuine"] for one in them)')" True
check "each came again, as the same, and then no more" \
    "$(of '{sum(two["delivery"] == one["delivery"] for two in them) for one in them
        if one["event"]["type"] == "deployment_started"}')" '{2}'
check "it says whose" "$(of '{one["event"]["project"] for one in them}')" "{'$name'}"
check "they came to the address" "$(of '{one["path"] for one in them}')" "{'/hook-of-7f3a'}"

# ---- Kubernetes Events

event() { # event REASON MEMBER
    admin get events --field-selector "involvedObject.kind=Deployment,reason=$1" \
        -o jsonpath="{.items[*]$2}"
}
event_is() { [ "$(event "$1" "$2")" = "$3" ] || { event "$1" "$2" && return 1; }; }
eventually event_is DeploymentCompleted .involvedObject.name $name
check "it is that Deployment's" "$(event DeploymentCompleted .involvedObject.uid)" \
    "$(admin get deployment $name -o jsonpath='{.metadata.uid}')"
check "it is no warning" "$(event DeploymentCompleted .type)" Normal
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v2-ImagePullBackOff
eventually event_is DeploymentFailed .type Warning
check "it says of which version" "$(event DeploymentFailed .message | cut -d: -f1)" 'version 2'
check "kubectl describe shows it" \
    "$(kubectl describe deployment $name | grep -c 'DeploymentFailed.*proctor-recorder')" 1

# ---- nobody there, a kill, another key

eventually told deployment_failed
kill "$receiver"
wait "$receiver" 2>/dev/null
receiver=
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v3
eventually api_has teacher /api/projects/$name current.number 3
eventually api_has teacher /api/projects/$name current.status Completed
recorder kill
openssl rand -hex 32 >"$dir/new"
cat "$dir/new" "$keys" >"$dir/both"
cp "$dir/both" "$keys"
start
cp "$dir/new" "$dir/only-new"
keys=$dir/only-new receive "$port"
version_3_told() {
    [ "$(of 'sum(one["event"]["type"] == "deployment_completed" and one["try"] > 1
        for one in them)')" = 2 ]
}
eventually version_3_told
check "the new key alone verifies them" "$(of 'all(one["genuine"] for one in them)')" True
check "no Event is there twice" "$(event DeploymentCompleted .involvedObject.name)" "$name $name"
metric() { recorder metrics | sed -n "s/^proctor_$1 //p"; }
eventually test "$(metric notify_delivered_total)" -gt 0
check "no letter was given up" "$(metric notify_dropped_total)" 0

log=$(recorder log)
for secret in "$(cat "$dir/new")" "$(sed -n 2p "$dir/both")" hook-of-7f3a; do
    check "the log keeps ${secret:0:4}... to itself" "$(grep -cF -- "$secret" "$log")" 0
done
