# shellcheck shell=bash
# What cases and attacks are written with; tests/e2e/run sets E2E_*, CLUSTER_DIR and PATH.
#
#     as s2024001                      from here on, kubectl is this person
#     accepted COMMAND...              it succeeds
#     refused 'TEXT' COMMAND...        it fails, says TEXT, and nothing in the room has changed
#     prints CODE TEXT... -- COMMAND...
#                                      it ends with that exit code, and each text stands in what it
#                                      prints, which is then in the file $E2E_PRINTED
#     stored OBJECT JSONPATH VALUE     what is stored, as the administrator reads it
#     absent OBJECT                    no such thing is stored
#     eventually COMMAND...            it succeeds, at the latest after 30 s
#     show COMMAND...                  the command and what it prints go into the transcript,
#                                      and with ALOUD=1 are seen at once
#     tell TEXT                        what is seen between them then
#     same_as_golden                   which is compared with CASE.golden (UPDATE=1 renews it)
#     program KIND NAME                a manifest; POD, CONTAINER, SPEC, META, IMAGE, MORE add to it
#     nothing_refused WHO              the decision log has that account, and no refusal of it
#     not_asked WHO                    the decision log does not have it: the API server's
#                                      matchConditions leave out all that it does
#     recorder COMMAND...              tests/e2e/recorder.  Cases named history-* start their own,
#                                      `recorder start FLAG...`; it is wiped after each
#     api WHO PATH [CURL OPTION...]    what its API answers to WHO: the body, and behind it a line
#                                      with the HTTP status
#     api_is WHO PATH MEMBER VALUE     a member of an answer, such as items[0].status, or HTTP for
#                                      the status; items[*].status: of all, with blanks between.
#                                      `eventually api_has WHO PATH MEMBER VALUE` waits for it
#     api_does STATUS WHO METHOD PATH [JSON] [CURL OPTION...]
#                                      it is answered with that HTTP status; $E2E_ANSWER is the body
#     member NAME <JSON                that member of it
set -uo pipefail

E2E_NAME=$(basename "$0" .sh)
E2E_GOLDEN=${0%.sh}.golden
E2E_ALOUD=/dev/null
[ -z "${ALOUD-}" ] || E2E_ALOUD=/dev/stderr
E2E_BEFORE=
E2E_NUMBERS=()
E2E_PRINTED=$E2E_WORK/printed
printf '' >"${E2E_WORK:?run it with tests/e2e/run}/transcript"

# A case whose cluster is gone has nothing left to find out.
still_there() { [ -f "$E2E_WORK/results" ] || exit 1; }

pass() {
    still_there
    echo pass >>"$E2E_WORK/results"
    [ -z "${VERBOSE-}" ] || echo "  ok      $*"
}

fail() { # fail WHAT DETAIL
    still_there
    echo fail >>"$E2E_WORK/results"
    printf '  FAILED  %s: %s\n' "$E2E_NAME" "$1"
    printf '%s\n' "${2-}" | sed 's/^/          /'
}

check() { # check WHAT FOUND WANTED
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "found  $2
wanted $3"; fi
}

as() { export KUBECONFIG=$E2E_WORK/users/$1.kubeconfig; }
admin() { KUBECONFIG=$E2E_WORK/users/admin.kubeconfig kubectl "$@"; }

# What is stored in the room, the administrator reading.
room() {
    curl -sS -K "$E2E_WORK/kinds" 2>&1 |
        python3 -IS "$E2E_TREE/tests/e2e/stored.py" "${E2E_NUMBERS[@]}" 2>&1
}

accepted() {
    local out
    E2E_BEFORE=
    if out=$("$@" 2>&1); then pass "$*"; else fail "$*" "$out"; fi
}

