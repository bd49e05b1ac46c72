#!/usr/bin/env bash
# A container takes a device of the node, by a limit.
# guards: student-deployments/limits-known
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER='resources: {limits: {example.com/gpu: 1}}'
