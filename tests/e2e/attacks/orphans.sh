#!/usr/bin/env bash
# A Deployment is deleted alone, by name, by label and as a collection: its pods would run on.
# guards: no-side-doors/no-orphans
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
path=/apis/apps/v1/namespaces/hydrosim-students/deployments
options='{"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"}'
for name in "$ME" "$ME-b" "$ME-c"; do
    project "$name"
done
attack kubectl delete deployment "$ME" --cascade=orphan --wait=false
attack kubectl delete deployment -l "app=$ME-b" --cascade=orphan --wait=false
attack kubectl delete --raw "$path?labelSelector=app%3D$ME-c" -f - <<<"$options"
