#!/usr/bin/env bash
# A Deployment looks after pods by another label than all others do.
# guards: student-deployments/selector ownership/own-selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(sketch "$ME" |
    sed "s/matchLabels: {app: /matchLabels: {tier: /
         s/template: {metadata: {labels: {/&tier: $ME, /" | finished)
