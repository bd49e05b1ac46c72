#!/usr/bin/env bash
# An old violation gets another name: the container that has it is called otherwise.
# guards: student-deployments/image-registry
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted admin apply -f <(paused "$ME" MORE='{name: b, image: "nginx:1.27"}')
attack kubectl patch deployment "$ME" --type json \
    -p '[{"op":"replace","path":"/spec/template/spec/containers/1/name","value":"c"}]'
