#!/usr/bin/env bash
# Something of the student's own carries another project's label, and with it that one's traffic.
# guards: ownership/own-label
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl create configmap "$ME"
attack kubectl label configmap "$ME" "app=$THEM"
