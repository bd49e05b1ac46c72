#!/usr/bin/env bash
# Side doors: every way to run or change a program that is not a Deployment of one's own (A9).
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001

# ---- other kinds, by a student and by a teacher
for who in s2024001 teacher; do
    as $who
    refused no-side-doors/no-bare-pods kubectl apply -f <(program Pod $name)
    refused no-side-doors/no-bare-pods kubectl run $name --image registry.hydrosim.edu/$name:v1
    refused no-side-doors/no-replicasets kubectl apply -f <(program ReplicaSet $name)
    refused no-side-doors/no-replicationcontrollers \
        kubectl apply -f <(program ReplicationController $name)
    refused no-side-doors/no-statefulsets kubectl apply -f <(program StatefulSet $name)
    refused no-side-doors/no-daemonsets kubectl apply --server-side -f <(program DaemonSet $name)
    refused no-side-doors/no-jobs kubectl create -f <(program Job $name)
    refused no-side-doors/no-cronjobs kubectl apply -f <(program CronJob $name)
done

as s2024001
refused no-side-doors/budget-minimum kubectl create poddisruptionbudget $name --selector app=$name \
    --min-available 1
refused no-side-doors/budget-maximum kubectl apply -f - <<END
---
{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: $name},
 spec: {maxUnavailable: 0, selector: {matchLabels: {app: $name}}}}
END
refused no-side-doors/no-token-secrets kubectl apply -f - <<END
---
{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token,
 metadata: {name: $name, annotations: {kubernetes.io/service-account.name: default}}}
END
refused no-side-doors/other-kinds kubectl create serviceaccount $name
refused no-side-doors/other-subresources kubectl create token default
refused no-side-doors/other-kinds kubectl create role $name --verb get --resource pods
refused no-side-doors/other-kinds kubectl create quota $name
refused no-side-doors/other-kinds kubectl apply -f - <<END
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: $name},
 spec: {podSelector: {}}}
END
refused no-side-doors/other-kinds kubectl apply -f - <<END
---
{apiVersion: v1, kind: Endpoints, metadata: {name: $name},
 subsets: [{addresses: [{ip: 10.9.9.9}], ports: [{port: 80}]}]}
END

# ---- versions of the API that have gone or are old
refused 'no matches for kind "Deployment" in version "extensions/v1beta1"' \
    kubectl apply -f <(API=extensions/v1beta1 program Deployment $name)
refused no-side-doors/no-autoscalers kubectl apply -f - <<END
---
{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: $name},
 spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $name}}}
END

# ---- scaling what somebody with more rights has made
for kind in ReplicaSet ReplicationController StatefulSet; do
    accepted admin apply -f <(SPEC='replicas: 0' program $kind $name)
    eventually is $kind/$name '{.status.observedGeneration}' 1
    refused no-side-doors/no-other-scales kubectl scale $kind/$name --replicas 5
    stored $kind/$name '{.spec.replicas}' 0
done

# ---- a Deployment's own pod, ReplicaSet and status
accepted kubectl apply -f <(program Deployment $name)
refused no-side-doors/no-autoscalers kubectl apply -f - <<END
---
{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: $name},
 spec: {maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $name}}}
END
eventually kubectl rollout status deployment/$name --timeout=1s
# After any refusal kubectl tries autoscaling/v1 and tells of that only.
refused 'failed to create autoscaling/v2 HPA' kubectl autoscale deployment $name --min 2 --max 9
pod=$(admin get pods -l app=$name -o 'jsonpath={.items[0].metadata.name}')
set=$(admin get replicasets -l pod-template-hash -o 'jsonpath={.items[0].metadata.name}')
refused no-side-doors/no-ephemeral-containers kubectl debug "$pod" --image busybox --attach=false
refused no-side-doors/no-pod-edits kubectl label pod "$pod" app-
refused no-side-doors/no-pod-edits kubectl set image pod/"$pod" app=busybox
refused no-side-doors/no-pod-edits kubectl patch pod "$pod" --type merge \
    -p '{"metadata":{"ownerReferences":null}}'
refused no-side-doors/no-replicasets kubectl set image replicaset/"$set" app=busybox
refused no-side-doors/no-replicasets kubectl label replicaset "$set" mine=yes
refused no-side-doors/no-other-scales kubectl scale replicaset/"$set" --replicas 5
refused no-side-doors/no-history-deletes kubectl delete replicaset/"$set" --wait=false
refused no-side-doors/status-is-reported kubectl patch deployment $name --subresource status \
    -p '{"status":{"observedGeneration":99}}'
refused no-side-doors/other-subresources kubectl create -f - \
    --raw "/api/v1/namespaces/hydrosim-students/pods/$pod/binding" <<END
{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "$pod"},
 "target": {"apiVersion": "v1", "kind": "Node", "name": "node-0"}}
END

# ---- whose a Deployment is, how it goes, and how it goes back
uid=$(admin get deployment $name -o 'jsonpath={.metadata.uid}')
owner="ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: $name, uid: $uid}]"
refused no-side-doors/no-owner-references kubectl apply -f <(META=$owner program Deployment $name-b)
refused no-side-doors/no-owner-references kubectl apply -f - <<END
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: $name, $owner}}
END
claim="{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"$pod\",\"uid\":\"$uid\"}"
refused no-side-doors/owner-references-stay kubectl patch deployment $name --type merge \
    -p "{\"metadata\":{\"ownerReferences\":[$claim]}}"
refused no-side-doors/no-finalizers \
    kubectl apply -f <(META='finalizers: [hydrosim.edu/mine]' program Deployment $name-b)
refused no-side-doors/finalizers-stay kubectl patch deployment $name --type merge \
    -p '{"metadata":{"finalizers":["hydrosim.edu/mine"]}}'
refused no-side-doors/finalizers-stay kubectl patch deployment $name --type merge \
    -p '{"metadata":{"finalizers":["orphan"]}}'
refused no-side-doors/no-orphans kubectl delete deployment $name --cascade=orphan
refused no-side-doors/no-orphans kubectl delete deployments --all --cascade=orphan
refused no-side-doors/no-orphans kubectl delete -f - \
    --raw /apis/apps/v1/namespaces/hydrosim-students/deployments/$name <<END
{"apiVersion": "v1", "kind": "DeleteOptions", "orphanDependents": true}
END
refused no-side-doors/no-rollback-annotation \
    kubectl annotate deployment $name deprecated.deployment.rollback.to=1
stored deployment/$name '{.metadata.generation}' 1
