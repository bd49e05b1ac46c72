#!/usr/bin/env bash
# A pod gets another student's password as a variable.
# guards: ownership/own-secret-key
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed \
    CONTAINER="env: [{name: A, valueFrom: {secretKeyRef: {name: $THEM, key: password}}}]"
