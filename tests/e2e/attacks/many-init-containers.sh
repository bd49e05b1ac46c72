#!/usr/bin/env bash
# Twenty containers that run one after the other before the program.
# guards: student-deployments/init-container-count
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
more=
for i in {1..20}; do
    more+="${more:+, }{name: c$i, image: 'registry.hydrosim.edu/$ME:v1'}"
done
attack_deployed POD="initContainers: [$more]"
