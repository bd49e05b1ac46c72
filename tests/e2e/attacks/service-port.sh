#!/usr/bin/env bash
# A Service is reached at another port.
# guards: student-network/port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create service clusterip "$ME" --tcp=22:8000