refused() {
    local text=$1 out after
    shift
    [ -n "$E2E_BEFORE" ] || E2E_BEFORE=$(room) || fail "the room cannot be read" "$E2E_BEFORE"
    if out=$("$@" 2>&1); then
        fail "$* went through" "$out"
    elif [[ $out != *"$text"* ]]; then
        fail "$* does not say: $text" "$out"
    else
        pass "$text: $*"
    fi
    after=$(room) || fail "the room cannot be read" "$after"
    check "nothing was stored by $*" "$(diff <(echo "$E2E_BEFORE") <(echo "$after"))" ''
    E2E_BEFORE=$after
}

prints() {
    local code=$1 found=0 texts=() text
    shift
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    "$@" >"$E2E_PRINTED" 2>&1 || found=$?
    check "exit code of $*" "$found" "$code"
    [ "$found" = "$code" ] || cat "$E2E_PRINTED"
    for text in "${texts[@]}"; do
        if grep -qF -- "$text" "$E2E_PRINTED"; then
            pass "$text"
        else
            fail "$* does not say: $text" "$(cat "$E2E_PRINTED")"
        fi
    done
}

stored() { check "$1 $2" "$(admin get "$1" -o jsonpath="$2" 2>&1)" "$3"; }
absent() { check "absent $1" "$(admin get "$1" --ignore-not-found -o name 2>&1)" ''; }

eventually() {
    local until=$((SECONDS + 30)) out
    E2E_BEFORE=
    until out=$("$@" 2>&1); do
        still_there
        if [ $SECONDS -ge $until ]; then
            fail "$* in 30 s" "$out"
            return
        fi
        sleep 0.2
    done
    pass "$*"
}

# gone OBJECT: for `eventually`.
gone() { [ -z "$(admin get "$1" --ignore-not-found -o name)" ]; }

# is OBJECT JSONPATH VALUE: for `eventually`.
is() { [ "$(admin get "$1" -o jsonpath="$2")" = "$3" ]; }

recorder() { "$E2E_TREE/tests/e2e/recorder" "$@"; }
api() { recorder get "$2" "$1" -w '\n%{http_code}\n' "${@:3}" 2>&1; }
member() { python3 -IS "$E2E_TREE/tests/e2e/member.py" "$1"; }

api_member() { # api_member WHO PATH MEMBER
    local answer
    answer=$(api "$1" "$2")
    if [ "$3" = HTTP ]; then
        echo "${answer##*$'\n'}"
    else
        member "$3" <<<"${answer%$'\n'*}" || echo "$answer"
    fi
}
api_is() { check "$1 $2 $3" "$(api_member "$1" "$2" "$3" 2>&1)" "$4"; }
api_has() {
    local found
    found=$(api_member "$1" "$2" "$3" 2>&1)
    [ "$found" = "$4" ] || { echo "$2 $3 is $found, not $4" && return 1; }
}
api_does() {
    local status=$1 who=$2 method=$3 path=$4 body=() answer
    shift 4
    if [ $# -gt 0 ] && [[ $1 != -* ]]; then
        body=(--header 'Content-Type: application/json' --data-binary "$1")
        shift
    fi
    E2E_BEFORE=
    answer=$(api "$who" "$path" -X "$method" "${body[@]}" "$@")
    # shellcheck disable=SC2034 # for the cases
    E2E_ANSWER=${answer%$'\n'*}
    if [ "${answer##*$'\n'}" = "$status" ]; then
        pass "$status: $who $method $path"
    else
        fail "$who $method $path is not $status" "$answer"
    fi
}

nothing_refused() {
    local seen
    seen=$(grep -F "\"user\":\"$1\"" "$E2E_WORK/logs/decisions")
    check "the webhook was asked about $1" "${seen:+yes}" yes
    check "$1 was never refused" "$(grep -F '"allowed":false' <<<"$seen")" ''
}

not_asked() {
    check "the webhook was never asked about $1" \
        "$(grep -F "\"user\":\"$1\"" "$E2E_WORK/logs/decisions")" ''
}

# ---- transcripts

