#!/usr/bin/env bash
# A Service chooses which public address it takes.
# guards: student-network/cluster-ip student-network/no-load-balancer-ip
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(service "$ME" \
    'type: LoadBalancer, allocateLoadBalancerNodePorts: false, loadBalancerIP: 192.0.2.1')
