#!/usr/bin/env bash
# What was put into the room while nobody judged it is found by an auditor who may only read, and
# nothing is written on the way; then what changes with other policies, and the ways around them, read
# from the cluster as it stands.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=${0%/*}/..
room=hydrosim-students
out=$E2E_PRINTED
proctor() { "$E2E_BIN/proctor" "$@"; }
audit() { proctor audit -p "$E2E_TREE/policies" -n $room "$@"; }
member_of() { python3 -IS -c "import json, sys; report = json.load(open(sys.argv[1])); print($1)" "$out"; }
asked() { [[ $(kubectl run probe --image none --dry-run=server 2>&1) == *no-bare-pods* ]]; }
not_asked_now() { kubectl run probe --image none --dry-run=server; }
# All that is stored, and of what no controller goes on writing the resourceVersions.
versions() {
    room
    admin get configmaps,services,widgets,roles,rolebindings \
        -o jsonpath='{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}'
}

# ---- a good one, judged; the others while nobody judges
as s2024001
accepted kubectl create -f <(program Deployment student-2024001)
accepted kubectl create -f <(service student-2024001)
as admin
accepted kubectl create -f "$here/openreports.yaml" \
    -f <(sed 's/\breport/clusterreport/g; s/\bReport/ClusterReport/g; s/Namespaced/Cluster/' \
        "$here/openreports.yaml")
accepted kubectl create -f - <<'YAML'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { kind: Widget, plural: widgets }
  versions:
    - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }
YAML
eventually kubectl get widgets,reports,clusterreports
kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration proctor >/dev/null
as s2024001
eventually not_asked_now
accepted kubectl create -f <(SPEC='replicas: 3' POD='hostNetwork: true' program Deployment student-2024003)
accepted kubectl create -f <(program Pod student-2024004)
accepted kubectl create -f <(service student-2024005 'type: NodePort')
accepted kubectl create -f - <<'YAML'
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: stolen, labels: { kubernetes.io/service-name: student-2024001 } }
addressType: IPv4
endpoints: [{ addresses: [192.0.2.9] }]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: student-2024003 }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: student-2024003 }
  maxReplicas: 9
---
apiVersion: example.com/v1
kind: Widget
metadata: { name: odd }
YAML
as admin
"$here/webhooks.sh" "$("$here/webhook" url)" "$E2E_WORK/certs/ca.crt" | kubectl apply -f - >/dev/null
as s2024001
eventually asked

# ---- an auditor with the Role that is shipped, and a CustomResourceDefinition's group
as admin
"$here/cluster" user auditor auditors >/dev/null
accepted kubectl create -f "$E2E_TREE/manifests/audit/reader.yaml"
as auditor
prints 2 'widgets.example.com: error: ' 'cannot list resource "widgets"' 'INCOMPLETE: 1 problem' -- audit
prints 2 'no reports are written of a part' -- audit -o openreports
as admin
accepted kubectl -n $room patch role proctor-auditor --type json -p '[{"op": "add",
    "path": "/rules/-", "value": {"apiGroups": ["example.com"], "resources": ["*"], "verbs": ["list"]}}]'
as auditor
eventually is deployment/student-2024003 '{.status.replicas}' 3
eventually admin rollout status deployment/student-2024001 --timeout=1s
before=$(versions)
cd "$E2E_TREE" || exit 2
show proctor audit -n $room -p policies/no-side-doors --without roles --without rolebindings
same_as_golden
prints 1 'Pod hydrosim-students/student-2024004: denied' '(no-side-doors/no-bare-pods)' \
    'spec.template.spec.hostNetwork: Invalid value: true: must be false or absent' \
    'spec.replicas: Invalid value: 3: at most 1' '(student-deployments/one-replica)' \
    'Service hydrosim-students/student-2024005: denied' '(student-network/cluster-ip)' \
    'HorizontalPodAutoscaler hydrosim-students/student-2024003: denied' \
    'EndpointSlice hydrosim-students/stolen: denied' 'Widget hydrosim-students/odd: denied' \
    'Not read: ' 'secrets' -- audit
prints 1 -- audit -o json
check "it is the whole" "$(member_of 'report["complete"], report["problems"]')" 'True []'
# The room's own Role and RoleBinding are an administrator's, and the shipped one's.
check "what breaks a rule" \
    "$(member_of '*sorted(o["kind"] + "/" + o["name"] for o in report["objects"] if o["verdict"] == "denied")')" \
    'Deployment/student-2024003 EndpointSlice/stolen HorizontalPodAutoscaler/student-2024003 Pod/student-2024004 Role/everything Role/proctor-auditor RoleBinding/everything RoleBinding/proctor-auditor Service/student-2024005 Widget/odd'
check "what keeps them all" \
    "$(member_of '*sorted({o["kind"] + "/" + o["name"] for o in report["objects"] if o["verdict"] == "allowed"} & {"Deployment/student-2024001", "Service/student-2024001", "ServiceAccount/default", "ConfigMap/kube-root-ca.crt", "Endpoints/student-2024001"})')" \
    'ConfigMap/kube-root-ca.crt Deployment/student-2024001 Endpoints/student-2024001 Service/student-2024001 ServiceAccount/default'
