#!/usr/bin/env bash
# A status is written by hand: an address that a Service or an Ingress claims, a rollout's end.
# guards: no-side-doors/status-is-reported
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
accepted kubectl apply -f <(ingress "$ME" "$ME.project.hydrosim.edu")
attack kubectl patch ingress "$ME" --subresource status --type merge \
    -p '{"status":{"loadBalancer":{"ingress":[{"ip":"10.9.9.9"}]}}}'
as teacher
attack kubectl patch ingress "$ME" --subresource status --type merge \
    -p '{"status":{"loadBalancer":{"ingress":[{"ip":"10.9.9.8"}]}}}'
