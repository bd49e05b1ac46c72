#!/usr/bin/env bash
# A pod mounts and reads another student's password.
# guards: ownership/own-secret-volume
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD="volumes: [{name: v, secret: {secretName: $THEM}}]"
