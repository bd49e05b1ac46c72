#!/usr/bin/env bash
# An autoscaler is to make more pods, in the new version of the API and in the old one.
# guards: no-side-doors/no-autoscalers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
for version in v2 v1; do
    attack kubectl apply -f - <<END
---
{apiVersion: autoscaling/$version, kind: HorizontalPodAutoscaler, metadata: {name: $ME-$version},
 spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $ME}}}
END
done
