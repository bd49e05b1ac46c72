#!/usr/bin/env bash
# A new object names an owner, so that the cluster deletes it with that one, or adopts it.
# guards: no-side-doors/no-owner-references
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
uid=$(admin get deployment "$ME" -o 'jsonpath={.metadata.uid}')
owner="ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: $ME, uid: $uid}]"
attack kubectl apply -f <(META=$owner SPEC='paused: true' program Deployment "$ME-b" | finished)
attack kubectl apply -f - <<END
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: $ME, $owner}}
END
