#!/usr/bin/env bash
# A container takes a port of the node.
# guards: pod-security-floor/no-host-port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed MORE="{name: b, image: 'registry.hydrosim.edu/$ME:v1',
    ports: [{containerPort: 8001, hostPort: 8001}]}"
