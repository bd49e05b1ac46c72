#!/usr/bin/env bash
# A running pod is given more than its Deployment says.
# guards: no-side-doors/no-pod-resize
# refused-first-by: apiserver 1.30: the server could not find the requested resource
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl patch pod "$(pod_of "$ME")" --subresource resize -p \
    '{"spec":{"containers":[{"name":"app","resources":{"limits":{"cpu":"4"}}}]}}'
