#!/usr/bin/env bash
# An object that is larger than the API server takes.
# guards: student-deployments/image-registry
# refused-first-by: apiserver: equest entity too large
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
long=$(head -c 1200000 /dev/zero | tr '\0' x)
attack kubectl create -f <(
    paused "$ME" IMAGE=nginx:1.27 CONTAINER="env: [{name: A, value: $long$long$long}]"
)
