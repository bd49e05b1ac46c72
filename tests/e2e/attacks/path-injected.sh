#!/usr/bin/env bash
# A path carries configuration for the entrance of the whole course.
# guards: student-network/path
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu" |
    sed 's|path: /,|path: "/a;}location",|')
