#!/usr/bin/env bash
# An image without a tag, and one with the tag that moves.
# guards: student-deployments/image-tag
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed IMAGE="registry.hydrosim.edu/$ME"
attack_deployed IMAGE="registry.hydrosim.edu/$ME:latest"
