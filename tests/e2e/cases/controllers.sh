#!/usr/bin/env bash
# The cluster's own controllers are not in anybody's way, and nobody is in theirs: a Deployment
# rolls out, a garbage collector collects, a namespace goes.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001

as s2024001
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl rollout status deployment/$name --timeout=30s
check "one ReplicaSet" "$(admin get replicasets -o name | wc -l)" 1
check "one pod" "$(admin get pods -o name | wc -l)" 1
stored pods '{.items[*].status.conditions[?(@.type=="Ready")].status}' True
stored pods '{.items[*].spec.containers[0].resources.limits.cpu}' 500m
stored pods '{.items[*].spec.automountServiceAccountToken}' false

# A pod that is lost is replaced, and a second version replaces the first.
pod=$(admin get pods -o name)
accepted kubectl delete "$pod" --wait=false
eventually gone "$pod"
eventually is deployment/$name '{.status.readyReplicas}' 1
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v2
accepted kubectl rollout status deployment/$name --timeout=40s
eventually is pods '{.items[*].spec.containers[0].image}' registry.hydrosim.edu/$name:v2

# Deleted in the background: the garbage collector takes ReplicaSets and pods.
accepted kubectl delete deployment/$name --wait=false
eventually gone replicasets
eventually gone pods

# Deleted in the foreground: it sets its finalizer, and the collector takes that off again.
accepted kubectl apply -f <(program Deployment $name)
eventually is deployment/$name '{.status.replicas}' 1
accepted kubectl delete deployment/$name --cascade=foreground --timeout=30s
absent deployment/$name
eventually gone replicasets

# The whole room, with a project in it, and a new one in its place.
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl apply -f <(service $name)
accepted admin delete namespace hydrosim-students --timeout=60s
accepted admin apply -f "${0%/*}/../room.yaml"
eventually admin get serviceaccount default
accepted kubectl apply -f <(program Deployment $name)
eventually is deployment/$name '{.status.replicas}' 1

# They write what the webhook is asked about, too: a status.  The others never wait for it.
nothing_refused system:serviceaccount:kube-system:deployment-controller
nothing_refused system:serviceaccount:kube-system:replicaset-controller
not_asked system:serviceaccount:kube-system:generic-garbage-collector
not_asked system:serviceaccount:kube-system:namespace-controller
not_asked system:kube-scheduler
not_asked kwok
