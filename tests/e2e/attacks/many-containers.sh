#!/usr/bin/env bash
# Twenty containers in a pod.
# guards: student-deployments/container-count
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
more=
for i in {1..19}; do
    more+="${more:+, }{name: c$i, image: 'registry.hydrosim.edu/$ME:v1'}"
done
attack_deployed MORE="$more"
