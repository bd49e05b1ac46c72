#!/usr/bin/env bash
# A Deployment's pod loses its label, so that a second one is made beside it, or gets another.
# guards: no-side-doors/no-pod-edits
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
pod=$(pod_of "$ME")
attack kubectl label pod "$pod" tier=mine
attack kubectl label pod "$pod" app-
