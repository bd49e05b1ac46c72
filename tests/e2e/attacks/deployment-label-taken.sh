#!/usr/bin/env bash
# A Deployment of the student's own takes the label of another student's project.
# guards: ownership/own-label student-deployments/app-label
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl label deployment "$ME" "app=$THEM" --overwrite
