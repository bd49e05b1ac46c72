#!/usr/bin/env bash
# `proctor wait` on a real control plane: every way in which a rollout ends, and its exit code.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
space=wait-case
dir=$E2E_WORK/wait
trap 'admin delete namespace $space --wait=false >/dev/null 2>&1; kill $(jobs -p) 2>/dev/null' EXIT
mkdir -p "$dir"
as admin
k() { kubectl -n $space "$@"; }

# deploy NAME TAG [MEMBERS OF SPEC]: applied; its manifest is in $dir/NAME.yaml.
deploy() {
    IMAGE=registry.hydrosim.edu/$1:$2 SPEC=${3-} program Deployment "$1" >"$dir/$1.yaml"
    k apply -f "$dir/$1.yaml" >/dev/null || fail "apply of $1"
}
image() { k set image "deployment/$1" "app=registry.hydrosim.edu/$1:$2" >/dev/null; }

# begin ID ARG...: `proctor wait ARG...` in the background.
begin() {
    local id=$1
    shift
    (
        "$E2E_BIN/proctor" wait -n "$space" --evidence 3s "$@" >"$dir/$id.out" 2>"$dir/$id.err"
        echo $? >"$dir/$id.code"
    ) &
}

# ends ID CODE WORDS...: with that code; each of the words stands in what it printed.
ends() {
    local id=$1 code=$2 until=$((SECONDS + 40)) text
    shift 2
    until [ -s "$dir/$id.code" ] || [ $SECONDS -ge $until ]; do
        sleep 0.1
    done
    text=$(cat "$dir/$id.out" "$dir/$id.err")
    check "$id: the exit code" "$(cat "$dir/$id.code" 2>/dev/null)" "$code" ||
        printf '%s\n' "$text"
    for words; do
        if [[ $text == *"$words"* ]]; then pass "$id: $words"; else fail "$id: no $words" "$text"; fi
    done
}

# under_way ID: the wait has seen the version that it waits for.
under_way() { grep -q available "$dir/$1.err"; }

admin create namespace $space >/dev/null
for name in overtaken gone; do
    deploy $name v2-unready
    begin $name "deployment/$name"
done
deploy good v1
begin good -f "$dir/good.yaml"
deploy image ImagePullBackOff
begin image image
deploy crash v2-crashes
begin crash crash -o json
deploy config CreateContainerConfigError
begin config config
deploy unready v2-unready
begin unready unready --timeout 4s
deploy soak v2-restarts
begin soak soak --soak --soak-time 20s
deploy zero v1 "replicas: 0"
begin zero zero
deploy late v2-unready "progressDeadlineSeconds: 2"
begin late late

for name in overtaken gone; do
    eventually under_way $name
done
image overtaken v3
k delete deployment gone --wait=false >/dev/null
ends overtaken 4 Superseded "another version was stored"
ends gone 4 Deleted "the Deployment was deleted"
ends good 0 "completed" "1 of 1 pods serve registry.hydrosim.edu/good:v1"
ends image 1 "Failed (ImagePull)" "ImagePullBackOff" \
    "Fix: registry.hydrosim.edu/image:ImagePullBackOff cannot be pulled"
ends crash 1 '"outcome": "failed"' '"reason": "CrashLoop"' '"exitCode": 3' '"fix": "the program ends'
check "the object is one of JSON" \
    "$(python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
print(o["exitCode"], o["instances"][0]["lastReason"], bool(o["instances"][0]["lastMessage"]))' \
        "$dir/crash.out" 2>&1)" "1 Error True"
ends config 1 "Failed (ConfigError)" "Fix: a ConfigMap, Secret or key"
ends unready 3 "timed out" "0 of 1 new pods available"
ends zero 4 "scaled to 0"
ends late 1 "Failed (ProgressDeadlineExceeded)" "Fix: it does not become ready in time"

# What Kubernetes said before anybody looked counts if its times prove whom it means ...
begin again late
ends again 1 "Failed (ProgressDeadlineExceeded)"
# ... and not if it is an earlier rollout's: there and back, to what then becomes ready.
deploy stale v2-slow5s "progressDeadlineSeconds: 2"
begin stale-first stale
ends stale-first 1 "Failed (ProgressDeadlineExceeded)"
image stale v1
deploy stale v2-slow5s "progressDeadlineSeconds: 60"
begin stale -f "$dir/stale.yaml"

# Paused: nothing goes on, and that is said.
k rollout pause deployment/good >/dev/null
image good v2
begin paused good --timeout 3s
generation=$(k get deployment good -o jsonpath='{.metadata.generation}')
ends paused 3 "paused: nothing goes on until it is resumed"
k rollout resume deployment/good >/dev/null
begin resumed good --generation $((generation + 1))
ends resumed 0 "good:v2"
begin other good --generation "$generation"
ends other 4 "somebody wrote after it"
begin file -f "$dir/good.yaml"
ends file 4 "the manifest says registry.hydrosim.edu/good:v1"
ends stale 0 completed
ends soak 1 "a container restarted"

begin nobody nobody
ends nobody 2 "there is no Deployment nobody in the namespace wait-case"
as s2024001
space=kube-system begin foreign coredns
ends foreign 2 forbidden
begin usage good --timeout soon
ends usage 2 "must be a duration like 90s"
