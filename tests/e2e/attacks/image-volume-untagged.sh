#!/usr/bin/env bash
# An image with the tag that moves is mounted as a folder.
# guards: student-deployments/image-volume-tag
# refused-first-by: apiserver 1.30: unknown field "spec.template.spec.volumes[0].image"
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD="volumes: [{name: v, image: {reference: registry.hydrosim.edu/$ME}}]"
