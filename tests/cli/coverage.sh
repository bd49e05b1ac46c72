#!/bin/sh
# proctor coverage against the built program.  Usage: tests/cli/coverage.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

base=$root/manifests/base
ln -s "$root/policies" policies
# changed FILE SED-SCRIPT: a copy of the shipped manifests with one file changed
changed() {
    rm -rf changed
    mkdir changed
    cp "$base/admission.yaml" "$base/rights.yaml" "$base/namespaces.yaml" changed
    sed -i "$2" "changed/$1"
    if cmp -s "changed/$1" "$base/$1"; then wrong "the shipped $1 has no such line"; fi
}
# role RULE: a Role of the students' with this one rule
role() {
    cat >role.yaml <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: wider, namespace: hydrosim-students }
rules: [{ $1 }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: wider, namespace: hydrosim-students }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: wider }
subjects: [{ kind: Group, name: students }]
YAML
}

# what is shipped
expect "a student" 0 " 0 holes" "$proctor" coverage "$base"
expect "a teacher" 0 " 0 holes" "$proctor" coverage "$base" --as t --as-group teachers --for-others
expect "the portal" 0 " 0 holes" "$proctor" coverage "$base" --for-others \
    --as system:serviceaccount:hydrosim-system:portal-backend-sa
expect "a teacher is no student" 1 "hole: a shell of another project's pod" \
    "$proctor" coverage "$base" --as t --as-group teachers
also "a command that would use it" \
    "kubectl exec -n hydrosim-students -it deploy/student-2024002 -- sh"

# each rule taken out
expect "each rule of the packs" 0 "rules taken out" "$root/tests/cli/coverage-rules" "$proctor"

# a webhook that is not asked
changed admission.yaml 's/"\*\/\*"/"*"/'
expect "subresources are not asked about" 1 "hole: more pods than one by scale" \
    "$proctor" coverage changed
also "why" "no rule of the webhook configuration names it"
changed admission.yaml 's/operations: .CREATE, UPDATE, DELETE, CONNECT./operations: [CREATE, UPDATE]/'
expect "DELETE is not" 1 "hole: another project's Secret is deleted" "$proctor" coverage changed
also "the command" "kubectl delete secrets student-2024002 -n hydrosim-students"
changed admission.yaml 's/apiGroups: \["\*"\]/apiGroups: ["", apps]/'
expect "a group is not" 1 "hole: everybody's address" "$proctor" coverage changed
changed admission.yaml 's/failurePolicy: Fail/failurePolicy: Ignore/'
expect "failurePolicy Ignore" 1 "while the webhook is away, it passes" "$proctor" coverage changed
changed admission.yaml 's/values: \[hydrosim-students\]/values: [elsewhere]/'
expect "another namespace" 1 "no namespaceSelector takes the namespace hydrosim-students" \
    "$proctor" coverage changed
expect "a namespace of another student" 2 "is refused by ownership/own-namespace" \
    "$proctor" coverage "$base" -n student-7
changed admission.yaml 's/^    matchPolicy: Equivalent/    objectSelector: { matchLabels: { a: b } }/'
expect "an objectSelector" 1 "whoever writes an object chooses its labels" \
    "$proctor" coverage changed
changed admission.yaml "s/expression: '!(.*deployment-controller.*/expression: 'request.operation != \"CREATE\"'/"
expect "a condition of another kind" 1 \
    "the matchCondition not-deployment-controller-replicasets of validate.proctor.dev may leave it out" \
    "$proctor" coverage changed
changed admission.yaml "s/system:kube-scheduler\" &&/s2024001\" \&\&/"
expect "a condition that leaves this user out" 1 "may leave it out" "$proctor" coverage changed
expect "and no other" 0 " 0 holes" "$proctor" coverage changed --as s2024003 --as-group students \
    --project student-2024003
changed admission.yaml "s/system:kube-scheduler\" && /nobody\" || /"
expect "a condition with an or" 1 "may leave it out" "$proctor" coverage changed

# wider Roles: what rules close stays closed, the rest is a hole
role 'apiGroups: ["*"], resources: ["*"], verbs: [create, update, patch, delete, get]'
expect "everything in the namespace" 0 " 0 holes" "$proctor" coverage "$base" role.yaml
role 'apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate]'
expect "what passes no admission" 1 "impersonate serviceaccounts: the Role wider allows it" \
    "$proctor" coverage "$base" role.yaml
