#!/usr/bin/env bash
# A student's address leads to another student's Service.
# guards: ownership/own-backend student-network/backend
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" |
    sed "s/service: {name: $ME/service: {name: $THEM/")
