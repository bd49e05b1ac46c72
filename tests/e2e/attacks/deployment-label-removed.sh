#!/usr/bin/env bash
# A Deployment's label is taken off, by which it is found: it is put back.
# guards: student-deployments/app-label
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.metadata.labels.app}' "$ME" '' kubectl label deployment "$ME" app-
