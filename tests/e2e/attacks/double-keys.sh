#!/usr/bin/env bash
# A member that stands there twice, first harmless: the API server takes the last one.
# guards: pod-security-floor/no-host-network
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create \
    --raw '/apis/apps/v1/namespaces/hydrosim-students/deployments?fieldValidation=Ignore' -f <(
        paused "$ME" | kubectl create --dry-run=client -o json -f - |
            sed 's/"containers": /"hostNetwork": false, "hostNetwork": true, &/'
    )
