#!/usr/bin/env bash
# A pod sees the node's processes.
# guards: pod-security-floor/no-host-pid
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='hostPID: true'
