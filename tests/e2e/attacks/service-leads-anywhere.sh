#!/usr/bin/env bash
# A Service without a selector, or with another key, leads to whatever pods somebody names.
# guards: ownership/own-service-selector student-network/selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(service "$ME")
accepted kubectl apply -f <(service "$ME-b")
attack kubectl patch service "$ME" --type merge -p '{"spec":{"selector":{"app":null,"tier":"x"}}}'
attack kubectl patch service "$ME" --type json -p '[{"op":"remove","path":"/spec/selector"}]'
as teacher
attack kubectl patch service "$ME-b" --type json -p '[{"op":"remove","path":"/spec/selector"}]'
