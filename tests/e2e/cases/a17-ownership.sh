#!/usr/bin/env bash
# A17: a student reaches only what is the student's own, by no verb and on no kind; the portal, a
# teacher and an administrator act for others.  More ways to try: tests/e2e/attacks/.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
mine=student-2024001
theirs=student-2024002

# The portal's account is a real one, with a token; what it may do is RBAC's to say.
portal=system:serviceaccount:hydrosim-system:portal-backend-sa
admin create namespace hydrosim-system >/dev/null 2>&1
admin -n hydrosim-system create serviceaccount portal-backend-sa >/dev/null 2>&1
admin create rolebinding portal --role everything \
    --serviceaccount hydrosim-system:portal-backend-sa >/dev/null 2>&1
cp "$E2E_WORK/users/teacher.kubeconfig" "$E2E_WORK/users/portal.kubeconfig"
as portal
kubectl config set-credentials portal --token \
    "$(admin -n hydrosim-system create token portal-backend-sa)" >/dev/null
kubectl config set-context --current --user portal >/dev/null
check "the portal is who it is" "$(kubectl auth whoami -o 'jsonpath={.status.userInfo.username}')" \
    "$portal"

# ---- a project of student B's, and one of student A's
for who in 2024001 2024002; do
    as s$who
    accepted kubectl apply -f <(program Deployment student-$who)
    accepted kubectl apply -f <(service student-$who)
    accepted kubectl apply -f <(ingress student-$who student-$who.project.hydrosim.edu)
    accepted kubectl create secret generic student-$who --from-literal a=b
    accepted kubectl create configmap student-$who --from-literal a=b
done
eventually kubectl rollout status deployment/$theirs --timeout=1s
eventually kubectl rollout status deployment/$mine --timeout=1s
pod=$(admin get pods -l app=$theirs -o 'jsonpath={.items[0].metadata.name}')

# ---- everything that A does to what is B's is refused, by name
as s2024001
image=registry.hydrosim.edu/$theirs
b_before=$(room | grep 2024002)
while read -r rule command; do
    # shellcheck disable=SC2086 # words of a table
    denied "ownership/$rule" kubectl $command
done <<END_OF_TABLE
own-name create deployment $theirs-b --image $image:v1
own-name set image deployment/$theirs app=$image:v2
own-name set env deployment/$theirs A=b
own-name set resources deployment/$theirs --limits cpu=100m
own-name scale deployment/$theirs --replicas 0
own-name annotate deployment $theirs note=mine
own-name label deployment $theirs note=mine
own-name patch deployment $theirs -p {"spec":{"paused":true}}
own-name rollout restart deployment/$theirs
own-name rollout pause deployment/$theirs
own-name create service clusterip $theirs-b --tcp 80:8000
own-name patch service $theirs -p {"spec":{"selector":{"app":"$mine"}}}
own-name annotate service $theirs note=mine
own-name create ingress $theirs-b --rule=$theirs-b.project.hydrosim.edu/*=$theirs-b:80
own-name annotate ingress $theirs note=mine
own-name create configmap $theirs-b
own-name patch configmap $theirs -p {"data":{"a":"c"}}
own-name create secret generic $theirs-b
own-name patch secret $theirs -p {"data":{"a":null}}
own-name label pod $pod note=mine
own-delete delete deployment $theirs --wait=false
own-delete delete deployment $theirs --dry-run=server
own-delete delete deployments --all --wait=false
own-delete delete service $theirs
own-delete delete ingress $theirs
own-delete delete configmap $theirs
own-delete delete secret $theirs
own-delete delete pod $pod --wait=false
own-delete delete pod $pod --force --grace-period 0
own-connect exec $pod -- id
own-connect attach $pod
own-connect port-forward $pod :8000
END_OF_TABLE
for verb in apply server-side replace edit patch; do
    IMAGE=$image:v9 program Deployment $theirs >"$E2E_WORK/manifest"
    denied ownership/own-name by $verb "$E2E_WORK/manifest"
done
# Of --all, what is one's own goes: that is put back before looking.
as admin
eventually gone deployment/$mine
as s2024001
check "what is B's is as it was" "$(diff <(echo "$b_before") <(room | grep 2024002))" ''
accepted kubectl apply -f <(program Deployment $mine)

# ---- nor B's traffic: labels, selectors, hosts, in objects of A's own name
eventually kubectl rollout status deployment/$mine --timeout=1s
labelled() { program Deployment $mine-b | sed "s/app: $mine-b/app: $theirs/g"; }
remember
denied ownership/own-pod-label kubectl create -f <(labelled)
denied ownership/own-selector kubectl create -f <(labelled)
denied ownership/own-label kubectl label deployment $mine app=$theirs --overwrite
denied ownership/own-service-selector kubectl set selector service $mine app=$theirs
denied ownership/own-host kubectl create ingress $mine-b \
    --rule="$theirs.project.hydrosim.edu/*=$mine-b:80"
denied ownership/own-backend kubectl create ingress $mine-b \
    --rule="$mine-b.project.hydrosim.edu/*=$theirs:80"
denied ownership/own-tls-host kubectl apply -f <(ingress $mine $mine.project.hydrosim.edu \
    "tls: [{hosts: [$theirs.project.hydrosim.edu], secretName: $mine-tls}]")
untouched

# ---- numbers that only look alike
for name in student-20240011 student-202400 xstudent-2024001 student-2024001.api prj-2024001; do
    denied ownership/own-name kubectl create configmap $name
done
untouched
accepted kubectl create configmap $mine-api

# ---- who acts for others may; the other rules hold for them as for anybody
for who in teacher portal; do
    as $who
    accepted kubectl annotate --overwrite deployment $theirs note=$who
    accepted kubectl set image deployment/$theirs app=$image:$who
    accepted kubectl apply -f <(program Deployment $theirs-$who)
    stored deployment/$theirs-$who '{..limits.cpu} {.spec.replicas}' '500m 1'
    accepted kubectl scale deployment/$theirs-$who --replicas 4
    stored deployment/$theirs-$who '{.spec.replicas}' 1
    denied student-deployments/image-registry kubectl set image deployment/$theirs app=nginx:1
    stored deployment/$theirs '{..image}' $image:$who
    denied no-side-doors/no-bare-pods kubectl run $theirs-x --image $image:v1
    accepted kubectl rollout undo deployment/$theirs
    accepted kubectl delete deployment $theirs-$who
done
as admin
accepted kubectl scale deployment/$theirs --replicas 2
stored deployment/$theirs '{.spec.replicas}' 2

# ---- and what is one's own, by the same commands
as s2024002
accepted kubectl scale deployment/$theirs --replicas 0
stored deployment/$theirs '{.spec.replicas}' 0
accepted kubectl delete deployment,service,ingress,configmap,secret $theirs
as s2024001
accepted kubectl delete deployment,service,ingress,configmap,secret $mine
accepted kubectl delete configmap $mine-api
accepted admin delete rolebinding portal
