#!/usr/bin/env bash
# What somebody with more rights has made is scaled: every kind but a Deployment that can be.
# guards: no-side-doors/no-other-scales
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
for kind in ReplicaSet ReplicationController StatefulSet; do
    accepted admin apply -f <(SPEC='replicas: 0' program $kind "$ME-b")
    eventually is "$kind/$ME-b" '{.status.observedGeneration}' 1
    attack kubectl scale "$kind/$ME-b" --replicas 2
done
running "$ME"
attack kubectl scale "replicaset/$(set_of "$ME")" --replicas 2
