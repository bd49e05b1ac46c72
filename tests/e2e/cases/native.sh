#!/usr/bin/env bash
# `proctor export native`: with the webhook dead, the API server's own policies judge alone, and
# their verdicts are the webhook's: over parity's corpus, and of every script in
# tests/e2e/attacks/.  What may differ is what the export itself names as not expressed.
#
# MutatingAdmissionPolicy is served from 1.36 on.  There the exported policies of both kinds are
# held against both phases of the webhook, and so is the object that would be stored.  The
# validating ones alone, on each version, are held against /validate alone: with nobody to fill in
# what is missing, both refuse it.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
as admin
work=$E2E_WORK/native
mkdir "$work"
verbs=$E2E_TREE/tests/e2e/native/policies
server=127.0.0.1:$(sed -n 's/^kube-apiserver=//p' "$CLUSTER_DIR/ports")

judges() { # judges prepare|ask ...
    PYTHONDONTWRITEBYTECODE=1 python3 -S "$E2E_TREE/tests/e2e/native/judges.py" "$1" "$server" \
        "$CLUSTER_DIR/pki/ca.crt" "$CLUSTER_DIR/pki" "$work" "${@:2}" >"$work/said" 2>&1
    check "judges.py $1 ${2-} comes to its end" "$? $(cat "$work/said")" '0 '
}

compare() { # compare WEBHOOK NATIVE EXPORT LEAST [objects]
    local verdict what
    PYTHONDONTWRITEBYTECODE=1 python3 -S "$E2E_TREE/tests/e2e/native/judges.py" compare "$work" \
        "$@" >"$work/compared" 2>&1
    check "$* come to an end" "$?" 0
    check "at least 1500 verdicts" "$(($(wc -l <"$work/compared") >= 1500))" 1
    while read -r verdict what; do
        case $verdict in
            pass) pass "$what" ;;
            *) fail "$2, ${what%%: *}" "${what#*: }" ;;
        esac
    done <"$work/compared"
}

export_native() { # export_native NAME POLICIES FLAG...: as YAML and as JSON
    local name=$1 policies=$2
    shift 2
    "$E2E_BIN/proctor" export native "$@" -p "$policies" >"$work/$name.yaml" 2>"$work/$name.notes"
    check "export $name" "$?" 0
    "$E2E_BIN/proctor" export native "$@" -p "$policies" -o json >"$work/$name.json" 2>/dev/null
    check "export $name as JSON" "$?" 0
}

probe() { # what a student is told of a bare pod
    kubectl --kubeconfig "$E2E_WORK/users/s2024001.kubeconfig" run probe --image none \
        --dry-run=server -o yaml 2>&1
}
judged_by() { [[ $(probe) == *"$1"* ]]; }

# The API server takes up policies once a second, all that it has been told of at once: behind the
# first that answers there is no other to wait for but those of the next second.
in_force() { # in_force NAME TEXT
    accepted admin apply --server-side -f "$work/$1.yaml"
    eventually judged_by "$2"
    sleep 3
}
out_of_force() {
    accepted admin delete --ignore-not-found -f "$work/$1.yaml"
    eventually judged_by 'kind: Pod'
    sleep 3
}

# Begun anew: for some time after a reload /validate lets pass what the rules before have made.
serve() {
    "$E2E_TREE/tests/e2e/webhook" stop
    rm -rf "$CLUSTER_DIR/policies"
    cp -r "$1" "$CLUSTER_DIR/policies"
    "$E2E_TREE/tests/e2e/webhook" start
}

# What a student's Deployment lacks, nobody adds; /validate refuses it then.
nobody_mutates() {
    ! program Deployment student-2024001 |
        kubectl --kubeconfig "$E2E_WORK/users/s2024001.kubeconfig" create --dry-run=server -f -
}
mutates() { [[ $(admin api-resources -o name) == *mutatingadmissionpolicies* ]]; }

judges prepare "$E2E_BIN/proctor" "$E2E_TREE/policies"
judges ask webhook
if mutates; then
    # Forms of rules that the shipped policies do not have.
    serve "$verbs"
    judges ask webhook-verbs
    serve "$E2E_TREE/policies"
fi
admin delete mutatingwebhookconfiguration proctor >/dev/null
eventually nobody_mutates
judges ask webhook-validates

# From here on the webhook is dead, and nobody asks it.
admin delete validatingwebhookconfiguration proctor >/dev/null
"$E2E_TREE/tests/e2e/webhook" stop KILL
asked=$(wc -l <"$E2E_WORK/logs/decisions")
eventually judged_by 'kind: Pod'

refusal="ValidatingAdmissionPolicy 'proctor-"
export_native validating "$E2E_TREE/policies" --phase validating
in_force validating "$refusal"
judges ask native-validates
compare webhook-validates native-validates "$work/validating.json" 100
E2E_NATIVE=validating

if mutates; then
    out_of_force validating
    export_native verbs "$verbs" --phase both
    in_force verbs 'port: "8000"'
    judges ask native-verbs
    compare webhook-verbs native-verbs "$work/verbs.json" 0 objects
    out_of_force verbs

    export_native both "$E2E_TREE/policies" --phase both
    in_force both "$refusal"
    judges ask native
    compare webhook native "$work/both.json" 100 objects
    E2E_NATIVE=both
fi

export E2E_NATIVE E2E_UNEXPRESSED=$work/unexpressed
PYTHONDONTWRITEBYTECODE=1 python3 -S "$E2E_TREE/tests/e2e/native/judges.py" unexpressed \
    "$work/$E2E_NATIVE.json" >"$E2E_UNEXPRESSED"
admin delete deployments,statefulsets,daemonsets,jobs,configmaps,secrets,services,pvc \
    --all --wait=false >/dev/null 2>&1
"$E2E_TREE/tests/e2e/attacks.sh"
check "the webhook was asked nothing" "$(wc -l <"$E2E_WORK/logs/decisions")" "$asked"

# The next case finds the webhook as it was.
out_of_force "$E2E_NATIVE"
"$E2E_TREE/tests/e2e/webhook" start
"$E2E_TREE/tests/e2e/webhooks.sh" "$("$E2E_TREE/tests/e2e/webhook" url)" \
    "$E2E_WORK/certs/ca.crt" | admin apply -f - >/dev/null
eventually judged_by no-bare-pods
