#!/usr/bin/env bash
# A pod is in the node's network.
# guards: pod-security-floor/no-host-network
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='hostNetwork: true' CONTAINER='stdin: false'
