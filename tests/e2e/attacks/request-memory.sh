#!/usr/bin/env bash
# A container claims to need no memory.
# guards: student-deployments/memory-request
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
request='{.spec.template.spec.containers[0].resources.requests.memory}'
rewritten "deployment/$ME" "$request" 32Mi 0 \
    kubectl apply -f <(paused "$ME" CONTAINER='resources: {requests: {memory: 0}}')
