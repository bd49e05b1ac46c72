#!/usr/bin/env bash
# A student's Ingress answers for another student's address.
# guards: ownership/own-host student-network/host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu")
attack kubectl apply -f <(ingress "$ME" "$THEM.project.hydrosim.edu")
attack kubectl apply -f <(ingress "$ME-b" "$THEM.project.hydrosim.edu")
