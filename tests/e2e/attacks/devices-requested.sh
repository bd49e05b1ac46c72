#!/usr/bin/env bash
# A container takes a device of the node, by a request and a limit.
# guards: student-deployments/limits-known student-deployments/requests-known
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
device='{example.com/gpu: 1}'
attack_deployed CONTAINER="resources: {limits: $device, requests: $device}"
