#!/usr/bin/env bash
# A Service that is no web application.
# guards: student-network/protocol
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" | sed 's/targetPort: 8000/&, protocol: UDP/')
