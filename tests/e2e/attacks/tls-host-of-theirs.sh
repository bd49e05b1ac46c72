#!/usr/bin/env bash
# A student's Ingress brings a certificate for another student's address.
# guards: ownership/own-tls-host student-network/tls-host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" \
    "tls: [{hosts: [$THEM.project.hydrosim.edu], secretName: $ME-tls}]")
