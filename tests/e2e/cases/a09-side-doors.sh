#!/usr/bin/env bash
# A9: programs run as Deployments.  Each other kind by every verb: none can be made or changed, and
# what is there from before can be deleted.  The ways round are tests/e2e/attacks/.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001

plain() { # plain API KIND [MEMBERS]: an object that is not a program
    echo "apiVersion: $1"
    echo "kind: $2"
    echo "metadata: {name: $name}"
    [ -z "${3-}" ] || echo "$3"
}
object() { # object KIND
    local target="scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: $name}"
    case $1 in
        HorizontalPodAutoscaler) plain autoscaling/v2 "$1" "spec: {maxReplicas: 3, $target}" ;;
        PodDisruptionBudget)
            plain policy/v1 "$1" "spec: {minAvailable: 1, selector: {matchLabels: {app: $name}}}"
            ;;
        NetworkPolicy) plain networking.k8s.io/v1 "$1" 'spec: {podSelector: {}}' ;;
        ResourceQuota) plain v1 "$1" 'spec: {hard: {pods: "1"}}' ;;
        LimitRange) plain v1 "$1" 'spec: {limits: [{type: Pod, max: {cpu: "1"}}]}' ;;
        ServiceAccount) plain v1 "$1" ;;
        Role) plain rbac.authorization.k8s.io/v1 "$1" 'rules: []' ;;
        Lease) plain coordination.k8s.io/v1 "$1" 'spec: {holderIdentity: a}' ;;
        Event)
            plain v1 "$1" "involvedObject: {kind: Pod, name: $name, namespace: hydrosim-students}"
            ;;
        PodTemplate)
            plain v1 "$1" "template: {spec: {containers: [{name: a, image: 'a:v1'}]}}"
            ;;
        *) SPEC=$([ "$1" = Pod ] || [[ $1 =~ Daemon|Job ]] || echo 'replicas: 0') \
            program "$1" $name ;;
    esac
}

# What says no to a new one; whether it can be deleted (or is of no kind that a project is made of).
while read -r kind rule deleted; do
    file=$E2E_WORK/object
    object "$kind" >"$file"
    as s2024001
    for verb in create apply server-side; do
        denied "no-side-doors/$rule" by $verb "$file"
    done
    denied "no-side-doors/$rule" kubectl create --dry-run=server -f "$file"
    as teacher
    denied "no-side-doors/$rule" by create "$file"
    absent "$kind/$name"

    accepted admin create -f "$file"
    as s2024001
    [ "$kind" != Pod ] || rule=no-pod-edits
    denied "no-side-doors/$rule" kubectl annotate -f "$file" note=mine
    denied "no-side-doors/$rule" kubectl patch -f "$file" --type merge \
        -p '{"metadata":{"labels":{"mine":"yes"}}}'
    if [ "$deleted" = yes ]; then
        accepted kubectl delete -f "$file" --wait=false
    else
        denied "no-side-doors/$rule" kubectl delete -f "$file" --wait=false
        accepted admin delete -f "$file"
    fi
done <<'END_OF_TABLE'
Pod no-bare-pods yes
ReplicaSet no-replicasets yes
ReplicationController no-replicationcontrollers yes
StatefulSet no-statefulsets yes
DaemonSet no-daemonsets yes
Job no-jobs yes
CronJob no-cronjobs yes
HorizontalPodAutoscaler no-autoscalers yes
PodDisruptionBudget budget-minimum yes
NetworkPolicy other-kinds no
ResourceQuota other-kinds no
LimitRange other-kinds no
ServiceAccount other-kinds no
Role other-kinds no
Lease other-kinds no
Event other-kinds no
PodTemplate other-kinds no
END_OF_TABLE

# ---- a budget that lets the node be emptied is none of these
as s2024001
budget() {
    plain policy/v1 PodDisruptionBudget "spec: {$1, selector: {matchLabels: {app: $name}}}"
}
denied no-side-doors/budget-maximum kubectl apply -f <(budget 'maxUnavailable: 0')
denied no-side-doors/budget-maximum kubectl apply -f <(budget 'maxUnavailable: 0%')
accepted kubectl apply -f <(budget 'maxUnavailable: 1')

# ---- what a project is made of, by every verb
settings() { plain v1 ConfigMap "data: {a: '$1'}"; }
for verb in create dry-run apply server-side replace patch; do
    settings $verb >"$E2E_WORK/object"
    accepted by $verb "$E2E_WORK/object"
    [ $verb = dry-run ] || stored configmap/$name '{.data.a}' $verb
done
accepted kubectl create secret generic $name --from-literal a=b
accepted kubectl delete configmap/$name secret/$name pdb/$name
