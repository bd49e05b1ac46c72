#!/usr/bin/env bash
# A student, and a teacher, make a ReplicaSet, whose updates never reach its pods.
# guards: no-side-doors/no-replicasets
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(program ReplicaSet "$ME")
as teacher
attack kubectl apply --server-side -f <(program ReplicaSet "$ME-b")
