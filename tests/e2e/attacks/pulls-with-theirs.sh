#!/usr/bin/env bash
# A pod's images are fetched with another student's password.
# guards: ownership/own-pull-secret
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD="imagePullSecrets: [{name: $THEM}]"
