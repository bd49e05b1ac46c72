#!/usr/bin/env bash
# A container takes four cores, or all that there are.
# guards: student-deployments/cpu-limit
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
limit='{.spec.template.spec.containers[0].resources.limits.cpu}'
rewritten "deployment/$ME" "$limit" 500m 4 \
    kubectl create -f <(paused "$ME" CONTAINER='resources: {limits: {cpu: 4}}')
