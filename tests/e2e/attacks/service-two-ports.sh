#!/usr/bin/env bash
# A Service with a second port.
# guards: student-network/one-port student-network/port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" |
    sed 's/{port: 80,/{name: b, port: 81, targetPort: 8000}, {name: a, port: 80,/')
