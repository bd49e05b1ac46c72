#!/usr/bin/env bash
# The recorder's rollback write on a real API server: the version of then is back, and the next
# `kubectl apply`, client-side and server-side, finds nothing odd.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
roll=$E2E_BIN/../client/rollback
space=rollback-case
dir=$E2E_WORK/rollback
config=$E2E_WORK/users/admin.kubeconfig
trap 'admin delete namespace $space --wait=false >/dev/null 2>&1' EXIT

if [ ! -x "$roll" ]; then
    fail "$roll is not built" "make e2e builds it"
    exit 1
fi
mkdir -p "$dir"
as admin
k() { kubectl -n $space "$@"; }

# version NAME NUMBER: its manifest.  What the first has and the second lacks: EXTRA, a volume, an
# annotation of the pods; the second has NEW.
version() {
    local env="{name: A, value: '$2'}" pod='' meta=''
    if [ "$2" = 1 ]; then
        env+=", {name: EXTRA, value: x}"
        pod="volumes: [{name: scratch, emptyDir: {}}]"
        meta=", annotations: {first: 'yes'}"
    else
        env+=", {name: NEW, value: new}"
    fi
    cat <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1, labels: {app: $1}}
spec:
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}$meta}
    spec: {${pod:+$pod, }containers: [{name: app, image: "registry.hydrosim.edu/$1:v$2", env: [$env]}]}
END
}

# save NAME FILE: the object as it is stored.
save() { k get deployment "$1" -o json --show-managed-fields >"$dir/$2"; }

field() { k get deployment "$1" -o jsonpath="$2"; }
env_of() { field "$1" '{range .spec.template.spec.containers[0].env[*]}{.name}={.value} {end}'; }
managers() {
    k get deployment "$1" --show-managed-fields \
        -o jsonpath='{range .metadata.managedFields[*]}{.manager}/{.operation}/{.subresource} {end}'
}

# rolls TEXT FLAGS... NAME FILE: the write says TEXT; all of it stands in $out.
rolls() {
    local text=$1
    shift
    out=$("$roll" "${@:1:$#-2}" "$config" $space "${@: -2:1}" "$dir/${*: -1}" 2>&1)
    if [[ $out == *"$text"* ]]; then pass "$text: $*"; else fail "$* does not say: $text" "$out"; fi
}

admin create namespace $space >/dev/null
last_applied='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'
version client 1 >"$dir/client-1.yaml"
version client 2 >"$dir/client-2.yaml"
version server 1 >"$dir/server-1.yaml"
version server 2 >"$dir/server-2.yaml"

# ---- client-side apply

accepted k apply -f "$dir/client-1.yaml"
accepted k annotate deployment client kubernetes.io/change-cause='the first'
save client client.json
applied=$(field client "$last_applied")
accepted k apply -f "$dir/client-2.yaml"
accepted k annotate deployment client kubernetes.io/change-cause='the second' --overwrite
accepted k scale deployment client --replicas 3
before=$(field client '{.metadata.generation}')
rolls 'Done generation ' --dry-run 1 client client.json
check "a dry run changes nothing" "$(field client '{.metadata.generation}') $(env_of client)" \
    "$before A=2 NEW=new "
rolls "Done generation $((before + 1)) sha " --generation "$before" --history-id 7 client client.json
check "and the fields" "${out#* sha ????????????}" " fields restored"
check "what runs is the first" "$(env_of client)" 'A=1 EXTRA=x '
check "its volume too" "$(field client '{.spec.template.spec.volumes[0].name}')" scratch
check "its cause" "$(field client '{.metadata.annotations.kubernetes\.io/change-cause}')" 'the first'
check "whose rollback it was" "$(field client '{.metadata.annotations.proctor\.dev/history-id}')" 7
check "replicas stay" "$(field client '{.spec.replicas}')" 3
check "what was applied last is the first again" "$(field client "$last_applied")" "$applied"
check "no trace of us among the managers" "$(managers client | grep -c proctor)" 0
generation=$(field client '{.metadata.generation}')
accepted k diff -f "$dir/client-1.yaml"
accepted k apply -f "$dir/client-1.yaml"
check "the first applied again changes nothing" "$(field client '{.metadata.generation}')" \
    "$generation"
rolls 'AlreadyAtRevision: ' client client.json
accepted k apply -f "$dir/client-2.yaml"
check "the second applied again is the second, whole" \
    "$(env_of client)$(field client '{.spec.template.spec.volumes}{.spec.template.metadata.annotations}')" \
    'A=2 NEW=new '

# ---- what was applied then is not known

