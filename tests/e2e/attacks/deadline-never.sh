#!/usr/bin/env bash
# A rollout that stands still never fails.
# guards: student-deployments/progress-deadline
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.progressDeadlineSeconds}' 600 2147483647 \
    kubectl apply -f <(SPEC='progressDeadlineSeconds: 2147483647' paused "$ME")
