#!/usr/bin/env bash
# A budget keeps the node from ever being emptied: no pod may go.
# guards: no-side-doors/budget-maximum
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
for most in 0 '"0%"'; do
    attack kubectl apply -f - <<END
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: $ME},
 spec: {maxUnavailable: $most, selector: {matchLabels: {app: $ME}}}}
END
done
