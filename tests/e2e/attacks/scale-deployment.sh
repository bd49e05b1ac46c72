#!/usr/bin/env bash
# A Deployment is scaled up, by name and through the raw subresource.
# guards: student-deployments/one-replica
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.replicas}' 1 3 kubectl scale "deployment/$ME" --replicas 3
rewritten "deployment/$ME" '{.spec.replicas}' 1 4 \
    kubectl patch deployment "$ME" --subresource scale --type merge -p '{"spec":{"replicas":4}}'
rewritten "deployment/$ME" '{.spec.replicas}' 1 5 \
    kubectl patch deployment "$ME" -p '{"spec":{"replicas":5}}'
