#!/usr/bin/env bash
# A Deployment looks after pods by an expression that says nothing.
# guards: student-deployments/plain-selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(sketch "$ME" |
    sed 's/selector: {/&matchExpressions: [{key: app, operator: Exists}], /' | finished)
