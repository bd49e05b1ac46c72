#!/usr/bin/env bash
# The pause before stopping is taken away: it is put back.
# guards: student-deployments/pre-stop
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds}' \
    5 '' kubectl patch deployment "$ME" \
    -p '{"spec":{"template":{"spec":{"containers":[{"name":"app","lifecycle":null}]}}}}'
