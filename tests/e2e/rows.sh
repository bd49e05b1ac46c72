# shellcheck shell=bash
# What the cases of the requirements' rows (tests/e2e/cases/a*.sh) have besides lib.sh: the same
# manifest by each verb of kubectl.
#
#     by VERB FILE                             create, dry-run, apply, server-side, replace, edit,
#                                              or patch (a merge of the whole manifest)
#     stored_by 'VERBS' JSONPATH VALUE MANIFEST...
#     refused_by 'VERBS' RULE MANIFEST...      MANIFEST... is a command that prints it
#     audited WHO VERB RESOURCE NAME KEY...    what the audit log says of that request
#     own_policies, mode, serve                policies of the case's own
#     denied 'TEXT' COMMAND...                 it fails and says TEXT; that nothing was stored is
#     remember, untouched                      looked at once for many of them
#     would_store JSONPATH VALUE MANIFEST...   of a new object, without storing it: for long tables
#
# Before each verb the administrator puts a Deployment there that knows nothing of the rules (for
# create: none), so that what is stored afterwards is this verb's doing.
# shellcheck source=/dev/null
. "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck disable=SC2034 # for the cases
E2E_VERBS='create dry-run apply server-side replace edit patch'

kubectl_minor() { kubectl version --client | sed -n 's/^Client Version: v1\.\([0-9]*\).*/\1/p'; }

# An editor that leaves the metadata and puts another spec there.
editor() {
    grep '^spec:' "$1" >"$E2E_WORK/spec"
    echo "sed -i -e '/^spec:/r $E2E_WORK/spec' -e '/^spec:/,\$d'"
}

by() {
    case $1 in
        create) kubectl create -f "$2" ;;
        dry-run) kubectl apply --dry-run=server -f "$2" "${@:3}" ;;
        apply) kubectl apply -f "$2" ;;
        server-side) kubectl apply --server-side --force-conflicts -f "$2" ;;
        replace) undisturbed kubectl replace -f "$2" ;;
        edit) by_edit "$2" ;;
        patch) kubectl patch -f "$2" --type merge --patch-file "$2" ;;
    esac
}

# What the API server says of a refused edit stands in the copy that kubectl keeps.
by_edit() {
    local folder=$E2E_WORK/edit code=0
    mkdir -p "$folder"
    TMPDIR=$folder KUBE_EDITOR=$(editor "$1") kubectl edit -f "$1" || code=$?
    [ $code -eq 0 ] || cat "$folder"/*
    rm -rf "$folder"
    return $code
}

# undisturbed COMMAND...: between kubectl's look and its write a controller may report; whoever is
# told so tries again.
undisturbed() {
    local said code tries=5
    while true; do
        code=0
        { said=$("$@" 2>&1 >&3) || code=$?; } 3>&1
        [[ $said == *'the object has been modified'* ]] && ((tries-- > 0)) || break
    done
    [ -z "$said" ] || echo "$said" >&2
    return $code
}

# before VERB NAME: none, or one past the rules, which runs nothing.  A controller may write the old
# one in between: then again.
before() {
    local tries=5 file=$E2E_WORK/before
    # shellcheck disable=SC2034 # what lib.sh remembers is no longer so
    E2E_BEFORE=
    if [ "$1" = create ]; then
        admin delete deployment "$2" --ignore-not-found --wait=false >/dev/null 2>&1
        return
    fi
    (unset META POD CONTAINER MORE API && IMAGE=registry.hydrosim.edu/$2:v0 \
        SPEC='replicas: 0, strategy: {type: Recreate}' program Deployment "$2") >"$file"
    until admin replace -f "$file" || admin create -f "$file"; do
        ((tries-- > 0)) || break
    done >/dev/null 2>&1
}

# empty NAME: that Deployment, and all that came of it, has gone.
empty() {
    admin delete deployment "$1" --ignore-not-found --wait=false >/dev/null 2>&1
    eventually gone replicasets
    eventually gone pods
}

# The Deployment of a manifest.
name_in() { sed -n 's/^metadata: {name: \([^,}]*\).*/\1/p' "$1"; }

stored_by() {
    local verbs=$1 path=$2 value=$3 file=$E2E_WORK/manifest deployment verb
    shift 3
    "$@" >"$file"
    deployment=$(name_in "$file")
    for verb in $verbs; do
        before "$verb" "$deployment"
        if [ "$verb" = dry-run ]; then
            check "dry-run: $path" "$(by dry-run "$file" -o "jsonpath=$path" 2>/dev/null)" "$value"
            stored "deployment/$deployment" '{.spec.template.spec.containers[*].image}' \
                "registry.hydrosim.edu/$deployment:v0"
        else
            accepted by "$verb" "$file"
            stored "deployment/$deployment" "$path" "$value"
        fi
    done
}

would_store() {
    local path=$1 value=$2
    shift 2
    "$@" >"$E2E_WORK/manifest"
    check "$path of $(<"$E2E_WORK/manifest")" \
        "$(kubectl create --dry-run=server -f "$E2E_WORK/manifest" -o "jsonpath=$path" 2>&1 |
            sed '/^Warning: /d')" "$value"
}

denied() {
    local text=$1 out
    shift
    if out=$("$@" 2>&1); then
        fail "$* went through" "$out"
    elif [[ $out != *"$text"* ]]; then
        fail "$* does not say: $text" "$out"
    else
        pass "$text: $*"
    fi
}

# audited WHO VERB RESOURCE NAME KEY...: see audited.py
audited() { python3 -IS "$E2E_TREE/tests/e2e/audited.py" "$E2E_WORK/logs/audit" "$@" 2>&1; }

# own_policies: a copy of the tree's, $OWN, to be changed and served; the tree's are back at the end.
own_policies() {
    OWN=$E2E_WORK/own-policies
    rm -rf "$OWN"
    cp -r "$E2E_TREE/policies" "$OWN"
    trap 'serve "$E2E_TREE/policies"' EXIT
}
serve() { "$E2E_TREE/tests/e2e/webhook" policies "$1"; }

# mode POLICY RULE MODE: of one rule, or of the whole policy if RULE is "-".
mode() {
    if [ "$2" = - ]; then
        sed -i "s/^  mode: .*/  mode: $3/" "$OWN/$1/policy.yaml"
    else
        sed -i "s/^    - id: $2\$/&\n      mode: $3/" "$OWN/$1/policy.yaml"
    fi
}

# What rolls out or is being deleted must have come to rest.
remember() { E2E_REMEMBERED=$(room); }
untouched() { check "nothing was stored" "$(diff <(echo "$E2E_REMEMBERED") <(room))" ''; }

refused_by() {
    local verbs=$1 rule=$2 file=$E2E_WORK/manifest deployment verb
    shift 2
    "$@" >"$file"
    deployment=$(name_in "$file")
    for verb in $verbs; do
        before "$verb" "$deployment"
        denied "$rule" by "$verb" "$file"
        if [ "$verb" = create ]; then
            absent "deployment/$deployment"
        else
            stored "deployment/$deployment" '{.metadata.labels.app} {..image} {.spec.replicas}' \
                "$deployment registry.hydrosim.edu/$deployment:v0 0"
        fi
    done
}
