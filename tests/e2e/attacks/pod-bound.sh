#!/usr/bin/env bash
# A pod that waits for a place is put on a node past the scheduler.
# guards: no-side-doors/other-subresources
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply \
    -f <(POD='nodeSelector: {nowhere: "yes"}' program Deployment "$ME" | finished)
eventually is "deployment/$ME" '{.status.observedGeneration} {.status.replicas}' '1 1'
pod=$(pod_of "$ME")
attack kubectl create --raw "/api/v1/namespaces/hydrosim-students/pods/$pod/binding" -f - <<END
{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "$pod"},
 "target": {"apiVersion": "v1", "kind": "Node", "name": "node-0"}}
END
