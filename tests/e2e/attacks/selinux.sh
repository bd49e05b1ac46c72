#!/usr/bin/env bash
# A pod chooses the label that keeps projects apart.
# guards: pod-security-floor/no-selinux-options
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='securityContext: {seLinuxOptions: {level: "s0:c1,c2"}}'
