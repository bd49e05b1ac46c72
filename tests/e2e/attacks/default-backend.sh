#!/usr/bin/env bash
# An Ingress answers for every address that nobody owns.
# guards: student-network/no-default-backend
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" \
    "defaultBackend: {service: {name: $ME, port: {number: 80}}}")
