#!/usr/bin/env bash
# A Deployment whose name the cluster makes up.
# guards: student-deployments/no-generated-name student-deployments/selector
# guards: student-deployments/pod-label student-deployments/app-label
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create -f <(sketch "$ME" |
    sed "s/metadata: {name: [^,]*/metadata: {generateName: $ME-/" | finished)
