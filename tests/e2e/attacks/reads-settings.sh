#!/usr/bin/env bash
# A pod mounts another student's settings.
# guards: ownership/own-configmap-volume
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD="volumes: [{name: v, configMap: {name: $THEM}}]"
