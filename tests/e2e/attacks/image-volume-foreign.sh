#!/usr/bin/env bash
# An image from elsewhere is mounted as a folder.
# guards: student-deployments/image-volume-registry
# refused-first-by: apiserver 1.30: unknown field "spec.template.spec.volumes[0].image"
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='volumes: [{name: v, image: {reference: "evil.example/x:v1"}}]'
