#!/usr/bin/env bash
# Twenty volumes, each of which may fill the disk.
# guards: student-deployments/volume-count
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
more=
for i in {1..20}; do
    more+="${more:+, }{name: v$i, emptyDir: {}}"
done
attack_deployed POD="volumes: [$more]"
