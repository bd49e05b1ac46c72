#!/usr/bin/env bash
# A field that only looks like a forbidden one.
# guards: pod-security-floor/no-host-network
# refused-first-by: apiserver: unknown field "spec.template.spec.HostNetwork"
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl apply -f <(sketch "$ME" POD='HostNetwork: true')
