#!/usr/bin/env bash
# An old annotation makes the cluster roll back by itself, past every record.
# guards: no-side-doors/no-rollback-annotation
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(META='annotations: {deprecated.deployment.rollback.to: "1"}' \
    SPEC='paused: true' program Deployment "$ME-b" | finished)
project "$ME"
attack kubectl annotate deployment "$ME" deprecated.deployment.rollback.to=1
