#!/usr/bin/env bash
# A pod counts as good only when the rollout has almost failed.
# guards: student-deployments/min-ready
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.minReadySeconds}' 60 500 kubectl apply \
    -f <(SPEC='minReadySeconds: 500' paused "$ME")
