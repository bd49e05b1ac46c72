#!/usr/bin/env bash
# A student asks for a key to the cluster.
# guards: no-side-doors/other-subresources ownership/own-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_unseen kubectl create token default
