#!/usr/bin/env bash
# A3: the old version serves until the new one is ready, and a version that never gets ready never
# takes it down.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
deployment=deployment/$name
image=registry.hydrosim.edu/$name
rolling='{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0},"type":"RollingUpdate"}'
strategy='{.spec.strategy}'
as s2024001

SPEC='strategy: {type: Recreate}' stored_by "$E2E_VERBS" "$strategy" "$rolling" \
    program Deployment $name
SPEC='strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}' \
    stored_by "$E2E_VERBS" "$strategy" "$rolling" program Deployment $name
before create $name
while read -r given; do
    SPEC="strategy: $given" would_store "$strategy" "$rolling" program Deployment $name
done <<'END_OF_TABLE'
{}
{type: RollingUpdate}
{rollingUpdate: {maxUnavailable: 25%}}
{rollingUpdate: {maxUnavailable: 100%, maxSurge: 100%}}
{rollingUpdate: {maxUnavailable: 0, maxSurge: 50%}}
{rollingUpdate: {maxUnavailable: 1, maxSurge: 1}}
END_OF_TABLE

# ---- a volume that only one pod can hold: Recreate stays
claim='volumes: [{name: data, persistentVolumeClaim: {claimName: student-2024001-data}}]'
POD=$claim SPEC='strategy: {type: Recreate}' \
    stored_by "$E2E_VERBS" "$strategy" '{"type":"Recreate"}' program Deployment $name
POD=$claim stored_by 'create replace' "$strategy" "$rolling" program Deployment $name
POD='volumes: [{name: data, emptyDir: {}}]' SPEC='strategy: {type: Recreate}' \
    stored_by 'create apply' "$strategy" "$rolling" program Deployment $name

# ---- new versions that never get ready, each for another reason (kwok.yaml: by the image's tag)
before create $name
accepted kubectl apply -f <(SPEC='minReadySeconds: 1' program Deployment $name)
eventually kubectl rollout status $deployment --timeout=1s
serving=$(admin get pods -o name)
old="{.items[?(@.spec.containers[0].image=='$image:v1')].status.conditions[?(@.type=='Ready')].status}"
new='{.items[?(@.status.phase=="Pending")].status.containerStatuses[0].state.waiting.reason}'
for reason in ImagePullBackOff CrashLoopBackOff CreateContainerConfigError; do
    accepted kubectl set image $deployment app=$image:$reason
    eventually is pods "$new" $reason
    denied 'timed out' kubectl rollout status $deployment --timeout=1s
    stored pods "$old" True
    stored "$serving" '{.metadata.deletionTimestamp}' ''
    stored $deployment '{.status.availableReplicas} {.status.unavailableReplicas}' '1 1'
    check "one old pod and one new" "$(admin get pods -o name | wc -l)" 2
done

# ---- and the ways back: none of them makes a second old pod
accepted kubectl rollout undo $deployment --to-revision 1
eventually kubectl rollout status $deployment --timeout=1s
check "the pod of before" "$(admin get pods -o name)" "$serving"
accepted kubectl rollout pause $deployment
accepted kubectl set image $deployment app=$image:v2
stored $deployment "$strategy" "$rolling"
check "nothing rolls while it is paused" "$(admin get pods -o name)" "$serving"
accepted kubectl rollout resume $deployment
eventually is pods '{.items[*].spec.containers[0].image}' $image:v2
accepted kubectl rollout restart $deployment
stored $deployment "$strategy" "$rolling"
eventually kubectl rollout status $deployment --timeout=1s
