#!/usr/bin/env bash
# A pod as a whole gets a share of the node.
# guards: student-deployments/no-pod-resources
# refused-first-by: apiserver 1.30: unknown field "spec.template.spec.resources"
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='resources: {limits: {cpu: "8"}}'
