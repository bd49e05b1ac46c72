#!/usr/bin/env bash
# A student deletes the version that a roll back would go to.
# guards: no-side-doors/no-history-deletes
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl delete replicaset "$(set_of "$ME")" --wait=false
