#!/usr/bin/env bash
# A10: a project is reached by its own name and port only: one Service, from 80 to 8000, and one
# host.  Each rule by the verbs that can bring the value; what is good by all of them.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
host=$name.project.hydrosim.edu
file=$E2E_WORK/object
as s2024001

# ---- good ones, by every verb; kubectl edit only changes the spec
for verb in create dry-run apply server-side replace patch edit; do
    {
        echo "apiVersion: v1"
        echo "kind: Service"
        echo "metadata: {name: $name, annotations: {by: $verb}}"
        echo "spec: {selector: {app: $name}, ports: [{port: 80, targetPort: 8000}]}"
    } >"$file"
    accepted by $verb "$file"
    {
        echo "apiVersion: networking.k8s.io/v1"
        echo "kind: Ingress"
        echo "metadata: {name: $name, annotations: {by: $verb}}"
        echo "spec: {tls: [{hosts: [$host], secretName: $name-tls}], rules: [{host: $host, http:" \
            "{paths: [{path: /, pathType: Prefix, backend: {service: {name: $name, port:" \
            "{number: 80}}}}]}}]}"
    } >"$file"
    accepted by $verb "$file"
done
stored service/$name '{.spec.type} {.spec.ports[0].port} {.spec.ports[0].targetPort}' \
    'ClusterIP 80 8000'
stored ingress/$name '{.spec.rules[0].host}' $host

# ---- bad ones: NAME is the object's name; new, and as a change of the good one
remember
while IFS='|' read -r rule kind spec; do
    {
        [ "$kind" = Service ] && echo "apiVersion: v1" || echo "apiVersion: networking.k8s.io/v1"
        echo "kind: $kind"
        echo "metadata: {name: $name-b}"
        echo "spec: {$spec}" | sed "s/NAME/$name-b/g"
    } >"$file"
    denied "$rule" by create "$file"
    denied "$rule" by server-side "$file"
    sed -i "s/$name-b/$name/g" "$file"
    # A merge would keep the good port, or the good rule, beside the bad one.
    [[ $rule =~ /(port|has-rule)$ ]] && verbs=replace || verbs='apply replace patch'
    for verb in $verbs; do
        denied "$rule" by "$verb" "$file"
    done
done <<'END_OF_TABLE'
student-network/cluster-ip|Service|type: NodePort, selector: {app: NAME}, ports: [{port: 80, targetPort: 8000}]
student-network/cluster-ip|Service|type: LoadBalancer, selector: {app: NAME}, ports: [{port: 80, targetPort: 8000}]
student-network/target-port|Service|selector: {app: NAME}, ports: [{port: 80, targetPort: 22}]
student-network/port|Service|selector: {app: NAME}, ports: [{port: 443, targetPort: 8000}]
student-network/one-port|Service|selector: {app: NAME}, ports: [{name: a, port: 80, targetPort: 8000}, {name: b, port: 81, targetPort: 8000}]
student-network/protocol|Service|selector: {app: NAME}, ports: [{port: 80, targetPort: 8000, protocol: UDP}]
student-network/selector|Service|selector: {app: student-2024002}, ports: [{port: 80, targetPort: 8000}]
student-network/no-external-ips|Service|externalIPs: [10.1.2.3], selector: {app: NAME}, ports: [{port: 80, targetPort: 8000}]
student-network/ready-pods-only|Service|publishNotReadyAddresses: true, selector: {app: NAME}, ports: [{port: 80, targetPort: 8000}]
student-network/host|Ingress|rules: [{host: "*.project.hydrosim.edu"}]
student-network/host|Ingress|rules: [{host: student-2024002.project.hydrosim.edu}]
student-network/host|Ingress|rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: NAME, port: {number: 80}}}}]}}]
student-network/has-rule|Ingress|defaultBackend: {service: {name: NAME, port: {number: 80}}}
student-network/no-default-backend|Ingress|defaultBackend: {service: {name: NAME, port: {number: 80}}}, rules: [{host: NAME.project.hydrosim.edu}]
student-network/backend|Ingress|rules: [{host: NAME.project.hydrosim.edu, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: student-2024002, port: {number: 80}}}}]}}]
student-network/backend-port|Ingress|rules: [{host: NAME.project.hydrosim.edu, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: NAME, port: {number: 22}}}}]}}]
student-network/path-type|Ingress|rules: [{host: NAME.project.hydrosim.edu, http: {paths: [{path: /, pathType: ImplementationSpecific, backend: {service: {name: NAME, port: {number: 80}}}}]}}]
student-network/ingress-class|Ingress|ingressClassName: nginx, rules: [{host: NAME.project.hydrosim.edu}]
student-network/tls-secret|Ingress|tls: [{hosts: [NAME.project.hydrosim.edu], secretName: student-2024002-tls}], rules: [{host: NAME.project.hydrosim.edu}]
student-network/tls-host|Ingress|tls: [{hosts: [student-2024002.project.hydrosim.edu]}], rules: [{host: NAME.project.hydrosim.edu}]
student-network/tls-hosts-named|Ingress|tls: [{secretName: NAME-tls}], rules: [{host: NAME.project.hydrosim.edu}]
END_OF_TABLE
untouched

# ---- new ones only: what Kubernetes itself does not let change
denied student-network/no-external-name kubectl create service externalname $name-b \
    --external-name evil.example
denied student-network/no-headless kubectl create service clusterip $name-b --clusterip None
denied student-network/port kubectl create service clusterip $name-b --tcp 22:8000
denied student-network/cluster-ip kubectl create service nodeport $name-b --tcp 80:8000

# ---- the commands for it
accepted kubectl apply -f <(program Deployment $name)
accepted kubectl delete service $name
accepted kubectl expose deployment $name --port 80 --target-port 8000
stored service/$name '{.spec.selector}' "{\"app\":\"$name\"}"
denied student-network/selector kubectl set selector service $name app=other
denied student-network/host kubectl create ingress $name-b --rule="other.example/*=$name-b:80"
remember
for key in nginx.ingress.kubernetes.io/configuration-snippet \
    traefik.ingress.kubernetes.io/router.middlewares cert-manager.io/cluster-issuer; do
    denied student-network/annotations kubectl annotate ingress $name $key=x
    denied student-network/annotations kubectl annotate service $name $key=x
done
untouched
accepted kubectl annotate ingress $name hydrosim.edu/note=x note=y
accepted kubectl delete service,ingress $name
