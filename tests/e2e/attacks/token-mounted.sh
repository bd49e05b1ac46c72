#!/usr/bin/env bash
# A pod carries a key to the cluster: the policy's no stays.
# guards: pod-security-floor/no-token
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.automountServiceAccountToken}' false true \
    kubectl apply -f <(paused "$ME" POD='automountServiceAccountToken: true')
