#!/usr/bin/env bash
# An image from elsewhere: by its name, by a look-alike, beside a good one, before it.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed IMAGE=nginx:1.27
attack_deployed IMAGE="registry.hydrosim.edu.evil.example/$ME:v1"
attack_deployed IMAGE="evil.example/registry.hydrosim.edu/$ME:v1"
attack_deployed MORE='{name: b, image: "nginx:1.27"}'
attack_deployed POD='initContainers: [{name: i, image: "nginx:1.27"}]'
