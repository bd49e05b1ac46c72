#!/usr/bin/env bash
# Not the field changes but what allowed it: the strategy was fine beside a volume, which goes.
# guards: student-deployments/no-recreate
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
claim="volumes: [{name: v, persistentVolumeClaim: {claimName: $ME}}]"
accepted kubectl apply -f <(SPEC='strategy: {type: Recreate}' paused "$ME" POD="$claim" | finished)
stored "deployment/$ME" '{.spec.strategy.type}' Recreate
rewritten "deployment/$ME" '{.spec.strategy.type}' RollingUpdate Recreate \
    kubectl patch deployment "$ME" --type json \
    -p '[{"op":"remove","path":"/spec/template/spec/volumes"}]'
