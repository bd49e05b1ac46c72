#!/usr/bin/env bash
# A container claims to need nothing, and is put where there is nothing left.
# guards: student-deployments/cpu-request
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
request='{.spec.template.spec.containers[0].resources.requests.cpu}'
rewritten "deployment/$ME" "$request" 10m 0 \
    kubectl apply -f <(paused "$ME" CONTAINER='resources: {requests: {cpu: 0}}')
