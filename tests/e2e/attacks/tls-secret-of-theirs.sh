#!/usr/bin/env bash
# A student's Ingress shows another student's certificate.
# guards: ownership/own-tls-secret student-network/tls-secret
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" \
    "tls: [{hosts: [$ME.project.hydrosim.edu], secretName: $THEM-tls}]")
