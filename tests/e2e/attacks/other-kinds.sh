#!/usr/bin/env bash
# Kinds that nobody thought of: accounts, rights, quotas, doors in the wall, addresses, leases.
# guards: no-side-doors/other-kinds
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create serviceaccount "$ME"
attack kubectl create role "$ME" --verb get --resource pods
attack kubectl create rolebinding "$ME" --role "$ME" --user somebody
attack kubectl create quota "$ME"
attack kubectl apply -f - <<END
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: $ME},
 spec: {podSelector: {matchLabels: {app: $ME}}}}
END
attack kubectl apply -f - <<END
---
{apiVersion: v1, kind: Endpoints, metadata: {name: $ME},
 subsets: [{addresses: [{ip: 10.9.9.9}], ports: [{port: 80}]}]}
END
attack kubectl apply -f - <<END
---
{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: $ME}}
END
attack kubectl apply -f - <<END
---
{apiVersion: v1, kind: PodTemplate, metadata: {name: $ME},
 template: {metadata: {labels: {app: $ME}}, spec: {containers: [{name: a, image: busybox}]}}}
END
attack kubectl apply -f - <<END
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: $ME}, addressType: IPv4,
 endpoints: [{addresses: [10.9.9.9]}], ports: [{port: 80}]}
END
