#!/usr/bin/env bash
# A student makes a ReplicationController, the old way to run pods.
# guards: no-side-doors/no-replicationcontrollers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(program ReplicationController "$ME")
as teacher
attack kubectl create -f <(program ReplicationController "$ME-b")
