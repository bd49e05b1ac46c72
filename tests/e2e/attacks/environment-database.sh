#!/usr/bin/env bash
# A variable of the platform's leads elsewhere: by its value, by a reference, by a second entry.
# guards: student-deployments/db-host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
entry='{.spec.template.spec.containers[0].env[?(@.name=="DB_HOST")]}'
good='{"name":"DB_HOST","value":"postgres.hydrosim-system.svc.cluster.local"}'
project "$ME"
rewritten "deployment/$ME" "$entry" "$good" '{"name":"DB_HOST","value":"evil.example"}' \
    kubectl apply -f <(paused "$ME" CONTAINER='env: [{name: DB_HOST, value: evil.example}]')
rewritten "deployment/$ME" "$entry" "$good" \
    "{\"name\":\"DB_HOST\",\"valueFrom\":{\"configMapKeyRef\":{\"key\":\"a\",\"name\":\"$ME\"}}}" \
    kubectl apply -f <(paused "$ME" CONTAINER="env: [{name: DB_HOST,
        valueFrom: {configMapKeyRef: {name: $ME, key: a}}}]")
rewritten "deployment/$ME-b" "$entry" "$good $good" \
    '{"name":"DB_HOST","value":"a"} {"name":"DB_HOST","value":"b"}' \
    kubectl create -f <(paused "$ME-b" \
        CONTAINER='env: [{name: DB_HOST, value: a}, {name: DB_HOST, value: b}]')
