#!/usr/bin/env bash
# A Service whose name the cluster makes up.
# guards: student-network/no-generated-name student-network/selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create -f <(service "$ME-" |
    sed "s/metadata: {name/metadata: {generateName/; s/app: $ME-/app: $ME/")
