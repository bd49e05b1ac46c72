#!/usr/bin/env bash
# A container claims to need no disk.
# guards: student-deployments/disk-request
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
request='{.spec.template.spec.containers[0].resources.requests.ephemeral-storage}'
rewritten "deployment/$ME" "$request" 1Mi 0 \
    kubectl apply -f <(paused "$ME" CONTAINER='resources: {requests: {ephemeral-storage: 0}}')
