#!/usr/bin/env bash
# A running pod is given more than its Deployment says.
# guards: no-side-doors/no-pod-resize
# refused-first-by: apiserver 1.30: the server could not find the requested resource
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
pod=$(pod_of "$ME")
admin get pod "$pod" -o json | sed 's/"cpu": "500m"/"cpu": "4"/' >"$E2E_WORK/$pod"
attack kubectl replace --raw "/api/v1/namespaces/hydrosim-students/pods/$pod/resize" \
    -f "$E2E_WORK/$pod"
