#!/usr/bin/env bash
# A student goes through the API server to the pod of another student.
# guards: ownership/own-connect no-side-doors/other-subresources
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
running "$THEM"
as attacker
path=/api/v1/namespaces/hydrosim-students/pods
attack_connect kubectl get --raw "$path/$(pod_of "$THEM"):8000/proxy/"
