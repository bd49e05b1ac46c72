#!/usr/bin/env bash
# A pod mounts the node's own disk, or another machine's.
# guards: pod-security-floor/volume-kinds
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='volumes: [{name: v, hostPath: {path: /}}]'
attack_deployed POD='volumes: [{name: v, nfs: {server: a.example, path: /}}]'
