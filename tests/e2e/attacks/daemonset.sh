#!/usr/bin/env bash
# A student makes a DaemonSet, which would run on every node.
# guards: no-side-doors/no-daemonsets
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply --server-side -f <(program DaemonSet "$ME")
as teacher
attack kubectl create -f <(program DaemonSet "$ME-b")
