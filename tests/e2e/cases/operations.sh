#!/usr/bin/env bash
# What happens to a cluster around the webhook: policies and certificates change under load, the
# webhook dies, hangs and comes back, the API server restarts, an administrator breaks the glass,
# and somebody else's webhook undoes what ours does.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=${0%/*}/..
name=student-2024001
room=hydrosim-students
server=$(kubectl config view --minify -o 'jsonpath={.clusters[0].cluster.server}')

# ---- a load that runs beside what is done; `load_end` checks that nothing of it was lost
load_begin() {
    python3 "$here/load.py" "$server" "$E2E_WORK/pki" s2024001 $room "$dir/load" &
    load=$!
}
load_end() { # load_end WHAT
    local answered
    sleep 0.5
    kill "$load"
    wait "$load"
    answered=$(sed -n '1s/ answered//p' "$dir/load")
    check "$1: no request of $answered was lost" "$(tail -n +2 "$dir/load" | head -n 5)" ''
    check "$1: there was a load" "$((answered > 20))" 1
}

dir=$E2E_WORK/operations looser=$E2E_WORK/operations/looser
mkdir "$dir"
cp -r "$E2E_TREE/policies" "$looser"
sed -i 's/^\( *max: \)1$/\12/' "$looser/student-deployments/policy.yaml"

as s2024001
load_begin
for _ in 1 2 3 4; do
    accepted "$here/webhook" policies "$looser"
    accepted "$here/webhook" policies "$E2E_TREE/policies"
done
load_end "policies changed eight times"

load_begin
for _ in 1 2 3; do
    served=$("$here/webhook" status | grep -o '"certificate":"[0-9a-f]*"')
    accepted "$E2E_BIN/proctor" certs renew --force "$E2E_WORK/certs"
    another() { ! "$here/webhook" status | grep -qF "$served"; }
    eventually another
done
load_end "the certificate renewed three times"

# ---- a program that runs goes on, whatever happens to the webhook
accepted kubectl apply -f <(program Deployment $name)
eventually kubectl rollout status deployment/$name --timeout=1s
# A colon in KUBECONFIG parts two files.
cp "$("$here/cluster" user system:node:node-0 system:nodes)" "$E2E_WORK/users/node.kubeconfig"
node() { KUBECONFIG=$E2E_WORK/users/node.kubeconfig kubectl -n $room "$@"; }
renewed() { admin -n kube-node-lease get lease node-0 -o 'jsonpath={.spec.renewTime}'; }
replaced() { gone "$pod" && is pods '{.items[*].status.phase}' Running; }

# others_unharmed WHAT: nodes, controllers and the other namespaces do not notice.
others_unharmed() {
    local before pod
    before=$(renewed)
    another_lease() { [ "$(renewed)" != "$before" ]; }
    accepted admin -n kube-system create configmap e2e-unharmed --dry-run=server -o name
    accepted admin -n default create deployment unharmed --image none --dry-run=server -o name
    pod=$(admin get pods -o name)
    accepted node delete "$pod" --wait=false
    eventually replaced
    eventually another_lease
}

"$here/webhook" stop KILL
show kubectl apply -f <(IMAGE=registry.hydrosim.edu/$name:v2 program Deployment $name)
show kubectl scale deployment/$name --replicas 0
show kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v2
stored deployment/$name '{.spec.template.spec.containers[0].image}' registry.hydrosim.edu/$name:v1
refused 'failed calling webhook' admin create configmap not-even-the-administrator
others_unharmed
accepted "$here/webhook" start
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v2
eventually kubectl rollout status deployment/$name --timeout=1s

# ---- it hangs: each write waits for five seconds, and is refused
kill -STOP "$(cat "$E2E_WORK/run/proctor-webhook")"
show kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v3
others_unharmed
kill -CONT "$(cat "$E2E_WORK/run/proctor-webhook")"
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v3

# ---- it serves a certificate that its caBundle does not know
mv "$E2E_WORK/certs" "$dir/certs"
"$here/webhook" stop
"$here/webhook" start
show kubectl scale deployment/$name --replicas 0
"$here/webhook" stop
rm -r "$E2E_WORK/certs"
mv "$dir/certs" "$E2E_WORK/certs"
accepted "$here/webhook" start
accepted kubectl scale deployment/$name --replicas 1
same_as_golden

# ---- the API server restarts: from its first answer on, the rules hold
kill -KILL "$(cat "$E2E_WORK/run/kube-apiserver")"
eventually "$here/cluster" up
refused no-side-doors/no-bare-pods kubectl apply -f <(program Pod $name)
eventually admin -n $room get pods
accepted kubectl set image deployment/$name app=registry.hydrosim.edu/$name:v4

# ---- break-glass: an administrator is let through, and it is written down
accepted admin run by-hand --image registry.hydrosim.edu/tools:v1
check "the decision log has it" "$(grep -F '"name":"by-hand"' "$E2E_WORK/logs/decisions" |
    grep -c break-glass)" 2
accepted admin delete pod by-hand --wait=false
eventually gone pod/by-hand

# ---- somebody else's webhook, which wants three replicas
mkdir -p "$dir/other/run" "$dir/other/logs" "$dir/other/policies"
cat >"$dir/other/policies/policy.yaml" <<END
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: others }
spec:
  title: What somebody else wants
  match: { namespaces: [$room], resources: [deployments.apps] }
  rules:
    - { id: three, why: They want three., field: spec.replicas, set: 3 }
END
other() { CLUSTER_DIR=$dir/other "$here/webhook" "$@"; }
trap 'other stop KILL' EXIT
other start

# theirs POLICY: registers it, and returns when it is asked.
theirs() {
    admin apply -f - >/dev/null <<END
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: zz-somebody-elses }
webhooks:
  - name: mutate.somebody.example.com
    clientConfig: { url: "$(other url)/mutate", caBundle: $(base64 -w0 <"$dir/other/certs/ca.crt") }
    rules:
      - { apiGroups: [apps], apiVersions: [v1], resources: [deployments], operations: [CREATE, UPDATE] }
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: $room } }
    failurePolicy: Fail
    sideEffects: None
    reinvocationPolicy: $1
    admissionReviewVersions: [v1]
END
    : >"$dir/other/logs/decisions"
    eventually asked
}
asked() {
    kubectl apply --dry-run=server -f <(program Deployment $name-b) >/dev/null 2>&1
    [ -s "$dir/other/logs/decisions" ]
}

# Asked again after theirs, ours has the last word.
theirs Never
accepted kubectl apply -f <(program Deployment $name-b)
stored deployment/$name-b '{.spec.replicas}' 1
accepted kubectl delete deployment $name-b --wait=false
eventually gone deployment/$name-b

# Both are asked again and theirs is the last: what does not conform is not stored.
theirs IfNeeded
refuses() { [[ $(kubectl apply --dry-run=server -f <(program Deployment $name-c) 2>&1) == *one-replica* ]]; }
eventually refuses
eventually kubectl rollout status deployment/$name --timeout=1s # its controller still writes till then
refused student-deployments/one-replica kubectl apply -f <(program Deployment $name-c)
admin delete mutatingwebhookconfiguration zz-somebody-elses >/dev/null
