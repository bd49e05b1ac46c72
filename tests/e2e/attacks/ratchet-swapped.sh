#!/usr/bin/env bash
# An old violation moves: two containers change places.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted admin apply -f <(paused "$ME" MORE='{name: b, image: "nginx:1.27"}')
list=/spec/template/spec/containers
attack kubectl patch deployment "$ME" --type json \
    -p "[{\"op\":\"move\",\"from\":\"$list/1\",\"path\":\"$list/0\"}]"
