#!/usr/bin/env bash
# An Ingress without a rule has nothing but a default.
# guards: student-network/no-default-backend student-network/has-rule
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f - <<END
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: $ME},
 spec: {defaultBackend: {service: {name: $ME, port: {number: 80}}}}}
END
