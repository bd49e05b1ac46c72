#!/usr/bin/env bash
# A new object carries a finalizer, which keeps it from ever being deleted, and its namespace too.
# guards: no-side-doors/no-finalizers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(META='finalizers: [hydrosim.edu/mine]' SPEC='paused: true' \
    program Deployment "$ME")
attack kubectl create -f <(META='finalizers: [orphan]' SPEC='paused: true' \
    program Deployment "$ME-b")
