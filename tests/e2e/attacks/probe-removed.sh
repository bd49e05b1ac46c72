#!/usr/bin/env bash
# The probe is taken away that tells whether the program answers: it is put back.
# guards: student-deployments/readiness
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.containers[0].readinessProbe.tcpSocket.port}' \
    8000 '' kubectl patch deployment "$ME" \
    -p '{"spec":{"template":{"spec":{"containers":[{"name":"app","readinessProbe":null}]}}}}'
