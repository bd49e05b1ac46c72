#!/usr/bin/env bash
# The same manifest three times is one rollout and no second change; a change of policy starts none;
# what is not a student's, or is on its way out, is not touched.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
file=$E2E_WORK/manifest
decisions=$E2E_WORK/logs/decisions
state='{.metadata.resourceVersion} {.metadata.generation} {.metadata.annotations}'
as s2024001

# What counts as a change: what the Deployment says, its ReplicaSets and pods, and its generation.
# kubectl replace takes away the annotation that holds the revision number, which is a generation of
# its own with or without a webhook.
now() {
    local generation='{.metadata.generation}'
    [ "${1-}" != replace ] || generation=
    admin get "deployment/$name" -o \
        "jsonpath=$generation {.spec} {.metadata.annotations.proctor\.dev/policy-changes}"
    admin get replicasets,pods -o name
}
# The manifest names a range that Kubernetes fills in, one that is clamped, and one that is set.
SPEC='minReadySeconds: 1, strategy: {rollingUpdate: {maxUnavailable: 25%}}' \
    CONTAINER='resources: {limits: {cpu: "2"}}, env: [{name: DB_HOST, value: a}]' \
    program Deployment $name >"$file"

# ---- three times by each verb
for verb in apply server-side replace; do
    admin delete deployment $name --ignore-not-found --wait >/dev/null 2>&1
    eventually gone replicasets
    [ $verb = apply ] && save=true || save=false
    accepted kubectl create --save-config="$save" -f "$file"
    eventually kubectl rollout status deployment/$name --timeout=1s
    accepted by $verb "$file"
    once=$(now $verb)
    for again in second third; do
        accepted by $verb "$file"
        check "$verb, the $again time: nothing changes" "$(now $verb)" "$once"
    done
    [ $verb = replace ] || stored deployment/$name '{.metadata.generation}' 1
    check "$verb: one ReplicaSet" "$(admin get replicasets -o name | wc -l)" 1
    check "$verb: one pod" "$(admin get pods -o name | wc -l)" 1
done

# ---- a write that changes nothing is not stored at all
accepted kubectl apply -f "$file"
eventually kubectl rollout status deployment/$name --timeout=1s
before_it=$(admin get deployment/$name -o "jsonpath=$state")
path=/apis/apps/v1/namespaces/hydrosim-students/deployments/$name
admin get --raw $path >"$E2E_WORK/same.json"
accepted kubectl replace --raw $path -f "$E2E_WORK/same.json"
check "its own text" "$(admin get deployment/$name -o "jsonpath=$state")" "$before_it"

# ---- a stricter policy: nothing is rolled out, and nothing but the next change of the template is
# held to it
pods=$(admin get pods -o name)
once=$(now)
own_policies
sed -i 's/default: 512Mi/default: 256Mi/; s/max: 512Mi/max: 256Mi/' \
    "$OWN/student-deployments/policy.yaml"
accepted serve "$OWN"
check "the reload changes nothing" "$(now)" "$once"
accepted kubectl label deployment $name note=mine
check "nor a label" "$(now)" "$once"
stored deployment/$name '{..limits.memory}' 512Mi
check "the same pod" "$(admin get pods -o name)" "$pods"
accepted kubectl scale deployment/$name --replicas 0
accepted kubectl scale deployment/$name --replicas 1
stored deployment/$name '{..limits.memory}' 512Mi
check "the same ReplicaSet" "$(admin get replicasets -o name | wc -l)" 1
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v2
stored deployment/$name '{..limits.memory}' 256Mi
accepted serve "$E2E_TREE/policies"

# ---- an object that is being deleted: what takes the finalizer off passes, an edit does not
keep='{"metadata":{"finalizers":["hydrosim.edu/keep"]}}'
accepted admin patch deployment $name --type merge -p "$keep"
accepted kubectl delete deployment $name --wait=false
stored deployment/$name '{.metadata.finalizers}' '["hydrosim.edu/keep"]'
denied student-deployments/image-registry kubectl set image deployment/$name app=nginx:1
stored deployment/$name '{..image}' registry.hydrosim.edu/$name:v2
accepted admin patch deployment $name --type json -p '[{"op":"remove","path":"/metadata/finalizers"}]'
eventually gone deployment/$name
eventually gone replicasets
eventually gone pods

# ---- not the students': kube-system and hydrosim-system never come to the webhook
accepted admin create namespace hydrosim-elsewhere
for namespace in kube-system default hydrosim-elsewhere; do
    IMAGE=nginx SPEC='replicas: 3' program Deployment elsewhere >"$file"
    accepted admin -n $namespace create -f "$file"
    accepted admin -n $namespace run elsewhere --image nginx
    check "$namespace: three stay three" "$(admin -n $namespace get deployment elsewhere \
        -o 'jsonpath={.spec.replicas} {..limits}')" '3 '
    accepted admin -n $namespace delete deployment,pod elsewhere --wait=false
done
accepted admin delete namespace hydrosim-elsewhere --wait=false
check "asked about the rooms only" "$(grep -o '"namespace":"[^"]*"' "$decisions" | sort -u |
    grep -v '"hydrosim-students"\|"student-[0-9]*"')" ''
