#!/usr/bin/env bash
# What a Deployment's pod may not be or have, on creation and in a change (A1, A7, A8, A11).
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001
as s2024001

# with 'RULE' NAME=YAML...: the program with these members is refused as a new Deployment, and as a
# change of the good one that is there.
with() {
    local rule=$1
    shift
    refused "$rule" kubectl apply -f <(local "$@"; program Deployment $name-new)
    refused "$rule" kubectl replace -f <(local "$@"; program Deployment $name)
}
accepted kubectl apply -f <(program Deployment $name)
eventually kubectl rollout status deployment/$name --timeout=1s

# ---- the node's and the cluster's own things
with pod-security-floor/volume-kinds POD='volumes: [{name: v, hostPath: {path: /}}]'
with pod-security-floor/volume-kinds POD='volumes: [{name: v, nfs: {server: a, path: /}}]'
with pod-security-floor/volume-kinds \
    POD='volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: token}}]}}]'
with pod-security-floor/no-privileged CONTAINER='securityContext: {privileged: true}'
with pod-security-floor/no-escalation \
    CONTAINER='securityContext: {allowPrivilegeEscalation: true}'
with pod-security-floor/no-added-capabilities \
    CONTAINER='securityContext: {capabilities: {add: [SYS_ADMIN]}}'
with pod-security-floor/no-host-network POD='hostNetwork: true'
with pod-security-floor/no-host-pid POD='hostPID: true'
with pod-security-floor/no-host-ipc POD='hostIPC: true'
with pod-security-floor/no-sysctls \
    POD='securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}'
with pod-security-floor/seccomp POD='securityContext: {seccompProfile: {type: Unconfined}}'
with pod-security-floor/proc-mount \
    POD='hostUsers: false' CONTAINER='securityContext: {procMount: Unmasked}'
with pod-security-floor/service-account POD='serviceAccountName: portal-backend-sa'
with pod-security-floor/service-account POD='serviceAccount: portal-backend-sa'
with pod-security-floor/no-node-name POD='nodeName: node-0'
with pod-security-floor/no-priority-class POD='priorityClassName: system-cluster-critical'
with pod-security-floor/no-runtime-class POD='runtimeClassName: gvisor'

# The privileged container hides behind a good one, and in front of it.
with pod-security-floor/no-privileged \
    MORE="{name: b, image: 'registry.hydrosim.edu/$name:v1', securityContext: {privileged: true}}"
with pod-security-floor/no-privileged \
    POD="initContainers: [{name: i, image: 'x:v1', securityContext: {privileged: true}}]"

# ---- images
with student-deployments/image-tag IMAGE=registry.hydrosim.edu/$name
with student-deployments/image-tag IMAGE=registry.hydrosim.edu/$name:latest
with student-deployments/image-registry IMAGE=nginx:1.27
with student-deployments/image-registry IMAGE=registry.hydrosim.edu.evil.example/$name:v1
with student-deployments/image-registry IMAGE=evil.example/registry.hydrosim.edu/$name:v1
with student-deployments/image-registry MORE='{name: b, image: "nginx:1.27"}'
with student-deployments/image-registry POD='initContainers: [{name: i, image: "nginx:1.27"}]'
with student-deployments/image-volume-registry \
    POD='volumes: [{name: v, image: {reference: "evil.example/x:v1"}}]'

# ---- many, large, odd
more=
for i in $(seq 19); do
    more+="${more:+, }{name: c$i, image: 'registry.hydrosim.edu/$name:v1'}"
done
with student-deployments/container-count MORE="$more"
with student-deployments/limits-known CONTAINER='resources: {limits: {nvidia.com/gpu: 1}}'
refused student-deployments/plain-selector kubectl apply -f <(program Deployment $name-new |
    sed 's/selector: {/&matchExpressions: [{key: app, operator: Exists}], /')
head -c 2200000 /dev/zero | tr '\0' x >"$E2E_WORK/large"
refused 'may not be more than 1048576 bytes' \
    kubectl create configmap $name --from-file "$E2E_WORK/large"
cat "$E2E_WORK/large" >>"$E2E_WORK/larger"
cat "$E2E_WORK/large" >>"$E2E_WORK/larger"
refused 'Request entity too large' kubectl create configmap $name --from-file "$E2E_WORK/larger"

# ---- what is put in whatever the student writes: the stored entry is the policy's
entry='{.spec.template.spec.containers[0].env[?(@.name=="DB_HOST")]}'
good='{"name":"DB_HOST","value":"postgres.hydrosim-system.svc.cluster.local"}'
accepted kubectl apply -f <(CONTAINER='env: [{name: DB_HOST, value: evil.example}]' \
    program Deployment $name)
stored deployment/$name "$entry" "$good"
from="valueFrom: {configMapKeyRef: {name: $name, key: a}}"
accepted kubectl apply -f <(CONTAINER="env: [{name: DB_HOST, $from}]" program Deployment $name)
stored deployment/$name "$entry" "$good"
twice='{name: DB_HOST, value: a}, {name: DB_HOST, value: b}'
accepted kubectl replace -f <(CONTAINER="env: [$twice]" program Deployment $name)
stored deployment/$name "$entry" "$good $good"

# ---- what is clamped or corrected
much='{cpu: "4", memory: 8Gi}'
accepted kubectl replace -f <(
    SPEC='replicas: 9, strategy: {type: Recreate}, progressDeadlineSeconds: 2147483647' \
        CONTAINER="resources: {limits: $much, requests: $much}" \
        POD='automountServiceAccountToken: true, terminationGracePeriodSeconds: 86400' \
        program Deployment $name
)
stored deployment/$name '{.spec.replicas} {.spec.progressDeadlineSeconds}' '1 600'
stored deployment/$name '{.spec.strategy}' \
    '{"rollingUpdate":{"maxSurge":1,"maxUnavailable":0},"type":"RollingUpdate"}'
stored deployment/$name '{.spec.template.spec.containers[0].resources.limits}' \
    '{"cpu":"500m","ephemeral-storage":"1Gi","memory":"512Mi"}'
stored deployment/$name '{.spec.template.spec.containers[0].resources.requests}' \
    '{"cpu":"500m","ephemeral-storage":"100Mi","memory":"512Mi"}'
stored deployment/$name '{.spec.template.spec.automountServiceAccountToken}' false
stored deployment/$name '{.spec.template.spec.terminationGracePeriodSeconds}' 60
