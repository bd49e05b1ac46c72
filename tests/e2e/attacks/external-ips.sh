#!/usr/bin/env bash
# A Service takes the traffic for addresses that others own.
# guards: student-network/no-external-ips
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(service "$ME")
attack kubectl patch service "$ME" -p '{"spec":{"externalIPs":["10.1.2.3"]}}'
