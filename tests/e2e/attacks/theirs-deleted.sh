#!/usr/bin/env bash
# A student deletes what is another student's, one by one and all at once.
# guards: ownership/own-delete
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
running "$THEM"
accepted kubectl apply -f <(service "$THEM")
accepted kubectl apply -f <(ingress "$THEM" "$THEM.project.hydrosim.edu")
accepted kubectl create secret generic "$THEM" --from-literal=password=x
accepted kubectl label secret "$THEM" "app=$THEM"
accepted kubectl create configmap "$THEM"
accepted kubectl label configmap "$THEM" "app=$THEM"
as attacker
attack kubectl delete \
    --raw "/api/v1/namespaces/hydrosim-students/configmaps?labelSelector=app%3D$THEM"
attack kubectl delete service "$THEM"
attack kubectl delete ingress "$THEM"
attack kubectl delete secrets -l "app=$THEM"
attack kubectl delete pod "$(pod_of "$THEM")" --wait=false
attack kubectl delete deployment "$THEM" --wait=false
