#!/usr/bin/env bash
# A Service leads to another port of the pods.
# guards: student-network/target-port
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create service clusterip "$ME" --tcp=80:22