rolls 'Done generation ' --forget applied client client.json
check "the first is back" "$(env_of client)" 'A=1 EXTRA=x '
accepted k apply -f "$dir/client-2.yaml"
check "the second applied is the second, whole" \
    "$(env_of client)$(field client '{.spec.template.spec.volumes}{.spec.template.metadata.annotations}')" \
    'A=2 NEW=new '
check "with the defaults of the API server" \
    "$(field client '{.spec.template.spec.restartPolicy} {.spec.template.spec.containers[0].imagePullPolicy}')" \
    'Always IfNotPresent'

# ---- server-side apply

accepted k apply --server-side -f "$dir/server-1.yaml"
save server server.json
accepted k apply --server-side -f "$dir/server-2.yaml"
accepted k label deployment server later=label
rolls ' fields restored' --history-id 8 server server.json
check "what runs is the first" "$(env_of server)" 'A=1 EXTRA=x '
check "no trace of us among the managers" "$(managers server | grep -c proctor)" 0
check "the label stays its owner's" "$(managers server | grep -c kubectl-label)" 1
generation=$(field server '{.metadata.generation}')
accepted k apply --server-side -f "$dir/server-1.yaml"
check "the first applied again changes nothing" "$(field server '{.metadata.generation}')" \
    "$generation"
accepted k apply --server-side -f "$dir/server-2.yaml"
check "the second is the second, whole" \
    "$(env_of server)$(field server '{.spec.template.spec.volumes}{.spec.template.metadata.annotations}')" \
    'A=2 NEW=new '
rolls ' fields restored' server server.json
accepted k apply --server-side -f "$dir/server-2.yaml"
check "and once more" "$(env_of server)" 'A=2 NEW=new '
rolls ' fields restored' --forget fields server server.json
accepted k apply --server-side -f "$dir/server-1.yaml"
accepted k apply --server-side -f "$dir/server-2.yaml"

# ---- what kubectl does to a version is undone as well

accepted k set image deployment/client app=registry.hydrosim.edu/client:broken
rolls ' fields restored' client client.json
check "the image is the first's" "$(field client '{.spec.template.spec.containers[0].image}')" \
    registry.hydrosim.edu/client:v1
accepted k apply -f "$dir/client-1.yaml"
accepted k apply -f "$dir/client-2.yaml"

# ---- what stands in the way

generation=$(field client '{.metadata.generation}')
accepted k rollout pause deployment client
rolls 'Paused: ' client client.json
rolls "GenerationMoved: the Deployment was changed meanwhile (generation $((generation + 1)), not \
$generation)" --generation "$generation" client client.json
check "it is as it was" "$(env_of client)" 'A=2 NEW=new '
rolls ' fields restored' --resume 1 client client.json
check "unpaused by the same patch" "$(field client '{.spec.paused}') $(field client \
    '{.metadata.generation}')" " $((generation + 2))"
rolls 'Deleted: the Deployment was deleted, and another one has its name' --uid other \
    client client.json
accepted k patch deployment client --type merge -p '{"metadata":{"finalizers":["e2e.local/kept"]}}'
accepted k delete deployment client --wait=false
rolls 'Deleted: the Deployment is being deleted' client client.json
accepted k patch deployment client --type merge -p '{"metadata":{"finalizers":null}}'
eventually k wait --for=delete deployment/client --timeout=1s
rolls 'Deleted: the Deployment does not exist' client client.json

# ---- rights

config=$("$E2E_TREE/tests/e2e/cluster" user reader)
admin create rolebinding reader --clusterrole=view --user=reader -n $space >/dev/null
can_read() { kubectl --kubeconfig "$config" -n $space get deployment server; }
eventually can_read
rolls 'error forbidden: ' server server.json
check "the right is named" "$(grep -c 'cannot patch resource "deployments"' <<<"$out")" 1

# ---- policy refuses today what it took then

space=hydrosim-students
config=$("$E2E_TREE/tests/e2e/cluster" user rollbacker)
admin create rolebinding rollbacker --clusterrole=edit --user=rollbacker -n $space >/dev/null
program Deployment old | sed 's/registry.hydrosim.edu/docker.io/' | accepted admin apply -n $space -f -
save old old.json
program Deployment old >"$dir/old-2.yaml"
accepted kubectl apply -n $space -f "$dir/old-2.yaml"
can_patch() { kubectl --kubeconfig "$config" -n $space auth can-i patch deployments; }
eventually can_patch
rolls 'PolicyRefused: ' old old.json
check "policy's words and the field" "$(grep -c -e 'docker.io' <<<"$out") $(grep -c \
    '^cause: spec.template.spec.containers\[0\].image' <<<"$out")" "1 1"
check "nothing has changed" "$(field old '{.spec.template.spec.containers[0].image}')" \
    registry.hydrosim.edu/old:v1
admin delete rolebinding rollbacker -n $space >/dev/null
space=rollback-case
