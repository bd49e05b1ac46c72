#!/usr/bin/env bash
# A student looks inside another student's pod.
# guards: ownership/own-connect
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
running "$THEM"
as attacker
pod=$(pod_of "$THEM")
attack_connect kubectl exec "$pod" -- id
attack_connect kubectl port-forward "$pod" :8000
attack_connect kubectl attach "$pod"