role 'apiGroups: [traefik.io], resources: [ingressroutes], verbs: [create]'
expect "a kind that only the Role knows" 0 "ingressroutes.traefik.io" \
    "$proctor" coverage "$base" role.yaml
mkdir without
for pack in ownership pod-security-floor student-deployments student-network; do
    cp "policies/$pack/policy.yaml" "without/$pack.yaml"
done
sed '/- id: other-kinds/,/fix: use Deployment/d' policies/no-side-doors/policy.yaml >without/doors.yaml
expect "without the closed world" 1 "hole: whatever ingressroutes.traefik.io leads to" \
    "$proctor" coverage "$base" role.yaml -p without
sed 's/name: wider, namespace: hydrosim-students/name: wider, namespace: elsewhere/' role.yaml |
    sed 's/ingressroutes/pods/; s/traefik.io/""/' >elsewhere.yaml
expect "in a namespace that nobody judges" 1 "hole: a program that runs as a bare pod" \
    "$proctor" coverage "$base" elsewhere.yaml
also "where" "create pods in elsewhere"
cat >cluster.yaml <<'YAML'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: wider }
rules:
  - { apiGroups: [admissionregistration.k8s.io], resources: ["*"], verbs: [delete] }
  - { apiGroups: [""], resources: [nodes/proxy], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: wider }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: wider }
subjects: [{ kind: User, name: s2024001 }]
YAML
expect "rights over the cluster" 1 "hole: the webhook's last word" \
    "$proctor" coverage "$base" cluster.yaml
also "the kubelet" "kubectl get --raw /api/v1/nodes/NODE/proxy/pods"
expect "somebody else has none" 0 " 0 holes" "$proctor" coverage "$base" cluster.yaml --as s2024003 \
    --as-group students --project student-2024003
sed 's/kind: User, name: s2024001/kind: Group, name: "system:serviceaccounts:hydrosim-system"/' \
    cluster.yaml >accounts.yaml
expect "a group that an account is in" 1 "hole: the webhook's last word" "$proctor" coverage \
    "$base" accounts.yaml --for-others --as system:serviceaccount:hydrosim-system:portal-backend-sa

# the other forms
expect "-o json" 0 '"state": "role"' "$proctor" coverage "$base" -o json
expect "-o markdown" 0 "## Every way" "$proctor" coverage "$base" -o markdown
also "what closes a way" "closed by"
expect "-o markdown with holes" 1 "## Holes" "$proctor" coverage "$base" cluster.yaml -o markdown

# what is missing: never a report of a part
expect "no files" 2 "say where" "$proctor" coverage
expect "a file that is not there" 2 "no report is made of a part" "$proctor" coverage "$base" nowhere
never "nothing looks whole" "closed by"
expect "no webhook configuration" 2 "there is no webhook configuration to look at" \
    "$proctor" coverage "$base/rights.yaml"
expect "no binding of this user" 2 "nothing to look at" "$proctor" coverage "$base" --as nobody
sed '1,/^---$/d' cluster.yaml >binding.yaml
expect "a binding without its role" 2 "the ClusterRole wider, which the binding wider gives, is not among what was read" \
    "$proctor" coverage "$base" binding.yaml
sed 's/^rules:/aggregationRule: { clusterRoleSelectors: [] }\nrules:/' cluster.yaml >sum.yaml
expect "both live and files" 2 "either --live or files" "$proctor" coverage --live "$base"
expect "no cluster" 2 nowhere "$proctor" coverage --live --kubeconfig nowhere
expect "a role that the cluster makes" 2 "aggregationRule" "$proctor" coverage "$base" sum.yaml
printf 'kind: Role\n\tbad: [\n' >broken.yaml
expect "a file that is no YAML" 2 "broken.yaml" "$proctor" coverage "$base" broken.yaml
expect "a project that is not the user's" 2 "a harmless object of deployments.apps named student-9 is refused" \
    "$proctor" coverage "$base" --project student-9
expect "whom nothing binds" 2 "no Role and no rule binds system:masters" \
    "$proctor" coverage "$base" --as root --as-group system:masters
expect "one project for two" 2 "are the same" "$proctor" coverage "$base" --other student-2024001

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
