#!/usr/bin/env bash
# An update starts more than one new pod.
# guards: student-deployments/one-extra-pod
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.strategy.rollingUpdate.maxSurge}' 1 3 kubectl apply \
    -f <(SPEC='strategy: {rollingUpdate: {maxSurge: 3}}' paused "$ME")
