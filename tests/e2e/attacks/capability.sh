#!/usr/bin/env bash
# A program gets special powers over the kernel.
# guards: pod-security-floor/no-added-capabilities
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER='securityContext: {capabilities: {add: [SYS_ADMIN]}}'
