#!/usr/bin/env bash
# A student makes a Deployment under another student's name, and with that one's labels.
# guards: ownership/own-name ownership/own-label ownership/own-pod-label ownership/own-selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create -f <(SPEC='paused: true' program Deployment "$THEM-b" | finished)
