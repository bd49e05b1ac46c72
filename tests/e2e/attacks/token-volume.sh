#!/usr/bin/env bash
# A pod carries a key to the cluster as a volume.
# guards: pod-security-floor/volume-kinds
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed \
    POD='volumes: [{name: v, projected: {sources: [{serviceAccountToken: {path: token}}]}}]'
