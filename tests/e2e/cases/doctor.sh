#!/usr/bin/env bash
# An installation looked at from outside, spoilt in every way and looked at again; then the way out
# of trouble, and back.  The pods are kwok's, so nobody answers behind the Service: what doctor
# cannot see there it has to say.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=${0%/*}/..
base=$E2E_TREE/manifests/base
system=hydrosim-system
out=$E2E_PRINTED
proctor() { "$E2E_BIN/proctor" "$@"; }

finds() { # finds CODE TEXT...
    prints "$@" -- proctor doctor --no-probe
}
mends() { # mends TEXT: what doctor says there does mend it
    local fix
    fix=$(grep -F -A2 -- "$1" "$out" | sed -n 's/^ *Fix: //p' | head -n 1)
    accepted bash -c "$fix"
    proctor doctor --no-probe >"$out" 2>&1
    check "mended by: $fix" "$(grep -F -- "$1" "$out")" ''
}
change() { # change MUTATING|VALIDATING JSON-PATCH
    accepted kubectl patch "${1}webhookconfiguration" proctor --type json -p "$2"
}
mend() { accepted kubectl apply -f "$base/admission.yaml"; }
trust() { # the caBundle of every entry
    local bundle i
    bundle=$(base64 -w0 <"$E2E_WORK/doctor-certs/ca.crt")
    for i in 0 1 2; do
        [ $i = 2 ] || change mutating "[{op: add, path: /webhooks/$i/clientConfig/caBundle, value: $bundle}]"
        change validating "[{op: add, path: /webhooks/$i/clientConfig/caBundle, value: $bundle}]"
    done
}

as admin
# ---- nothing there but a registration that calls a URL
accepted kubectl delete namespace $system --ignore-not-found
prints 1 "Namespace/$system: is not there" 'Deployment/proctor-webhook: is not there' \
    'clientConfig.url: is https://127.0.0.1:' 'Proctor answers: a Pod by admin, a Deployment by s0000000' \
    'may escalate roles.rbac.authorization.k8s.io in hydrosim-students' -- proctor doctor
# The room's students may do everything there; so they are put out of it for a while.
accepted kubectl delete rolebinding everything

# ---- installed; the certificate as the Job would make it
kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration proctor >/dev/null
accepted kubectl create namespace $system
kubectl kustomize "$E2E_TREE/policies" >"$E2E_WORK/policies.yaml"
accepted kubectl -n $system apply -f "$E2E_WORK/policies.yaml"
accepted kubectl apply -f "$base/webhook.yaml" -f "$base/certs.yaml"
mend
finds 1 'Secret/proctor-webhook-tls: is not there' 'clientConfig.caBundle: is empty' \
    "kubectl -n $system create job --from=cronjob/proctor-certs-renew"
prints 2 'has no caBundle yet' 'Nothing was armed' -- proctor arm
accepted proctor certs issue --service proctor-webhook --namespace $system --out "$E2E_WORK/doctor-certs"
accepted kubectl -n $system create secret generic proctor-webhook-tls \
    --from-file="$E2E_WORK/doctor-certs/tls.crt" --from-file="$E2E_WORK/doctor-certs/tls.key" \
    --from-file="$E2E_WORK/doctor-certs/ca.crt"
trust
eventually kubectl -n $system rollout status deployment/proctor-webhook --timeout=1s
# kwok's pods have a loopback address, which no EndpointSlice takes: one by hand.
slice() { # slice READY
    cat <<SLICE
{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
 "metadata": {"name": "doctor", "namespace": "$system",
              "labels": {"kubernetes.io/service-name": "proctor-webhook"}},
 "endpoints": [{"addresses": ["10.245.0.9"], "conditions": {"ready": $1}}],
 "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}]}
SLICE
}
finds 1 'none of 0 addresses is ready'
accepted kubectl apply -f <(slice true)
finds 2 'ok       webhook         2 of 2 replicas ready' 'ok       service         1 of 1 addresses ready' \
    'ok       policies        ' 'unseen   replicas        2 asked' 'ok       registered      5 entries' \
    'ok       armed ' 'ok       selectors ' 'ok       exclusions      ' \
    'ok       certificate     trusted, 36' 'ok       renewal ' 'ok       other-webhooks ' \
    'ok       rights          students may do none' '0 errors, 0 warnings, 2 not seen'
prints 0 '"tls.crt"' -- proctor doctor --no-probe --facts
check "no key among the facts" "$(grep -c 'tls.key\|PRIVATE' "$out")" 0
prints 2 '"result": "unseen"' -- proctor doctor --no-probe -o json
prints 1 'failed calling webhook' "proctor disarm --reason" -- proctor doctor

# ---- spoilt, and mended
accepted proctor certs issue --dns other --out "$E2E_WORK/doctor-other"
change validating "[{op: replace, path: /webhooks/0/clientConfig/caBundle,
    value: $(base64 -w0 <"$E2E_WORK/doctor-other/ca.crt")}]"
