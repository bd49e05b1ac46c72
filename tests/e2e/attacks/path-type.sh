#!/usr/bin/env bash
# A path is read as the controller likes.
# guards: student-network/path-type
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" |
    sed 's/pathType: Prefix/pathType: ImplementationSpecific/')
