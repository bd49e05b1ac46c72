#!/usr/bin/env bash
# What `proctor deploy` and `proctor history` change, with the real recorder, and the exit codes of
# those that wait.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
project=student-2024001
dir=$E2E_WORK/history-act
mkdir -p "$dir"

recorder start --soak-seconds 2 --evidence-seconds 2 --auto-rollback >/dev/null || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}
PROCTOR_SERVER=$(recorder url) PROCTOR_SERVER_CA=$(recorder ca)
export PROCTOR_SERVER PROCTOR_SERVER_CA
as s2024001

# code N TEXT COMMAND...: its exit code, and what it says.
code() {
    local wanted=$1 text=$2 out got=0
    shift 2
    out=$("$E2E_BIN/proctor" "$@" 2>&1) || got=$?
    if [ "$got" -eq "$wanted" ] && [[ $out == *"$text"* ]]; then
        pass "exit code of proctor $*"
    else
        fail "proctor $*: exit $got, wanted $wanted and: $text" "$out"
    fi
}
has() { [[ $("$E2E_BIN/proctor" history list $project "${@:2}") == *"$1"* ]]; }
image=registry.hydrosim.edu/$project

code 0 "Completed after" deploy $project "$image:v3" --env LEVELS=5 --cause three --wait
stored "deployment/$project" '{.spec.template.spec.containers[0].image}' "$image:v3"
stored "deployment/$project" '{.spec.template.spec.containers[0].env[?(@.name=="LEVELS")].value}' 5
eventually has '1 *' --good yes
code 3 "timed out after --timeout 2s" deploy $project "$image:v4-unready" --wait --timeout 2s
code 0 "is cancelled, by s2024001" history cancel $project --reason 'it hangs'
eventually has Cancelled
eventually has '3 *' --status Completed
code 1 "Fix: $image:ImagePullBackOff cannot be pulled" \
    deploy $project "$image:ImagePullBackOff" --wait --no-rollback
eventually is "deployment/$project" '{.spec.template.spec.containers[0].image}' "$image:v3"
# By itself it goes back, and what had failed is held.
eventually has RolledBack
code 0 "--lift NUMBER" history holds $project
code 0 "may be deployed again, by s2024001" history holds $project --lift 4
kubectl delete deployment $project >/dev/null
eventually has Deleted
code 0 "is made again from version 1" history undelete $project --to 1
eventually is "deployment/$project" '{.spec.template.spec.containers[0].image}' "$image:v3"
code 0 "starts its pods anew" history restart $project --reason 'new data'
code 0 "is paused" history pause $project
stored "deployment/$project" '{.spec.paused}' true
code 0 "is resumed" history resume $project

# A stream: what happens is told as it happens.
"$E2E_BIN/proctor" history watch $project --for 40s -o json >"$dir/stream" 2>&1 &
watching=$!
eventually grep -q '"number"' "$dir/stream"
kubectl set image deployment/$project app="$image:v5" >/dev/null 2>&1
eventually grep -q '"type":"deployment_started"' "$dir/stream"
kill $watching
recorder stop
code 2 "cannot connect" history list
