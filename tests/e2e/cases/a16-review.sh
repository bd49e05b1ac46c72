#!/usr/bin/env bash
# A16: what `proctor review` says of a file without a cluster is what the cluster says of it: refused
# in the same words, warned in the same words, and the same spec afterwards.
# shellcheck source=/dev/null
. "${0%/*}/../rows.sh"
review() { "$E2E_BIN/proctor" review -p "$E2E_TREE/policies" -n hydrosim-students "$@"; }
who() { # who NAME: the flags of that person, and kubectl as that person
    as "$1"
    case $1 in
        teacher) flags=(--as teacher --as-group teachers) ;;
        *) flags=(--as "$1" --as-group students) ;;
    esac
    flags+=(--as-group system:authenticated)
}

# member KEY: of the one review on stdin; a list a line each.
member() {
    python3 -IS -c 'import json, sys
value = json.load(sys.stdin)[0].get(sys.argv[1]) or []
print("\n".join(value) if isinstance(value, list) else value)' "$1"
}

# The order is the document's, which is the file's here and the API server's own there.
bullets() { awk '{ printf "%s%s", (/^    / || NR == 1 ? "" : "\n"), $0 } END { print "" }' | sort; }

# kubectl prints a refusal as: The KIND "NAME" is invalid: ...; messages say it as: KIND NAME: ...
as_kubectl() {
    sed -e '1s/^\([A-Za-z]*\) \([^:]*\): [0-9]* fields break the rules:$/The \1 "\2" is invalid:/' \
        -e '1s/^\([A-Z][A-Za-z]*\) \([^ :]*\): \(.*\)/The \1 "\2" is invalid: \3/'
}

same() { # same FILE WHAT KUBECTL-ARGUMENTS... -- REVIEW-FLAGS...
    local file=$1 what=$2 arguments=() wanted found
    shift 2
    while [ "$1" != -- ]; do
        arguments+=("$1")
        shift
    done
    shift
    review "${flags[@]}" "$@" -o json "$file" >"$E2E_WORK/review"
    undisturbed kubectl "${arguments[@]}" --dry-run=server -f "$file" -o 'jsonpath={.spec}' \
        >"$E2E_WORK/spec" 2>"$E2E_WORK/said"
    # Kubernetes' and kubectl's own warnings are theirs.
    check "$what: warnings" "$(grep '^Warning: ' "$E2E_WORK/said" |
        grep -v '^Warning: resource .* is missing the kubectl\|: hides previous definition of ')" \
        "$(member warnings <"$E2E_WORK/review" | sed 's/^./Warning: &/')"
    wanted=$(member message <"$E2E_WORK/review" | as_kubectl)
    found=$(sed '/^Warning: /d; s/ *$//' "$E2E_WORK/said")
    check "$what: refusal" "$(bullets <<<"$found")" "$(bullets <<<"$wanted")"
    [ -z "$wanted" ] || return 0
    wanted=$(review "${flags[@]}" "$@" -o yaml "$file" |
        kubectl create --dry-run=client --validate=false -f - -o 'jsonpath={.spec}' 2>&1)
    # 1.30 still writes this member of every template, which says nothing.
    check "$what: spec" "$(sed 's/"creationTimestamp":null,//' "$E2E_WORK/spec")" "$wanted"
}

# ---- the tree's manifests, new: as somebody whose they are not, and as somebody who may
# Into a bare Pod the cluster puts a volume before the webhook sees it; review cannot know of it.
for file in "$E2E_TREE"/tests/manifests/*.yaml "$E2E_TREE"/tests/demo/*.yaml; do
    [ "${file##*/}" != pod.yaml ] || continue
    for person in s2024001 teacher; do
        who $person
        same "$file" "$person ${file##*/}" create --
    done
done

# ---- a student's own, good and bad
who s2024001
name=student-2024001
file=$E2E_WORK/manifest
while IFS='|' read -r image spec pod container; do
    IMAGE=registry.hydrosim.edu/$image SPEC=$spec POD=$pod CONTAINER=$container \
        program Deployment $name >"$file"
    same "$file" "$image|$spec|$pod|$container" create --
done <<'END_OF_TABLE'
a:v1|||
a|||
a:v1|replicas: 3||
a:v1|strategy: {type: Recreate}||env: [{name: DB_HOST, value: a}, {name: DB_HOST, value: b}]
a:v1|revisionHistoryLimit: 0|terminationGracePeriodSeconds: 1|
a:v1||volumes: [{name: a, emptyDir: {}}, {name: b, hostPath: {path: /}}]|
a:v1|||resources: {limits: {cpu: "4", memory: 3072Mi}, requests: {cpu: 0.3}}
a:v1|||readinessProbe: {httpGet: {path: /, port: 8000}}, lifecycle: {preStop: {sleep: {seconds: 12}}}
a:v1||hostNetwork: true, hostPID: true|securityContext: {privileged: true}
END_OF_TABLE
POD='automountServiceAccountToken: false' program Pod $name >"$file"
same "$file" Pod create --
service $name | sed 's/port: 80, targetPort: 8000/port: 443, targetPort: 22/' >"$file"
same "$file" 'Service to 22' create --
ingress $name other.example >"$file"
same "$file" Ingress create --

# ---- a change: what was stored is the object before
program Deployment $name >"$file"
accepted kubectl create -f "$file"
admin get deployment $name -o yaml >"$E2E_WORK/old.yaml"
for change in 'replicas: 4' 'minReadySeconds: 7' 'progressDeadlineSeconds: 1, replicas: 0'; do
    SPEC=$change program Deployment $name >"$file"
    same "$file" "change to $change" replace -- --old "$E2E_WORK/old.yaml"
done
IMAGE=nginx program Deployment $name >"$file"
same "$file" 'change to nginx' replace -- --old "$E2E_WORK/old.yaml"
