#!/usr/bin/env bash
# A Service leads to pods that do not answer.
# guards: student-network/ready-pods-only
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" 'publishNotReadyAddresses: true')
