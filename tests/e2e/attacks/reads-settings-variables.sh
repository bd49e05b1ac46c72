#!/usr/bin/env bash
# A pod gets another student's settings as variables.
# guards: ownership/own-configmap-env
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER="envFrom: [{configMapRef: {name: $THEM}}]"
