#!/usr/bin/env bash
# An update stops the old pod before the new one answers.
# guards: student-deployments/old-pod-stays
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.strategy.rollingUpdate.maxUnavailable}' 0 1 kubectl apply \
    -f <(SPEC='strategy: {rollingUpdate: {maxUnavailable: 1}}' paused "$ME")
