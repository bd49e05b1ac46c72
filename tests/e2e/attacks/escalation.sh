#!/usr/bin/env bash
# A program gains more rights than it was started with.
# guards: pod-security-floor/no-escalation
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER='securityContext: {allowPrivilegeEscalation: true}'
