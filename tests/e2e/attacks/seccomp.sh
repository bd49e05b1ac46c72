#!/usr/bin/env bash
# A pod, or a container, takes the filter off its system calls.
# guards: pod-security-floor/seccomp
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='securityContext: {seccompProfile: {type: Unconfined}}'
attack_deployed CONTAINER='securityContext: {seccompProfile: {type: Unconfined}}'
