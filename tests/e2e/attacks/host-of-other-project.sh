#!/usr/bin/env bash
# One project's Ingress answers for another project's address, of the same student.
# guards: student-network/host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME-b" "$ME.project.hydrosim.edu")
