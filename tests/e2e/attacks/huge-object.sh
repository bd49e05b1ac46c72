#!/usr/bin/env bash
# An object so large that nobody would look through it.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
long=$(head -c 1200000 /dev/zero | tr '\0' x)
attack kubectl create -f <(paused "$ME" IMAGE=nginx:1.27 CONTAINER="env: [{name: A, value: $long}]")
