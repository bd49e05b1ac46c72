#!/usr/bin/env bash
# A pod changes a setting of the kernel.
# guards: pod-security-floor/no-sysctls
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='securityContext: {sysctls: [{name: kernel.msgmax, value: "1"}]}'
