#!/usr/bin/env bash
# A pod sees the node's shared memory.
# guards: pod-security-floor/no-host-ipc
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='hostIPC: true'
