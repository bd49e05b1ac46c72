#!/usr/bin/env bash
# A student changes the room itself.
# guards: no-side-doors/no-namespace-changes ownership/own-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl label namespace hydrosim-students "mine=$ME" --overwrite
