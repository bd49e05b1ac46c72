#!/usr/bin/env bash
# A Deployment's pod takes the label of another student's project, and so its visitors.
# guards: no-side-doors/no-pod-edits ownership/own-label ownership/own-pod-label
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl label pod "$(pod_of "$ME")" "app=$THEM" --overwrite
