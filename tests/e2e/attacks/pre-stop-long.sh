#!/usr/bin/env bash
# The pause before stopping lasts so long that the pod is killed in it.
# guards: student-deployments/pre-stop-length
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed CONTAINER='lifecycle: {preStop: {sleep: {seconds: 25}}}'
