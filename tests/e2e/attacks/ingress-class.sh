#!/usr/bin/env bash
# An Ingress chooses another entrance.
# guards: student-network/ingress-class
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" 'ingressClassName: nginx')
