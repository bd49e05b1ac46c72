#!/usr/bin/env bash
# No version is kept that one could go back to.
# guards: student-deployments/revision-history
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.revisionHistoryLimit}' 2 0 \
    kubectl apply -f <(SPEC='revisionHistoryLimit: 0' paused "$ME")