finds 1 'webhooks[validate.proctor.dev].clientConfig.caBundle: does not verify'
trust
change mutating '[{op: replace, path: /webhooks/0/namespaceSelector, value: {}}]'
finds 1 'webhooks[mutate.proctor.dev].namespaceSelector: matches default, hydrosim-system, kube-node-lease, kube-public, kube-system and everything else'
mends '[mutate.proctor.dev].namespaceSelector: matches'
change validating '[{op: replace, path: /webhooks/0/namespaceSelector,
    value: {matchLabels: {kubernetes.io/metadata.name: elsewhere}}}]'
finds 1 'does not match hydrosim-students'
mends 'does not match hydrosim-students'
change validating '[{op: replace, path: /webhooks/0/rules/0/operations, value: [CREATE]},
    {op: replace, path: /webhooks/0/rules/0/scope, value: "*"},
    {op: replace, path: /webhooks/0/failurePolicy, value: Ignore},
    {op: replace, path: /webhooks/0/timeoutSeconds, value: 30},
    {op: add, path: /webhooks/0/objectSelector, value: {matchLabels: {judge: me}}}]'
finds 1 'UPDATE of */* is not among them' 'CONNECT of */* is not among them' \
    'failurePolicy: is Ignore, and must be Fail' 'timeoutSeconds: is 30' \
    'objectSelector: is not empty'
mends 'objectSelector: is not empty'
mend
finds 2 '0 errors, 0 warnings'
change mutating '[{op: remove, path: /webhooks/0/matchConditions/0}]'
finds 1 'matchConditions[not-deployment-controller-replicasets]: is not there'
mend
change mutating '[{op: add, path: /webhooks/0/matchConditions/-,
    value: {name: friends, expression: "request.userInfo.username != \"s2024001\""}}]'
finds 1 'matchConditions[friends]: is in no policy: request.userInfo.username != "s2024001"'
mends 'matchConditions[friends]'
change mutating '[{op: remove, path: /webhooks/0}]'
finds 1 'webhooks[mutate.proctor.dev]: is not there'
mend
trust
accepted kubectl -n $system patch configmap proctor-policies --type merge -p '{"data": {"ownership.yaml": "kind: Poem"}}'
finds 1 'ConfigMap/proctor-policies data: ownership.yaml:1:'
accepted kubectl -n $system delete configmap proctor-policies
finds 1 'ConfigMap/proctor-policies: is not there' 'not compared'
accepted kubectl -n $system apply -f "$E2E_WORK/policies.yaml"
accepted kubectl -n $system patch cronjob proctor-certs-renew -p '{"spec": {"suspend": true}}'
finds 1 'CronJob/proctor-certs-renew spec.suspend: is true'
mends 'spec.suspend: is true'
accepted kubectl label namespace kube-system proctor.dev/supervised=true
finds 2 'Namespace/kube-system metadata.labels[proctor.dev/supervised]: is set'
mends 'metadata.labels[proctor.dev/supervised]: is set'
accepted kubectl create clusterrolebinding doctor --clusterrole=cluster-admin --group=students
finds 2 "may patch mutatingwebhookconfigurations.admissionregistration.k8s.io/proctor" \
    "may get secrets/proctor-webhook-tls in $system" 'students may do what would undo Proctor'
accepted kubectl delete clusterrolebinding doctor
kubectl get mutatingwebhookconfiguration proctor -o yaml >"$E2E_WORK/other.yaml"
sed -i '/^  resourceVersion:\|^  uid:/d; s/^  name: proctor$/  name: zz-other/; s/\.proctor\.dev/.example.com/' \
    "$E2E_WORK/other.yaml"
accepted kubectl create -f "$E2E_WORK/other.yaml"
finds 2 'MutatingWebhookConfiguration/zz-other webhooks[mutate.example.com]: changes Deployments'
accepted kubectl delete mutatingwebhookconfiguration zz-other

# ---- those who may not look, and those who cannot get there
as teacher
finds 2 'cannot get resource "deployments"' 'cannot list resource "namespaces"' '0 errors'
prints 2 'NOT disarmed  ValidatingWebhookConfiguration proctor: ' \
    'NOT disarmed  MutatingWebhookConfiguration proctor: ' 'Without Proctor' -- proctor disarm
