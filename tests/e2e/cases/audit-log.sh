#!/usr/bin/env bash
# The API server's own audit log says what the webhook decided, and by which rule.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
m=mutate.proctor.dev v=validate.proctor.dev
changed=mutation.webhook.admission.k8s.io/round_0_index_0
patch=patch.webhook.admission.k8s.io/round_0_index_0
digest=$("$E2E_TREE/tests/e2e/webhook" status | sed 's/.*"digest":"\([0-9a-f]*\)".*/\1/')

# ---- changed: what, by which rules, under which policies, and the patch itself
as s2024001
accepted kubectl create -f <(SPEC='replicas: 5' program Deployment $name)
event() { audited s2024001 create deployments $name "$@"; }
check "verdicts" "$(event code $m/verdict $v/verdict $v/rules | xargs)" '201 patched allowed'
check "policies" "$(event $m/policies $v/policies | sort -u)" "$digest"
for rule in one-replica cpu-limit readiness pre-stop db-host; do
    check "changed by $rule" "$(event $m/rules | grep -cw "student-deployments/$rule")" 1
done
check "mutated" "$(event $changed)" \
    '{"configuration":"proctor","webhook":"mutate.proctor.dev","mutated":true}'
check "the patch" "$(event $patch | grep -c '"path":"/spec/replicas","value":1}')" 1

# ---- left as it is: a change of what no rule is about
accepted kubectl annotate deployment $name note=mine
event() { audited s2024001 patch deployments $name "$@"; }
check "verdicts" "$(event code $m/verdict $v/verdict $m/rules $v/rules | xargs)" \
    '200 allowed allowed'
check "not mutated" "$(event $changed | grep -c '"mutated":false')" 1
check "no patch" "$(event $patch)" ''

# ---- refused: by an auditor who knows the rule's name only
accepted kubectl create configmap $name
denied no-side-doors/no-bare-pods kubectl run $name --image registry.hydrosim.edu/$name:v1
denied student-deployments/image-registry+image-tag kubectl set image deployment/$name app=nginx
denied no-side-doors/no-orphans kubectl delete deployment $name --cascade=orphan
denied ownership/own-name kubectl create configmap student-2024002
check "a refused pod" "$(audited s2024001 create pods $name code $v/verdict | xargs)" '422 denied'
check "its causes" "$(audited s2024001 create pods $name causes | grep -cw kind)" 1
check "two rules at one field" "$(event $v/rules)" \
    'student-deployments/image-registry student-deployments/image-tag'
check "a refused delete" "$(audited s2024001 delete deployments $name code $v/verdict $v/rules |
    xargs)" '422 denied no-side-doors/no-orphans'
check "another's name" "$(audited s2024001 create configmaps student-2024002 $v/rules)" \
    ownership/own-name
for rule in no-side-doors/no-bare-pods student-deployments/image-registry ownership/own-name; do
    found=$(grep "\"$v/rules\":\"[^\"]*$rule" "$E2E_WORK/logs/audit" | grep '"user":{"username":"s2024001"')
    check "found by the rule's name: $rule" "${found:+yes}" yes
    check "all of them refused: $rule" "$(grep -c '"code":201' <<<"$found")" 0
done

# ---- break-glass: an administrator is not bound, is told so, and it is written down
out=$(admin create -f <(SPEC='replicas: 3' IMAGE=nginx program Deployment $name-glass) 2>&1)
check "told so" "$(grep -c '^Warning: .*(break-glass/used)' <<<"$out")" 1
stored deployment/$name-glass '{.spec.replicas} {..image}' '3 nginx'
event() { audited admin "$1" deployments $name-glass "${@:2}"; }
check "written down" "$(event create code $v/verdict $v/rules | xargs)" \
    '201 allowed break-glass/used'
check "unchanged" "$(event create $changed | grep -c '"mutated":false')" 1
accepted admin delete deployment $name-glass
check "deleting, too" "$(event delete code $v/rules | xargs)" '200 break-glass/used'
check "in the webhook's own log" "$(grep -F '"rules":"break-glass/used"' \
    "$E2E_WORK/logs/decisions" | grep -cF "\"name\":\"$name-glass\"" | sed 's/^[1-9].*/yes/')" yes

# ---- only tried
accepted kubectl create --dry-run=server -f <(SPEC='replicas: 5' program Deployment $name-dry)
check "a dry run" "$(audited s2024001 create deployments $name-dry code $m/verdict | xargs)" \
    '201 patched'
accepted kubectl delete configmap $name
