#!/usr/bin/env bash
# The same in a container: all limits at once.
# guards: student-deployments/cpu-limit student-deployments/memory-limit
# guards: student-deployments/disk-limit student-deployments/cpu-request
# guards: student-deployments/memory-request student-deployments/disk-request
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.containers[0].resources.limits}' \
    '{"cpu":"500m","ephemeral-storage":"1Gi","memory":"512Mi"}' '' \
    kubectl patch deployment "$ME" \
    -p '{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":null}]}}}}'
