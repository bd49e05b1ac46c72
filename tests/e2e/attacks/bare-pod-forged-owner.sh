#!/usr/bin/env bash
# A pod pretends to be a ReplicaSet's, which anybody can write.
# guards: no-side-doors/no-bare-pods no-side-doors/no-owner-references
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
owner="apiVersion: apps/v1, kind: ReplicaSet, name: $(set_of "$ME"), controller: true"
owner+=", uid: $(admin get replicaset "$(set_of "$ME")" -o 'jsonpath={.metadata.uid}')"
attack kubectl create -f <(
    META="ownerReferences: [{$owner}]" POD='automountServiceAccountToken: false' \
        program Pod "$ME-b"
)
