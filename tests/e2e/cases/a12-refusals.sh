#!/usr/bin/env bash
# A12: all that is wrong at once; the message alone is complete, the causes carry it by field.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
name=student-2024001
as s2024001
wrong() { # wrong NAME: six fields, and seven rules
    IMAGE=nginx POD='hostNetwork: true, hostPID: true, nodeName: node-0' \
        CONTAINER='securityContext: {privileged: true, allowPrivilegeEscalation: true}' \
        program Deployment "$1"
}
rules='image-registry image-tag no-escalation no-privileged no-host-network no-host-pid no-node-name'
pod=spec.template.spec
fields="$pod.containers[0].image"
fields+=" $pod.containers[0].securityContext.allowPrivilegeEscalation"
fields+=" $pod.containers[0].securityContext.privileged $pod.hostNetwork $pod.hostPID $pod.nodeName"

# What a text lacks: a rule, or a fix for one of the six fields.
lacks() {
    local rule
    for rule in $rules; do
        grep -qE "[/+]${rule}[)+]" <<<"$1" || echo "$rule"
    done
    check "a fix for each field" "$(grep -c ' Fix: ' <<<"$1")" 6
}

# ---- by every verb that brings a manifest: all of it, in what kubectl prints
wrong $name >"$E2E_WORK/wrong"
for verb in $E2E_VERBS; do
    before "$verb" $name
    if out=$(by "$verb" "$E2E_WORK/wrong" 2>&1); then
        fail "$verb went through" "$out"
    else
        check "$verb lacks nothing" "$(lacks "$out" | sort -u)" ''
    fi
done

# ---- the same in the message alone and by field, as clients get it
for verb in create:create patch:apply update:replace; do
    before "${verb#*:}" $name
    by "${verb#*:}" "$E2E_WORK/wrong" >/dev/null 2>&1
    message=$(audited s2024001 "${verb%:*}" deployments $name message)
    check "the message of $verb lacks nothing" "$(lacks "$message")" ''
    check "the number in the message of $verb" "$(grep -c ': 6 fields break the rules:$' \
        <<<"$message")" 1
    check "the causes of $verb" "$(audited s2024001 "${verb%:*}" deployments $name causes |
        tr ' ' '\n' | sort | xargs)" "$(tr ' ' '\n' <<<"$fields" | sort | xargs)"
done

# ---- several objects: kubectl then prints only messages, and each of them is complete
mkdir -p "$E2E_WORK/folder"
wrong $name-b >"$E2E_WORK/folder/b.yaml"
wrong $name-c >"$E2E_WORK/folder/c.yaml"
program Deployment $name-d >"$E2E_WORK/folder/d.yaml"
before create $name
out=$(kubectl apply -f "$E2E_WORK/folder" 2>&1)
for one in b c; do
    part=$(sed -n "/folder\/$one.yaml/,/no-host-pid)/p" <<<"$out")
    check "the part of $one lacks nothing" "$(lacks "$part")" ''
    absent deployment/$name-$one
done
stored deployment/$name-d '{.metadata.name}' $name-d

# ---- one thing wrong: one line of what, one of why and how
program Deployment $name >"$E2E_WORK/good"
accepted kubectl apply -f "$E2E_WORK/good"
out=$(kubectl patch deployment $name -p '{"spec":{"template":{"spec":{"hostIPC":true}}}}' 2>&1)
check "one violation" "$out" "The Deployment \"$name\" is invalid: $pod.hostIPC: Invalid value: \
true: must be false or absent
    The node's shared memory is not the project's. Fix: delete the line \
(pod-security-floor/no-host-ipc)"
