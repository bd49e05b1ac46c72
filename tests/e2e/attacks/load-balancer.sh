#!/usr/bin/env bash
# A Service takes a public address, without a port of the node.
# guards: student-network/cluster-ip
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" 'type: LoadBalancer, allocateLoadBalancerNodePorts: false')
