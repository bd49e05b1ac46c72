#!/usr/bin/env bash
# A Service without an address of its own leads to every pod, ready or not.
# guards: student-network/no-headless
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" 'clusterIP: None')
