#!/usr/bin/env bash
# A pod runs in another kind of sandbox.
# guards: pod-security-floor/no-runtime-class
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='runtimeClassName: none'
