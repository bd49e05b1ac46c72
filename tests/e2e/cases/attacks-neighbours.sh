#!/usr/bin/env bash
# Student 2024001 tries to reach what is student 2024002's: by name, label, selector, Service, host,
# and by deleting (A10, A17).
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
mine=student-2024001
theirs=student-2024002

as s2024002
accepted kubectl apply -f <(program Deployment $theirs)
accepted kubectl apply -f <(service $theirs)
accepted kubectl apply -f <(ingress $theirs $theirs.project.hydrosim.edu)
accepted kubectl create secret generic $theirs --from-literal=password=x
eventually kubectl rollout status deployment/$theirs --timeout=1s
pod=$(admin get pods -o 'jsonpath={.items[0].metadata.name}')

as s2024001
accepted kubectl apply -f <(program Deployment $mine)
accepted kubectl apply -f <(service $mine)
accepted kubectl apply -f <(ingress $mine $mine.project.hydrosim.edu)
eventually kubectl rollout status deployment/$mine --timeout=1s

# ---- by name
refused ownership/own-name kubectl create -f <(program Deployment $theirs-b)
refused ownership/own-name kubectl create -f <(program Deployment student-20240011)
refused ownership/own-name kubectl set image deployment/$theirs app=registry.hydrosim.edu/$mine:v1
refused ownership/own-name kubectl annotate deployment $theirs note=mine
refused ownership/own-name kubectl scale deployment/$theirs --replicas 0
refused ownership/own-name kubectl rollout restart deployment/$theirs
refused ownership/own-name kubectl rollout pause deployment/$theirs
refused ownership/own-name kubectl patch service $theirs -p '{"spec":{"selector":{"app":"x"}}}'
refused ownership/own-name kubectl patch secret $theirs -p '{"data":{"password":null}}'
refused ownership/own-delete kubectl delete deployment $theirs --wait=false
refused ownership/own-delete kubectl delete service $theirs
refused ownership/own-delete kubectl delete ingress $theirs
refused ownership/own-delete kubectl delete secret $theirs
refused ownership/own-delete kubectl delete pod "$pod" --wait=false
refused ownership/own-delete kubectl delete secrets --all
refused ownership/own-connect kubectl exec "$pod" -- id
refused ownership/own-connect kubectl port-forward "$pod" :8000
refused ownership/own-connect kubectl attach "$pod"

# ---- by labels and selectors, in a project of one's own name
labelled() { program Deployment $mine-b | sed "s/app: $mine-b/app: $theirs/g"; }
refused ownership/own-pod-label kubectl apply -f <(labelled)
refused ownership/own-selector kubectl apply -f <(labelled)
refused ownership/own-label kubectl label deployment $mine app=$theirs --overwrite
refused ownership/own-service-selector \
    kubectl patch service $mine -p "{\"spec\":{\"selector\":{\"app\":\"$theirs\"}}}"
refused student-network/selector kubectl patch service $mine --type json \
    -p '[{"op":"remove","path":"/spec/selector"}]'
refused student-network/selector kubectl patch service $mine --type merge \
    -p '{"spec":{"selector":{"app":null,"pod-template-hash":"x"}}}'

# ---- by what is mounted and read
refused ownership/own-secret-volume kubectl apply \
    -f <(POD="volumes: [{name: v, secret: {secretName: $theirs}}]" program Deployment $mine)
refused ownership/own-secret-env kubectl apply \
    -f <(CONTAINER="envFrom: [{secretRef: {name: $theirs}}]" program Deployment $mine)
refused ownership/own-secret-key kubectl apply \
    -f <(CONTAINER="env: [{name: A, valueFrom: {secretKeyRef: {name: $theirs, key: password}}}]" \
        program Deployment $mine)
refused ownership/own-claim-volume kubectl apply \
    -f <(POD="volumes: [{name: v, persistentVolumeClaim: {claimName: $theirs}}]" \
        program Deployment $mine)

# ---- Services that lead elsewhere
refused student-network/cluster-ip kubectl apply -f <(service $mine 'type: NodePort')
refused student-network/cluster-ip kubectl apply -f <(service $mine 'type: LoadBalancer')
refused student-network/no-external-name \
    kubectl apply -f <(service $mine-b 'type: ExternalName, externalName: evil.example')
refused student-network/no-external-ips \
    kubectl apply -f <(service $mine 'externalIPs: [10.1.2.3]')
refused student-network/no-headless kubectl apply -f <(service $mine-b 'clusterIP: None')
refused student-network/port kubectl create service clusterip $mine-b --tcp=22:8000
refused student-network/target-port kubectl create service clusterip $mine-b --tcp=80:22
refused student-network/annotations kubectl annotate service $mine traefik.io/anything=x

# ---- addresses
refused ownership/own-host kubectl apply -f <(ingress $mine $theirs.project.hydrosim.edu)
refused student-network/host kubectl apply -f <(ingress $mine '*.project.hydrosim.edu')
refused student-network/host kubectl apply -f <(ingress $mine '')
refused student-network/host kubectl apply -f <(ingress $mine-b $mine.project.hydrosim.edu)
refused student-network/no-default-backend kubectl apply -f <(ingress $mine \
    $mine.project.hydrosim.edu "defaultBackend: {service: {name: $mine, port: {number: 80}}}")
refused student-network/backend kubectl apply -f <(ingress $mine $mine.project.hydrosim.edu |
    sed "s/service: {name: $mine/service: {name: $theirs/")
refused ownership/own-tls-host kubectl apply -f <(ingress $mine $mine.project.hydrosim.edu \
    "tls: [{hosts: [$theirs.project.hydrosim.edu], secretName: $mine-tls}]")
refused student-network/tls-secret kubectl apply -f <(ingress $mine $mine.project.hydrosim.edu \
    "tls: [{hosts: [$mine.project.hydrosim.edu], secretName: $theirs-tls}]")
refused student-network/annotations kubectl annotate ingress $mine \
    nginx.ingress.kubernetes.io/configuration-snippet='return 200;'

# A teacher is not a student: the same change is allowed.
as teacher
accepted kubectl annotate deployment $theirs note=seen
