#!/usr/bin/env bash
# An address leads to another port of the Service than the one that every project has.
# guards: student-network/backend-port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" | sed 's/number: 80/number: 22/')
