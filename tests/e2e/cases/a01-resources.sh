#!/usr/bin/env bash
# A1: every container ends with at most 0.5 CPU and 512Mi, and asks for no more than that; how many
# containers, and how much of the disk.  Quantities are compared exactly.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
limits='{.spec.template.spec.containers[*].resources.limits}'
requests='{.spec.template.spec.containers[*].resources.requests}'
share='{"cpu":"500m","ephemeral-storage":"1Gi","memory":"512Mi"}'
as s2024001

# ---- the same by every verb: too much, and nothing at all
much='{cpu: "4", memory: 8Gi, ephemeral-storage: 50Gi}'
CONTAINER="resources: {limits: $much, requests: $much}" \
    stored_by "$E2E_VERBS" "$limits $requests" "$share $share" program Deployment $name
stored_by "$E2E_VERBS" "$limits $requests" \
    "$share "'{"cpu":"100m","ephemeral-storage":"100Mi","memory":"128Mi"}' program Deployment $name

empty $name
# ---- what is written (limit, request), and what becomes of it; Kubernetes rounds CPU up to 1m
while IFS='|' read -r what limit request wanted; do
    CONTAINER="resources: {limits: {$limit}, requests: {$request}}" \
        would_store "{..limits.$what} {..requests.$what}" "$wanted" program Deployment $name
done <<'END_OF_TABLE'
cpu|cpu: "0.5"||500m 100m
cpu|cpu: 0.50000001||500m 100m
cpu|cpu: 500001u||500m 100m
cpu|cpu: 500000u||500m 100m
cpu|cpu: 498999u||499m 100m
cpu|cpu: 50m||50m 50m
cpu|cpu: "0"||10m 10m
cpu|cpu: 200m|cpu: 400m|200m 200m
cpu||cpu: "3"|500m 500m
cpu|cpu: 1e3||500m 100m
memory|memory: 536870912||536870912 128Mi
memory|memory: 536870913||512Mi 128Mi
memory|memory: 536870911||536870911 128Mi
memory|memory: 537M||512Mi 128Mi
memory|memory: 64Mi||64Mi 64Mi
memory|memory: "0"||32Mi 32Mi
memory|memory: 256Mi|memory: 1Ti|256Mi 256Mi
END_OF_TABLE

# ---- every container: a second one, what prepares the start, what stays beside it
image="image: 'registry.hydrosim.edu/$name:v1'"
large='resources: {limits: {cpu: "8", memory: 1Ti}}'
POD="initContainers: [{name: first, $image, $large}, {name: beside, $image, $large, restartPolicy: Always}]" \
    MORE="{name: second, $image, $large}" stored_by 'create apply edit' \
    '{range .spec.template.spec.initContainers[*]}{.resources.limits}{end}{range .spec.template.spec.containers[*]}{.resources.limits}{end}' \
    "$share$share$share$share" program Deployment $name

# ---- the commands that change resources only
before create $name
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl set resources deployment/$name --limits cpu=2,memory=4Gi --requests cpu=2
stored deployment/$name "$limits" "$share"
stored deployment/$name '{..requests.cpu}' 500m
accepted kubectl patch deployment $name --type json -p \
    '[{"op":"remove","path":"/spec/template/spec/containers/0/resources"}]'
stored deployment/$name "$limits" "$share"
eventually is pods '{.items[0].spec.containers[0].resources.limits}' "$share"
stored pods '{.items[0].spec.containers[0].resources.requests.memory}' 128Mi

# ---- the disk: scratch folders have a size
size='{.spec.template.spec.volumes[*].emptyDir.sizeLimit}'
POD='volumes: [{name: a, emptyDir: {}}, {name: b, emptyDir: {sizeLimit: 20Gi, medium: Memory}}]' \
    stored_by 'create apply replace' "$size" '256Mi 512Mi' program Deployment $name
before create $name
POD='volumes: [{name: a, emptyDir: {sizeLimit: 300Mi}}]' \
    would_store "$size" 300Mi program Deployment $name

# ---- how many, and nothing else than these three
more() {
    local i list=
    for i in $(seq "$1"); do
        list+="${list:+, }{name: c$i, $image}"
    done
    echo "$list"
}
MORE=$(more 2) stored_by create '{.spec.template.spec.containers[*].name}' 'app c1 c2' \
    program Deployment $name
MORE=$(more 3) refused_by "$E2E_VERBS" student-deployments/container-count program Deployment $name
POD="initContainers: [$(more 4)]" \
    refused_by 'apply edit' student-deployments/init-container-count program Deployment $name
CONTAINER='resources: {limits: {nvidia.com/gpu: 1}}' \
    refused_by 'apply replace' student-deployments/limits-known program Deployment $name
