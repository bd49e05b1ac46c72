#!/usr/bin/env bash
# A Service of the student's own leads to another student's pods.
# guards: ownership/own-service-selector student-network/selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(service "$ME")
attack kubectl patch service "$ME" -p "{\"spec\":{\"selector\":{\"app\":\"$THEM\"}}}"
attack kubectl apply -f <(service "$ME-b" | sed "s/app: $ME-b/app: $THEM/")
