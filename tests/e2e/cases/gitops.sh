#!/usr/bin/env bash
# What manifests/gitops says of a comparison by dry run, on a real control plane: a manifest that the
# policies change, applied as Argo CD and Flux do it, and compared as they do, differs in nothing;
# and applied again it changes nothing.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
project=student-2024001
greedy() {
    IMAGE=registry.hydrosim.edu/$project:v1 SPEC='replicas: 9, minReadySeconds: 99, strategy: {type: Recreate}' \
        CONTAINER="env: [{name: DB_HOST, value: mine}, {name: A, value: '1'}],
            resources: {limits: {cpu: 4, memory: 8Gi}, requests: {cpu: 2}}" program Deployment $project
}
generation() { admin get "deployment/$project" -o jsonpath='{.metadata.generation}'; }
as s2024001
for way in --server-side=true --server-side=false; do
    greedy | accepted kubectl apply $way -f -
    stored "deployment/$project" '{.spec.replicas} {.spec.template.spec.containers[0].resources.limits.cpu}' '1 500m'
    before=$(generation)
    greedy | accepted kubectl diff $way -f -
    greedy | accepted kubectl apply $way -f -
    check "applied again, $way" "$(generation)" "$before"
    # What a person changes is seen: the comparison is not blind.
    admin set image "deployment/$project" "*=registry.hydrosim.edu/$project:v2" >/dev/null 2>&1
    if greedy | kubectl diff $way --force-conflicts="${way#*=}" -f - >/dev/null 2>&1; then
        fail "another image is no difference, $way"
    else
        pass "another image is a difference, $way"
    fi
    admin delete "deployment/$project" >/dev/null 2>&1
    eventually gone "deployment/$project"
done
