#!/usr/bin/env bash
# A certificate without a host would answer for everybody.
# guards: student-network/tls-hosts-named
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" "tls: [{secretName: $ME-tls}]")
