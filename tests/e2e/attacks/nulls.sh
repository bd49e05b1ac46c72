#!/usr/bin/env bash
# What the policy set is written as null: it is filled in again.
# guards: student-deployments/one-extra-pod student-deployments/old-pod-stays
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.strategy.rollingUpdate}' '{"maxSurge":1,"maxUnavailable":0}' \
    '{"maxSurge":"25%","maxUnavailable":"25%"}' \
    kubectl patch deployment "$ME" --type merge -p '{"spec":{"strategy":null}}'