prints 1 'Not read: ' 'roles.rbac.authorization.k8s.io' -- audit --without roles --without rolebindings
check "they are left out" "$(grep -c '^Role' "$out")" 0
prints 1 "must be student-2024001" 'Judged as if s2024001 made each' -- audit --as s2024001 --as-group students
audit -o openreports >"$E2E_WORK/reports.json" 2>"$out"
check "reports" "$?" 1
prints 1 '"executionSuccessful": true' -- audit -o sarif
prints 2 'namespace hydrosim-student: error: ' -- proctor audit -p "$E2E_TREE/policies" -n hydrosim-student
prints 2 'cannot list resource "deployments"' INCOMPLETE -- proctor audit -p "$E2E_TREE/policies" -A
check "nothing was written" "$(diff <(echo "$before") <(versions))" ''
check "nor was anything tried" "$(grep -c '"username":"auditor"' "$E2E_WORK/logs/audit")" 0
check "as the audit log would say" "$(grep -c '"username":"s2024001"' "$E2E_WORK/logs/audit" | sed 's/[1-9].*/some/')" some

# ---- the reports are what the API server takes as such
as admin
accepted kubectl apply --dry-run=server --validate=strict -f "$E2E_WORK/reports.json"
refused 'unknown field "bogus"' kubectl apply --dry-run=server --validate=strict \
    -f <(sed '0,/"policy": /s//"bogus": 1, "policy": /' "$E2E_WORK/reports.json")
prints 1 'Namespace' -- proctor audit -p "$E2E_TREE/policies" -A --as s2024001 --as-group students \
    -o openreports
accepted kubectl apply --dry-run=server --validate=strict -f "$out"
check "of what is in no namespace, too" "$(grep -c '"ClusterReport"' "$out" | sed 's/[1-9].*/some/')" some
# It is all told again, report or not.
accepted kubectl apply -f "$E2E_WORK/reports.json"
as auditor
prints 2 'cannot list' -- proctor audit -p "$E2E_TREE/policies" -n student-2024002
prints 1 'Not read: ' -- audit
check "reports are not judged" "$(grep -c 'Report hydrosim' "$out")" 0

# ---- other policies, for whom
sed 's/max: 1$/max: 3/' "$E2E_TREE/policies/student-deployments/policy.yaml" >"$E2E_WORK/proposed.yaml"
prints 1 'looser    one-replica max moves from 1 to 3' '1 of 2 Deployments would come out otherwise' \
    'hydrosim-students/student-2024003' 'student-deployments/one-replica' -- \
    proctor diff "$E2E_TREE/policies/student-deployments/policy.yaml" "$E2E_WORK/proposed.yaml" --live -n $room
prints 0 'The two sets say the same.' -- proctor diff "$E2E_TREE/policies" "$E2E_TREE/policies" --live -n $room
prints 2 'cannot list resource "deployments"' 'the result is incomplete' -- \
    proctor diff "$E2E_TREE/policies/student-deployments/policy.yaml" "$E2E_WORK/proposed.yaml" --live
check "nothing was written" "$(grep -c '"username":"auditor"' "$E2E_WORK/logs/audit")" 0

# ---- the ways around them, in the cluster's own words
coverage() { proctor coverage -p "$E2E_TREE/policies" "$@"; }
listed() {
    kubectl get -A -o yaml \
        roles,rolebindings,clusterroles,clusterrolebindings,ns,mutatingwebhookconfigurations,validatingwebhookconfigurations |
        coverage -
}
prints 2 'cannot list resource "clusterroles"' 'no report is made of a part' -- coverage --live
as admin
# The room's Role is far too wide on purpose, and a way around is there for the taking.
hole='impersonate serviceaccounts in student-2024002: the Role everything allows it; it passes no admission'
prints 1 "$hole" '$ kubectl get pods -n student-2024002 --as system:serviceaccount:student-2024002:default' \
    -- coverage --live
as s2024001
refused '"system:serviceaccount:student-2024002:default" cannot list' \
    kubectl get pods -n student-2024002 --as system:serviceaccount:student-2024002:default
as admin
accepted kubectl delete rolebinding everything
accepted kubectl -n student-2024002 delete rolebinding everything
accepted kubectl apply -f <(sed '/^kind: ServiceAccount/,/^---/d' "$E2E_TREE/manifests/base/rights.yaml")
prints 0 '0 holes' -- coverage --live
cp "$out" "$E2E_WORK/live"
prints 0 '0 holes' -- listed
check "the same by kubectl's list" "$(diff "$E2E_WORK/live" "$out")" ''
accepted kubectl patch validatingwebhookconfiguration proctor --type json -p '[{"op": "replace",
    "path": "/webhooks/0/rules/0/operations", "value": ["CREATE", "UPDATE", "DELETE"]}]'
prints 1 'create pods/exec: the Role student-project-manager allows it' \
    'kubectl exec -n hydrosim-students -it deploy/student-2024002 -- sh' -- coverage --live
# Whoever may do everything finds more ways.
accepted kubectl create clusterrolebinding audit-wide --clusterrole=cluster-admin --group=students
prints 1 'hole:' 'the ClusterRole cluster-admin allows it' -- coverage --live
accepted kubectl delete clusterrolebinding audit-wide

# ---- as the other cases expect it
accepted kubectl delete reports --all
accepted kubectl delete crd widgets.example.com reports.openreports.io clusterreports.openreports.io
accepted kubectl delete -f "$E2E_TREE/manifests/audit/reader.yaml"
accepted kubectl delete endpointslice stolen
kubectl delete role,rolebinding --all >/dev/null 2>&1
accepted kubectl apply -f "$here/room.yaml"
"$here/webhooks.sh" "$("$here/webhook" url)" "$E2E_WORK/certs/ca.crt" | kubectl apply -f - >/dev/null
as s2024001
eventually asked
