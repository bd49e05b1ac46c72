#!/usr/bin/env bash
# A budget keeps the node from ever being emptied: of one pod, one has to stay.
# guards: no-side-doors/budget-minimum no-side-doors/budget-maximum
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create poddisruptionbudget "$ME" --selector "app=$ME" --min-available 1
