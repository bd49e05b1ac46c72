#!/usr/bin/env bash
# A7: where the course's database and cache are.  The entry is the policy's, whatever is written.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
system=hydrosim-system.svc.cluster.local
entries='{.spec.template.spec.containers[0].env}'
db='{"name":"DB_HOST","value":"postgres.'$system'"}'
redis='{"name":"REDIS_HOST","value":"redis.'$system'"}'
as s2024001

stored_by "$E2E_VERBS" "$entries" "[$db,$redis]" program Deployment $name
CONTAINER='env: [{name: DB_HOST, value: evil.example}, {name: OWN, value: a}]' \
    stored_by "$E2E_VERBS" "$entries" "[$db,{\"name\":\"OWN\",\"value\":\"a\"},$redis]" \
    program Deployment $name

# ---- from elsewhere, and twice: the last one of two is the one that counts, so both are set
before create $name
while IFS='|' read -r given wanted; do
    CONTAINER="env: [$given]" would_store "$entries" "$wanted" program Deployment $name
done <<END_OF_TABLE
{name: DB_HOST, valueFrom: {configMapKeyRef: {name: $name, key: a}}}|[$db,$redis]
{name: DB_HOST, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}|[$db,$redis]
{name: DB_HOST, value: ""}|[$db,$redis]
{name: DB_HOST}|[$db,$redis]
{name: DB_HOST, value: a}, {name: DB_HOST, value: b}|[$db,$db,$redis]
{name: REDIS_HOST, value: a}|[$redis,$db]
{name: db_host, value: a}|[{"name":"db_host","value":"a"},$db,$redis]
END_OF_TABLE

# ---- in what prepares the start, too
POD="initContainers: [{name: first, image: 'registry.hydrosim.edu/$name:v1'}]" \
    stored_by 'create apply' '{.spec.template.spec.initContainers[0].env}' "[$db,$redis]" \
    program Deployment $name

# ---- the command for it
before create $name
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl set env deployment/$name DB_HOST=evil.example MORE=b
stored deployment/$name "$entries" "[$db,$redis,{\"name\":\"MORE\",\"value\":\"b\"}]"
accepted kubectl set env deployment/$name DB_HOST- REDIS_HOST- MORE-
stored deployment/$name "$entries" "[$db,$redis]"
accepted kubectl patch deployment $name --type json \
    -p '[{"op":"remove","path":"/spec/template/spec/containers/0/env"}]'
stored deployment/$name "$entries" "[$db,$redis]"
