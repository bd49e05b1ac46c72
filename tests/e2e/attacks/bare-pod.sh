#!/usr/bin/env bash
# A student, and a teacher, start a pod of their own, which nothing restarts and no history keeps.
# guards: no-side-doors/no-bare-pods
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
export POD='automountServiceAccountToken: false'
attack kubectl apply -f <(program Pod "$ME")
attack kubectl run "$ME-b" --image busybox \
    --overrides '{"spec": {"automountServiceAccountToken": false}}'
as teacher
attack kubectl create -f <(program Pod "$ME-c")
