#!/usr/bin/env bash
# A pod is taken away from its ReplicaSet, and so from every rule that follows its Deployment.
# guards: no-side-doors/no-pod-edits no-side-doors/owner-references-stay
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl patch pod "$(pod_of "$ME")" --type merge \
    -p '{"metadata":{"ownerReferences":null,"labels":{"app":null}}}'
