#!/usr/bin/env bash
# A pod pushes all others off the node.
# guards: pod-security-floor/no-priority-class
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='priorityClassName: system-cluster-critical'
