#!/usr/bin/env bash
# A container fills the node's disk.
# guards: student-deployments/disk-limit
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
limit='{.spec.template.spec.containers[0].resources.limits.ephemeral-storage}'
rewritten "deployment/$ME" "$limit" 1Gi 1Ti \
    kubectl create -f <(paused "$ME" CONTAINER='resources: {limits: {ephemeral-storage: 1Ti}}')