as admin
prints 2 'nowhere' -- proctor doctor --kubeconfig "$E2E_WORK/nowhere"
sed -E 's/(server: .*:)[0-9]+/\11/' "$E2E_WORK/users/admin.kubeconfig" >"$E2E_WORK/closed.kubeconfig"
prints 2 '127.0.0.1:1' -- proctor doctor --kubeconfig "$E2E_WORK/closed.kubeconfig"
prints 2 '127.0.0.1:1' 'NOT disarmed' -- proctor disarm --kubeconfig "$E2E_WORK/closed.kubeconfig"

# ---- disarmed, nothing is called; armed, everything is
create() { kubectl create configmap student-2024001 --dry-run=server -o name; }
is_refused() { ! create; }
refused 'failed calling webhook' create
prints 0 'would be disarmed  ValidatingWebhookConfiguration' 'Nothing was changed' -- proctor disarm --dry-run
refused 'failed calling webhook' create
prints 0 'disarmed  ValidatingWebhookConfiguration proctor: validate.proctor.dev, validate-supervised.proctor.dev, policies.proctor.dev' \
    'disarmed  MutatingWebhookConfiguration' 'Back: proctor arm' -- proctor disarm --reason "the exam's on"
eventually create
prints 0 "(already since " "by admin: the exam's on)" -- proctor disarm --reason 'another'
finds 1 "3 of 3 entries are disarmed since " "by admin: the exam's on" 'Fix: proctor arm'
mend
finds 1 '3 of 3 entries are disarmed' '2 of 2 entries are disarmed'
accepted create
accepted kubectl apply --server-side --force-conflicts -f "$base/admission.yaml"
finds 1 '3 of 3 entries are disarmed' '2 of 2 entries are disarmed'
accepted create
accepted kubectl -n $system scale deployment/proctor-webhook --replicas 0
eventually kubectl -n $system rollout status deployment/proctor-webhook --timeout=1s
accepted kubectl apply -f <(slice false)
finds 1 '0 of 0 replicas ready' 'none of 1 addresses is ready'
prints 2 'no replica is ready behind Service' 'Nothing was armed' -- proctor arm
accepted create
prints 0 'armed  MutatingWebhookConfiguration' 'Judged again' -- proctor arm --force
eventually is_refused
refused 'failed calling webhook "mutate.proctor.dev"' create
stored mutatingwebhookconfiguration/proctor '{.webhooks[*].matchConditions[?(@.name=="disarmed.proctor.dev")].name}' ''
stored mutatingwebhookconfiguration/proctor '{.metadata.annotations.proctor\.dev/disarmed}' ''

# ---- half of it
accepted kubectl create clusterrole doctor --verb=get,patch \
    --resource=validatingwebhookconfigurations.admissionregistration.k8s.io
accepted kubectl create clusterrolebinding doctor --clusterrole=doctor --group=teachers
as teacher
prints 2 'Half done: ValidatingWebhookConfiguration is disarmed, MutatingWebhookConfiguration is not' \
    -- proctor disarm
as admin
accepted kubectl delete clusterrole,clusterrolebinding doctor
accepted kubectl delete mutatingwebhookconfiguration proctor
prints 0 'missing  MutatingWebhookConfiguration proctor' '(already since' -- proctor disarm
prints 2 'missing  MutatingWebhookConfiguration proctor' 'armed  ValidatingWebhookConfiguration' \
    'kubectl apply -k manifests/base' -- proctor arm --force
finds 1 'MutatingWebhookConfiguration/proctor: is not there'
# ---- the name is somebody else's
mend
kubectl get mutatingwebhookconfiguration proctor -o json | sed 's/\.proctor\.dev/.example.com/' |
    kubectl replace -f - >/dev/null
prints 2 "left alone  MutatingWebhookConfiguration proctor: not Proctor's: its entries are mutate.example.com" \
    -- proctor disarm
finds 1 'webhooks[mutate.example.com]: is no entry of Proctor'

# ---- as the other cases expect it
kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration proctor >/dev/null
prints 0 'missing  ValidatingWebhookConfiguration' 'missing  MutatingWebhookConfiguration' -- proctor disarm
kubectl delete -f "$base/webhook.yaml" -f "$base/certs.yaml" >/dev/null
accepted kubectl delete namespace $system
accepted kubectl apply -f "$here/room.yaml"
"$here/webhooks.sh" "$("$here/webhook" url)" "$E2E_WORK/certs/ca.crt" | kubectl apply -f - >/dev/null
asked() { [[ $(kubectl run probe --image none --dry-run=server 2>&1) == *no-bare-pods* ]]; }
as s2024001
eventually asked
