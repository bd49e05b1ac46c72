#!/usr/bin/env bash
# What is being deleted, and held by a finalizer, still lives: it gets another image.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted admin apply -f <(META='finalizers: [hydrosim.edu/hold]' paused "$ME")
accepted kubectl delete deployment "$ME" --wait=false
attack kubectl set image "deployment/$ME" app=nginx:1.27
accepted admin patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":null}}'
