#!/usr/bin/env bash
# An address leads to something that is no Service.
# guards: student-network/no-resource-backend student-network/backend student-network/backend-port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" |
    sed "s/service: {.*/resource: {apiGroup: a.example, kind: Bucket, name: x}}}]}}]}}/")
