#!/usr/bin/env bash
# A Service leads to another machine.
# guards: student-network/cluster-ip student-network/no-external-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" 'type: ExternalName, externalName: evil.example')
