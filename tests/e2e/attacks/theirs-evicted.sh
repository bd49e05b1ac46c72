#!/usr/bin/env bash
# A student drives another student's pod off its node.
# guards: ownership/own-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
running "$THEM"
as attacker
pod=$(pod_of "$THEM")
attack kubectl create --raw "/api/v1/namespaces/hydrosim-students/pods/$pod/eviction" -f - <<END
{"apiVersion": "policy/v1", "kind": "Eviction",
 "metadata": {"name": "$pod", "namespace": "hydrosim-students"}}
END
