#!/usr/bin/env bash
# A container takes the filter off what it may touch, in the way of older versions.
# guards: pod-security-floor/old-apparmor
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
key=container.apparmor.security.beta.kubernetes.io/app
attack kubectl apply -f <(sketch "$ME" |
    sed "s|template: {metadata: {|&annotations: {$key: unconfined}, |" | finished)
