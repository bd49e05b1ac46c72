#!/usr/bin/env bash
# The old version is stopped before the new one answers.
# guards: student-deployments/no-recreate
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.strategy.type}' RollingUpdate Recreate \
    kubectl apply -f <(SPEC='strategy: {type: Recreate}' paused "$ME")
