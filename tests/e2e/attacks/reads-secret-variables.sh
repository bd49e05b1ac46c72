#!/usr/bin/env bash
# A pod gets another student's passwords as variables.
# guards: ownership/own-secret-env
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER="envFrom: [{secretRef: {name: $THEM}}]"
