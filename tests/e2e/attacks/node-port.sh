#!/usr/bin/env bash
# A Service takes a port of every node.
# guards: student-network/cluster-ip student-network/no-node-port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(service "$ME")
attack kubectl patch service "$ME" -p '{"spec":{"type":"NodePort"}}'
attack kubectl apply -f <(service "$ME-b" 'type: LoadBalancer')
