#!/usr/bin/env bash
# A pod gets one of another student's settings as a variable.
# guards: ownership/own-configmap-key
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER="env: [{name: A, valueFrom: {configMapKeyRef: {name: $THEM, key: a}}}]"
