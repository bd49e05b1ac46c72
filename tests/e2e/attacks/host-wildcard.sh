#!/usr/bin/env bash
# An Ingress answers for everybody's address: an asterisk, or no host at all.
# guards: ownership/own-host student-network/host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu")
attack kubectl apply -f <(ingress "$ME" '*.project.hydrosim.edu')
attack kubectl apply -f <(ingress "$ME" '')
