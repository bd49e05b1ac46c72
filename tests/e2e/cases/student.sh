#!/usr/bin/env bash
# A student's day with kubectl: what is stored, and every word that kubectl prints.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001
image=registry.hydrosim.edu/$name
as s2024001
SPEC='minReadySeconds: 1' program Deployment $name >"$E2E_WORK/program.yaml"
service $name >"$E2E_WORK/service.yaml"
ingress $name $name.project.hydrosim.edu >"$E2E_WORK/ingress.yaml"
rolled_out() { eventually kubectl rollout status deployment/$name --timeout=1s; }
sets() { admin get replicasets -o name | wc -l; }

# ---- the first day: safe defaults, told once; the same file again changes nothing
show kubectl apply --dry-run=server -f "$E2E_WORK/program.yaml"
absent deployment/$name
show kubectl apply -f "$E2E_WORK/program.yaml"
show kubectl apply -f "$E2E_WORK/service.yaml" -f "$E2E_WORK/ingress.yaml"
rolled_out
show kubectl apply -f "$E2E_WORK/program.yaml"
show kubectl apply -f "$E2E_WORK/program.yaml"
show kubectl diff -f "$E2E_WORK/program.yaml"
stored deployment/$name '{.metadata.generation}' 1
check "one ReplicaSet after three times apply" "$(sets)" 1
stored deployment/$name '{.spec.strategy.rollingUpdate}' '{"maxSurge":1,"maxUnavailable":0}'
stored deployment/$name '{.spec.template.spec.containers[0].readinessProbe.tcpSocket.port}' 8000
stored deployment/$name '{.spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds}' 5
stored deployment/$name '{.spec.template.spec.containers[0].resources.limits.memory}' 512Mi
stored service/$name '{.spec.ports[0].targetPort}' 8000

# ---- server-side, three times: one generation, no fight over fields
program Deployment $name-api | sed 's/^/ /' >"$E2E_WORK/api.yaml"
show kubectl apply --server-side -f "$E2E_WORK/api.yaml"
eventually kubectl rollout status deployment/$name-api --timeout=1s
generation=$(admin get deployment $name-api -o 'jsonpath={.metadata.generation}')
accepted kubectl apply --server-side -f "$E2E_WORK/api.yaml"
accepted kubectl apply --server-side -f "$E2E_WORK/api.yaml"
stored deployment/$name-api '{.metadata.generation}' "$generation"
check "one ReplicaSet of $name-api" \
    "$(admin get replicasets -l app=$name-api -o name | wc -l)" 1
show kubectl delete deployment $name-api
eventually gone deployment/$name-api

# ---- new versions, good and bad
show kubectl set image deployment/$name app=$image:v2
rolled_out
check "two ReplicaSets" "$(sets)" 2
refused student-deployments/image-tag kubectl set image deployment/$name app=$image
show kubectl set image deployment/$name app=nginx
stored deployment/$name '{.spec.template.spec.containers[0].image}' $image:v2
show env KUBE_EDITOR='sed -i s/:v2/:v3/' kubectl edit deployment $name
stored deployment/$name '{.spec.template.spec.containers[0].image}' $image:v3
show kubectl patch deployment $name -p '{"spec":{"template":{"spec":{"hostNetwork":true}}}}'
show kubectl patch deployment $name --type json \
    -p '[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]'
stored deployment/$name '{.spec.template.spec.containers[0].readinessProbe.tcpSocket.port}' 8000
show kubectl set env deployment/$name DB_HOST=elsewhere
stored deployment/$name '{.spec.template.spec.containers[0].env[?(@.name=="DB_HOST")].value}' \
    postgres.hydrosim-system.svc.cluster.local
show kubectl set resources deployment/$name --limits cpu=4
stored deployment/$name '{.spec.template.spec.containers[0].resources.limits.cpu}' 500m
rolled_out

# ---- how many
show kubectl scale deployment/$name --replicas 5
stored deployment/$name '{.spec.replicas}' 1
show kubectl scale deployment/$name --replicas 0
stored deployment/$name '{.spec.replicas}' 0
eventually gone pods
show kubectl scale deployment/$name --replicas 1
rolled_out
show kubectl autoscale deployment $name --min 2 --max 5
absent hpa/$name

# ---- rollouts
show kubectl rollout restart deployment/$name
rolled_out
show kubectl rollout undo deployment/$name --to-revision 1
rolled_out
stored deployment/$name '{.spec.template.spec.containers[0].image}' $image:v1
show kubectl rollout pause deployment/$name
stored deployment/$name '{.spec.paused}' true
show kubectl rollout resume deployment/$name
stored deployment/$name '{.spec.paused}' ''
show kubectl apply -f "$E2E_WORK/program.yaml"
show kubectl replace -f "$E2E_WORK/program.yaml"
stored deployment/$name '{.spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds}' 5

# ---- everything wrong at once, then the end
show kubectl apply -f <(IMAGE=nginx POD='hostNetwork: true' SPEC='replicas: 5' \
    CONTAINER='securityContext: {privileged: true}' program Deployment my-shop)
show kubectl apply -f <(program Pod $name)
show kubectl apply -f <(program Deployment student-2024002)
show kubectl delete -f "$E2E_WORK/program.yaml" -f "$E2E_WORK/service.yaml" \
    -f "$E2E_WORK/ingress.yaml"
eventually gone pods
absent deployment/$name
same_as_golden
