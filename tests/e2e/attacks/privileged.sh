#!/usr/bin/env bash
# A container owns the node: the only one, one behind it, and one that prepares.
# guards: pod-security-floor/no-privileged
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
image="image: 'registry.hydrosim.edu/$ME:v1'"
attack_deployed CONTAINER='securityContext: {privileged: true}'
attack_deployed MORE="{name: b, $image, securityContext: {privileged: true}}"
attack_deployed POD="initContainers: [{name: i, $image, securityContext: {privileged: true}}]"
