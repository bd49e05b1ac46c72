#!/usr/bin/env bash
# A teacher makes a Service and an Ingress that are no project's.
# guards: student-network/project-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as teacher
attack kubectl apply -f <(service "shop-${ME#student-}")
attack kubectl apply -f <(ingress "shop-${ME#student-}" "shop-${ME#student-}.project.hydrosim.edu")
