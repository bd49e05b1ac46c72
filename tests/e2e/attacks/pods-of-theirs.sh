#!/usr/bin/env bash
# A Deployment of the student's own name makes pods with another project's label.
# guards: ownership/own-pod-label ownership/own-selector student-deployments/pod-label
# guards: student-deployments/selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(sketch "$ME" |
    sed "s/\(Labels\|metadata: {labels\): {app: $ME}/\1: {app: $THEM}/g" | finished)
