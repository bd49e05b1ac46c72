#!/usr/bin/env bash
# Another student's project gets an image, a note, a restart, a pause.
# guards: ownership/own-name ownership/own-label ownership/own-pod-label ownership/own-selector
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
accepted kubectl apply -f <(SPEC='replicas: 0' program Deployment "$THEM" | finished)
eventually is "deployment/$THEM" '{.status.observedGeneration}' 1
as attacker
attack kubectl set image "deployment/$THEM" "app=registry.hydrosim.edu/$ME:v1"
attack kubectl annotate deployment "$THEM" note=mine
attack kubectl rollout restart "deployment/$THEM"
attack kubectl rollout pause "deployment/$THEM"
