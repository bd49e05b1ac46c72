#!/usr/bin/env bash
# An old violation is let pass while nobody touches it: the template changes, the image stays.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted admin apply -f <(paused "$ME" IMAGE=nginx:1.27)
attack kubectl set env "deployment/$ME" A=b
