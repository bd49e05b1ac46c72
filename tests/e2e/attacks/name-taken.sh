#!/usr/bin/env bash
# A student makes something under another student's name, or under one that only looks like it.
# guards: ownership/own-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create configmap "$THEM"
attack kubectl create configmap "${ME}1" --from-literal=a=b
attack kubectl create secret generic "x-$ME"
