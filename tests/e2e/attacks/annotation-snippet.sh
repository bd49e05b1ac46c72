#!/usr/bin/env bash
# An annotation carries configuration for the entrance of the whole course.
# guards: student-network/annotations
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu")
accepted kubectl apply -f <(service "$ME")
attack kubectl annotate ingress "$ME" \
    nginx.ingress.kubernetes.io/configuration-snippet='return 200;'
attack kubectl annotate service "$ME" traefik.io/anything=x
