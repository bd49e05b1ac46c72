#!/usr/bin/env bash
# A container takes the filter off what it may touch.
# guards: pod-security-floor/apparmor
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER='securityContext: {appArmorProfile: {type: Unconfined}}'
