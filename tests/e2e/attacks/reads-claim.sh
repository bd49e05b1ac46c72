#!/usr/bin/env bash
# A pod mounts another student's files.
# guards: ownership/own-claim-volume
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD="volumes: [{name: v, persistentVolumeClaim: {claimName: $THEM}}]"
