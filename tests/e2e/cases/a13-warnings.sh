#!/usr/bin/env bash
# A13: a warning for each thing that was changed, before -> after; what is as it should be gets
# neither patch nor warning; and nothing is changed twice.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
file=$E2E_WORK/manifest
as s2024001

# warnings COMMAND...: how many lines it warns (kubectl's own do not count), and which are too long.
warnings() {
    "$@" 2>&1 | sed -n 's/^Warning: //p' |
        grep -v '^resource .* is missing the kubectl' >"$E2E_WORK/warnings"
    awk 'length > 120 { print "too long: " $0 } END { print NR }' "$E2E_WORK/warnings"
}
says() { check "warned: $1" "$(grep -cxF -- "$1" "$E2E_WORK/warnings")" 1; }
patched() { # patched: how many operations the last patch of the Deployment had
    grep -F '"phase":"mutate"' "$E2E_WORK/logs/decisions" | grep -F "\"name\":\"$name\"" |
        tail -n 1 | sed 's/.*"patchOperations":\([0-9]*\).*/\1/'
}

# ---- values of one's own, by every verb: each its line, once
SPEC='replicas: 9, minReadySeconds: 99, progressDeadlineSeconds: 2' \
    CONTAINER='resources: {limits: {cpu: "4", memory: 64Mi}}, env: [{name: DB_HOST, value: a}]' \
    program Deployment $name >"$file"
container='spec.template.spec.containers[0]'
for verb in $E2E_VERBS; do
    before "$verb" $name
    check "$verb: no line is too long" "$(warnings by "$verb" "$file" | grep -c long)" 0
    check "$verb: no line comes twice" "$(sort "$E2E_WORK/warnings" | uniq -d)" ''
    says 'spec.replicas: 9 -> 1 (student-deployments/one-replica)'
    says 'spec.minReadySeconds: 99 -> 60 (student-deployments/min-ready)'
    says "$container.resources.limits.cpu: 4 -> 500m (student-deployments/cpu-limit)"
    says "$container.readinessProbe: unset -> tcpSocket.port 8000, initia... \
(student-deployments/readiness)"
done

# ---- the API server's own defaults: one line for all of them
program Deployment $name >"$file"
for verb in create apply server-side; do
    before create $name
    warnings by $verb "$file" >/dev/null
    check "$verb: one line" "$(grep -c 'API defaults' "$E2E_WORK/warnings")" 1
    says "spec.strategy.rollingUpdate: API defaults -> maxSurge 1, maxUnavailable 0 \
(student-deployments)"
done

# ---- the same again, and what is as it should be: no patch, not a word
before create $name
accepted kubectl apply -f "$file"
check "twice" "$(warnings kubectl apply -f "$file")" 0
admin get deployment $name -o yaml >"$E2E_WORK/stored.yaml"
for verb in replace server-side; do
    sed '/^status:/,$d; /managedFields:/,/^  name:/{/^  name:/!d}; /resourceVersion:/d; /uid:/d' \
        "$E2E_WORK/stored.yaml" >"$E2E_WORK/conforming"
    check "$verb of what is stored" "$(warnings by $verb "$E2E_WORK/conforming")" 0
    check "$verb: nothing to patch" "$(patched)" 0
done
accepted kubectl annotate deployment $name note=mine
check "nothing to patch" "$(patched)" 0
sed -i "s/$name/$name-b/g" "$E2E_WORK/conforming"
accepted kubectl --warnings-as-errors create -f "$E2E_WORK/conforming"

# ---- what stays as it was, though something else was asked for
check "one value" "$(warnings kubectl scale deployment $name --replicas 5)" 1
says 'spec.replicas: 5 -> 1, as it was (student-deployments/one-replica)'
check "many values" "$(warnings kubectl replace -f "$file")" 1
check "counted" "$(grep -c '^[0-9]* values kept as the policy sets them$' "$E2E_WORK/warnings")" 1

# ---- refused: the changes that come to nothing are not told
out=$(kubectl apply -f <(POD='hostNetwork: true' program Deployment $name-c) 2>&1)
check "refused without a warning" "$(grep -c '^Warning: ' <<<"$out")" 0

# ---- each request is corrected once: no second round by the API server makes a second patch
check "corrected once" "$(grep -c '"round_1' "$E2E_WORK/logs/audit")" 0
