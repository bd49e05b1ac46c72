#!/usr/bin/env bash
# A container is a process of the node, as Windows has them.
# guards: pod-security-floor/no-host-process pod-security-floor/no-host-network
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='hostNetwork: true, securityContext: {windowsOptions: {hostProcess: true}}'
