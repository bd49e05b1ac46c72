#!/usr/bin/env bash
# A2: one replica, or none to stop a project; also by scale, its subresource and an autoscaler.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
deployment=deployment/$name
replicas='{.spec.replicas}'
as s2024001

SPEC='replicas: 5' stored_by "$E2E_VERBS" "$replicas" 1 program Deployment $name
SPEC='replicas: 0' stored_by 'create server-side' "$replicas" 0 program Deployment $name
before create $name
while read -r given wanted; do
    SPEC="replicas: $given" would_store "$replicas" "$wanted" program Deployment $name
done <<'END_OF_TABLE'
0 0
1 1
2 1
2147483647 1
null 1
END_OF_TABLE
denied 'must be greater than or equal to 0' \
    kubectl create -f <(SPEC='replicas: -1' program Deployment $name)

# ---- what runs stays one pod, whatever is asked for
accepted kubectl apply -f <(SPEC='minReadySeconds: 1' program Deployment $name)
eventually kubectl rollout status $deployment --timeout=1s
accepted kubectl scale $deployment --replicas 7
stored $deployment "$replicas" 1
accepted kubectl scale $deployment --replicas 7 --current-replicas 1
stored $deployment "$replicas" 1
accepted kubectl patch $deployment --subresource scale --type merge -p '{"spec":{"replicas":7}}'
stored $deployment "$replicas" 1
accepted kubectl patch $deployment --type json \
    -p '[{"op":"replace","path":"/spec/replicas","value":7}]'
stored $deployment "$replicas" 1
check "one pod" "$(admin get pods -o name | wc -l)" 1

# ---- none, and one again
accepted kubectl scale $deployment --replicas 0
stored $deployment "$replicas" 0
eventually gone pods
accepted kubectl replace --raw /apis/apps/v1/namespaces/hydrosim-students/deployments/$name/scale \
    -f - <<END
{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "$name"},
 "spec": {"replicas": 3}}
END
stored $deployment "$replicas" 1
eventually kubectl rollout status $deployment --timeout=1s

# ---- an autoscaler: refused to a student and to a teacher; one that an administrator made asks in
# vain, since its controller is judged like anybody
autoscaler() {
    echo "apiVersion: autoscaling/v2"
    echo "kind: HorizontalPodAutoscaler"
    echo "metadata: {name: $name}"
    echo "spec: {minReplicas: 3, maxReplicas: 9,"
    echo "  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $name}}"
}
autoscaler >"$E2E_WORK/autoscaler"
unable='failed to create autoscaling/v2 HPA'
[ "$(kubectl_minor)" -gt 30 ] || unable=no-side-doors/no-autoscalers
for who in s2024001 teacher; do
    as $who
    for verb in create apply server-side; do
        refused no-side-doors/no-autoscalers by $verb "$E2E_WORK/autoscaler"
    done
    # kubectl 1.36 then tries autoscaling/v1 and tells of that only.
    refused "$unable" kubectl autoscale $deployment --min 2 --max 9
done
asked() {
    grep -F '"user":"system:serviceaccount:kube-system:horizontal-pod-autoscaler"' \
        "$E2E_WORK/logs/decisions" | grep -F student-deployments/one-replica
}
accepted admin create -f "$E2E_WORK/autoscaler"
eventually asked
stored $deployment "$replicas" 1
check "one pod" "$(admin get pods -o name | wc -l)" 1
as s2024001
refused no-side-doors/no-autoscalers kubectl patch hpa $name -p '{"spec":{"maxReplicas":99}}'
accepted kubectl delete hpa $name
