#!/usr/bin/env bash
# A pod takes a day to stop.
# guards: student-deployments/grace-period
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.terminationGracePeriodSeconds}' 60 86400 \
    kubectl apply -f <(paused "$ME" POD='terminationGracePeriodSeconds: 86400')
