#!/usr/bin/env bash
# A pod is put on a node past the scheduler.
# guards: pod-security-floor/no-node-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='nodeName: node-0'
