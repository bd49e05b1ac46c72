#!/usr/bin/env bash
# A student makes a StatefulSet.
# guards: no-side-doors/no-statefulsets
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(program StatefulSet "$ME")
as teacher
attack kubectl create -f <(program StatefulSet "$ME-b")
