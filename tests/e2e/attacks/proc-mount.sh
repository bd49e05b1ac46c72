#!/usr/bin/env bash
# A container sees the kernel's own files.
# guards: pod-security-floor/proc-mount
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='hostUsers: false' CONTAINER='securityContext: {procMount: Unmasked}'
