#!/usr/bin/env bash
# Versions of the API that have gone, under which no rule would look.
# guards: student-deployments/image-registry
# refused-first-by: apiserver: the server could not find the requested resource
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
for version in apps/v1beta1 apps/v1beta2 extensions/v1beta1; do
    attack kubectl create --raw "/apis/$version/namespaces/hydrosim-students/deployments" \
        -f <(IMAGE=nginx:1.27 program Deployment "$ME" |
            kubectl create --dry-run=client -o json -f - | sed "s|apps/v1|$version|")
done