# Blank ends of lines are kept out of the tree; paths and ports change from run to run.
# Whether kubectl adds "(no change)" hangs on a controller writing a status in between.
show() {
    E2E_BEFORE=
    {
        echo "\$ $*"
        "$@" 2>&1
        echo
    } | sed -u -e "s|$E2E_WORK/||g" -e 's|/dev/fd/[0-9]*|FILE|g' \
        -e 's/127\.0\.0\.1:[0-9]*/127.0.0.1:PORT/g' -e 's/ (no change)$//' \
        -e 's/ *$//' | tee -a "$E2E_WORK/transcript" >"$E2E_ALOUD"
}

tell() { printf '== %s\n\n' "$*" >"$E2E_ALOUD"; }

# What this kubectl says in other words than the newest stands in CASE.v1.NN.golden.
same_as_golden() {
    local golden
    golden=${E2E_GOLDEN%.golden}.$(kubectl version --client |
        sed -n 's/^Client Version: \(v1\.[0-9]*\).*/\1/p').golden
    if [ -n "${UPDATE-}" ] && [ -z "${CLUSTER_VERSION-}" ]; then
        cp "$E2E_WORK/transcript" "$E2E_GOLDEN"
    elif [ -n "${UPDATE-}" ]; then
        rm -f "$golden"
        cmp -s "$E2E_WORK/transcript" "$E2E_GOLDEN" || cp "$E2E_WORK/transcript" "$golden"
    fi
    [ -f "$golden" ] || golden=$E2E_GOLDEN
    check "what kubectl prints is ${golden##*/}" \
        "$(diff "$golden" "$E2E_WORK/transcript" 2>&1)" ''
}

# ---- manifests

# program KIND NAME: a workload with one container.  From the environment: IMAGE; META, SPEC, POD,
# CONTAINER: further members, as YAML in one line, of metadata, of the spec, the pod's, and the
# container's; MORE: further containers.
program() {
    local kind=$1 name=$2 api=apps/v1 image=${IMAGE-registry.hydrosim.edu/$2:v1}
    local selector template pod
    pod="{${POD:+$POD, }containers: [{name: app, image: \"$image\","
    pod+=" ports: [{containerPort: 8000}]${CONTAINER:+, $CONTAINER}}${MORE:+, $MORE}]}"
    selector="selector: {matchLabels: {app: $name}}, "
    template="template: {metadata: {labels: {app: $name}}, spec: $pod}"
    case $kind in
        Pod) api=v1 ;;
        ReplicationController) api=v1 selector="selector: {app: $name}, " ;;
        StatefulSet) selector+="serviceName: $name, " ;;
        Job | CronJob)
            api=batch/v1 selector=
            template=${template/spec: \{/spec: \{restartPolicy: Never, }
            ;;
    esac
    [ "$kind" != CronJob ] || template="schedule: '@hourly', jobTemplate: {spec: {$template}}"
    echo "apiVersion: ${API:-$api}"
    echo "kind: $kind"
    echo "metadata: {name: $name, labels: {app: $name}${META:+, $META}}"
    if [ "$kind" = Pod ]; then
        echo "spec: $pod"
    else
        echo "spec: {${SPEC:+$SPEC, }$selector$template}"
    fi
}

# An older kubectl takes what begins with a brace for JSON, hence the line before it.
service() { # service NAME [MEMBERS]: a Service of that project
    echo "---"
    echo "{apiVersion: v1, kind: Service, metadata: {name: $1}, spec: {selector: {app: $1},"
    echo " ports: [{port: 80, targetPort: 8000}]${2:+, $2}}}"
}

ingress() { # ingress NAME HOST [MEMBERS]
    echo "---"
    echo "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: $1}, spec: {rules: ["
    echo " {host: \"$2\", http: {paths: [{path: /, pathType: Prefix,"
    echo "  backend: {service: {name: $1, port: {number: 80}}}}]}}]${3:+, $3}}}"
}
