#!/usr/bin/env bash
# A Secret of this type is filled with a key to the cluster.
# guards: no-side-doors/no-token-secrets
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f - <<END
---
{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token,
 metadata: {name: $ME, annotations: {kubernetes.io/service-account.name: default}}}
END
