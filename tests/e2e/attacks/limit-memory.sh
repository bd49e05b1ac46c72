#!/usr/bin/env bash
# A container takes eight gibibytes.
# guards: student-deployments/memory-limit
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
limit='{.spec.template.spec.containers[0].resources.limits.memory}'
rewritten "deployment/$ME" "$limit" 512Mi 8Gi \
    kubectl create -f <(paused "$ME" CONTAINER='resources: {limits: {memory: 8Gi}}')
