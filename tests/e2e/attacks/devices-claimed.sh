#!/usr/bin/env bash
# A container takes a device of the node, by a claim.
# guards: student-deployments/no-devices student-deployments/no-container-devices
# refused-first-by: apiserver 1.30: unknown field "spec.template.spec.resourceClaims[0].resource
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='resourceClaims: [{name: g, resourceClaimTemplateName: gpu}]' \
    CONTAINER='resources: {claims: [{name: g}]}'
