#!/usr/bin/env bash
# A14: enforce, warn and audit, for a whole policy and for one rule; exceptions with a last day.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
deployment=deployment/$name
v=validate.proctor.dev
replicas='{.spec.replicas}' memory='{..limits.memory}'
as s2024001
SPEC='replicas: 5' program Deployment $name >"$E2E_WORK/five"
IMAGE=registry.hydrosim.edu/$name program Deployment $name >"$E2E_WORK/untagged"
# applied FILE: what kubectl says
applied() { kubectl apply -f "$1" 2>&1; }

# ---- a whole policy warns: nothing is changed, nothing refused, all of it is said
own_policies
mode student-deployments - warn
accepted serve "$OWN"
for verb in create apply server-side replace patch; do
    before $verb $name
    out=$(by $verb "$E2E_WORK/five" 2>&1)
    check "$verb: one line of it" "$(grep -c '^Warning: .*(student-deployments/one-replica)' \
        <<<"$out")" 1
    stored $deployment "$replicas $memory" '5 '
done
out=$(applied "$E2E_WORK/untagged")
check "the tag is warned of" "$(grep -c '^Warning: .*student-deployments/image-tag' <<<"$out")" 1
stored $deployment '{..image}' registry.hydrosim.edu/$name
# The other policies go on as before.
POD='hostNetwork: true' refused_by 'apply replace' pod-security-floor/no-host-network \
    program Deployment $name
stored_by create '{.spec.template.spec.automountServiceAccountToken}' false program Deployment $name

# ---- a whole policy audits: nothing is said, either, but it is written down
mode student-deployments - audit
accepted serve "$OWN"
before create $name
out=$(kubectl create -f "$E2E_WORK/five" 2>&1)
check "not a word of it" "$(grep -c student-deployments <<<"$out")" 0
stored $deployment "$replicas $memory" '5 '
check "in the audit log" "$(audited s2024001 create deployments $name $v/rules |
    grep -cw student-deployments/one-replica)" 1
check "in the decision log" "$(grep -F '"phase":"validate"' "$E2E_WORK/logs/decisions" |
    grep -F '"user":"s2024001"' | tail -n 1 | grep -c student-deployments/one-replica)" 1
accepted kubectl scale $deployment --replicas 8
stored $deployment "$replicas" 8

# ---- one rule: the others of its policy bind
own_policies
mode student-deployments image-tag warn
mode student-deployments cpu-limit audit
accepted serve "$OWN"
before create $name
out=$(applied "$E2E_WORK/untagged")
check "warned of" "$(grep -c '^Warning: .*student-deployments/image-tag' <<<"$out")" 1
check "not a word of it" "$(grep -c cpu-limit <<<"$out")" 0
stored $deployment "$replicas $memory {..limits.cpu}" '1 512Mi '
denied student-deployments/image-registry kubectl set image $deployment app=nginx

# ---- an exception: one rule, one project, a last day
exception() { # exception LAST-DAY
    cat >"$OWN/exception.yaml" <<END
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: lab3-memory }
spec:
  policy: student-deployments
  rules: [memory-limit]
  match: { namespaces: [hydrosim-students], names: [$name] }
  reason: The hydraulic model of lab 3 needs 2 GiB.
  owner: teacher@hydrosim.edu
  ticket: LAB-31
  expires: $1
END
}
large='resources: {limits: {memory: 2Gi}}'
own_policies
exception "$(date -u -d '+5 days' +%F)"
accepted serve "$OWN"
CONTAINER=$large stored_by 'create apply server-side replace' "$memory" 2Gi program Deployment $name
CONTAINER=$large stored_by create "$memory" 512Mi program Deployment $name-b
before create $name
out=$(kubectl create -f <(CONTAINER=$large program Deployment $name) 2>&1)
check "counted down" "$(grep -c '^Warning: .*limits.memory: excepted until' <<<"$out")" 1
CONTAINER='resources: {limits: {memory: 2Gi, cpu: "2"}}' \
    stored_by create '{..limits.cpu}' 500m program Deployment $name

# Yesterday was its last day: the rule binds, and what runs is left alone until
# somebody changes it.
generation=$(admin get $deployment -o 'jsonpath={.metadata.generation}')
exception "$(date -u -d yesterday +%F)"
accepted serve "$OWN"
stored $deployment "{.metadata.generation} $memory" "$generation 2Gi"
accepted kubectl annotate $deployment note=mine
stored $deployment "$memory" 2Gi
CONTAINER=$large stored_by 'create apply' "$memory" 512Mi program Deployment $name
check "lint says so" "$("$E2E_BIN/proctor" lint "$OWN" 2>&1 |
    grep -c 'exception.yaml:.*the exception has expired')" 1
