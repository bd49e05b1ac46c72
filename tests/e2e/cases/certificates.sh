#!/usr/bin/env bash
# `proctor certs renew --in-cluster`, as the account of the shipped Role: made, renewed, rotated,
# repaired, killed and overtaken, beside a webhook of its own that serves what the Secret holds, and
# under a constant load through the API server of which no request may fail.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=$(cd "${0%/*}/.." && pwd)
tree=$(cd "$here/../.." && pwd)
space=certs-system hook=certs-case room=student-2024001
dir=$E2E_WORK/certs-case
server=$(admin config view -o jsonpath='{.clusters[0].cluster.server}')
address=$(hostname -I | tr ' ' '\n' | grep -m1 -F . || echo 127.0.0.1)
mkdir -p "$dir/tls"

started=()
leave() {
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null
    admin delete mutatingwebhookconfiguration,validatingwebhookconfiguration $hook \
        --ignore-not-found
    admin delete namespace $space $room --ignore-not-found --wait=false
    admin delete clusterrole,clusterrolebinding certs-case --ignore-not-found
} >/dev/null 2>&1
trap leave EXIT

# says CODE TEXT COMMAND...: ends with that code, and what it prints has TEXT in it.
said=
says() {
    local code=$1 text=$2 got=0
    shift 2
    said=$("$@" 2>&1) || got=$?
    if [ $got -eq "$code" ] && [[ $said == *"$text"* ]]; then
        pass "$text"
    else
        fail "$*" "code $got, wanted $code and: $text
$said"
    fi
}

# renewal USER FLAG...: the command, in the array `command`; SETTLE is its wait for the API server.
command=()
renewal() {
    command=("$E2E_BIN/proctor" certs renew --in-cluster --kubeconfig "$dir/$1.kubeconfig"
        --namespace "$space" --configuration "$hook" --ip 127.0.0.1 --wait-seconds 0
        --settle-seconds "${SETTLE:-1}" "${@:2}")
}
renew_as() {
    renewal "$@"
    "${command[@]}"
}
# shellcheck disable=SC2120
renew() { renew_as job "$@"; }

secret() { admin -n $space get secret "$1" -o jsonpath="{.data.${2//./\\.}}" | base64 -d; }
versions() {
    admin -n $space get secrets -o jsonpath='{range .items[*]}{.metadata.resourceVersion} {end}'
    admin get mutatingwebhookconfigurations,validatingwebhookconfigurations \
        -o jsonpath='{range .items[*]}{.metadata.resourceVersion} {end}'
}
bundles() {
    admin get mutatingwebhookconfiguration,validatingwebhookconfiguration $hook \
        -o jsonpath='{range .items[*].webhooks[*]}{.clientConfig.caBundle}{"\n"}{end}'
}
# How many CAs each of the three entries trusts.
trusts() {
    local bundle
    while read -r bundle; do
        base64 -d <<<"$bundle" | grep -c BEGIN
    done < <(bundles) | tr '\n' ' '
}
leaf() { secret proctor-webhook-tls tls.crt | openssl x509 -noout -fingerprint -sha256; }
ca() { secret proctor-webhook-ca ca.crt | openssl x509 -noout -fingerprint -sha256; }

# ---- the account, with the rights that the manifests give it, and others with fewer

kubeconfig() { # kubeconfig NAME: of that account
    local token
    token=$(admin -n $space create token "$1")
    cat >"$dir/$1.kubeconfig" <<END
{apiVersion: v1, kind: Config, current-context: e2e, contexts: [{name: e2e, context: {cluster: e2e,
 user: job}}], users: [{name: job, user: {token: "$token"}}], clusters: [{name: e2e, cluster: {
 server: "$server", certificate-authority: "$E2E_WORK/pki/ca.crt"}}]}
END
}

# rights ACCOUNT VERBS-ON-CA VERBS-ON-TLS VERBS-ON-CONFIGURATIONS
rights() {
    cat <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: "$1", namespace: $space }
rules:
  - { apiGroups: [""], resources: [secrets], resourceNames: [proctor-webhook-ca], verbs: [$2] }
  - { apiGroups: [""], resources: [secrets], resourceNames: [proctor-webhook-tls], verbs: [$3] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: certs-case }
rules:
  - apiGroups: [admissionregistration.k8s.io]
    resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
    resourceNames: [$hook]
    verbs: [$4]
END
}

grant() { rights weak "$@" | admin apply -f - >/dev/null; }

# The shipped account, in names of this case.
shipped() {
    awk 'BEGIN { RS = "---\n" } !/kind: (Cron)?Job/ { printf "---\n%s", $0 }' \
        "$tree/manifests/base/certs.yaml" |
        sed -e "s/hydrosim-system/$space/" -e "s/resourceNames: \[proctor\]/resourceNames: [$hook]/" \
            -e 's/name: proctor-certs/name: job/'
}

accepted admin create namespace $space
accepted admin create namespace $room
accepted admin -n $room create rolebinding all --clusterrole=admin --group=students
shipped | admin apply -f - >"$dir/shipped" 2>&1
check "the shipped rights are there" "$(grep -c created "$dir/shipped")" 5
admin -n $space create serviceaccount weak >/dev/null
admin -n $space create rolebinding weak --role=weak --serviceaccount=$space:weak >/dev/null
admin create clusterrolebinding certs-case --clusterrole=certs-case \
    --serviceaccount=$space:weak >/dev/null
kubeconfig job
kubeconfig weak

# ---- from nothing

says 2 'cannot get resource "mutatingwebhookconfigurations"' renew_as weak
grant get get get
says 2 'cannot create resource "secrets"' renew_as weak
check "and nothing is there" "$(admin -n $space get secrets -o name)" ''
says 0 'would make a CA and its Secret' renew --dry-run
check "a dry run makes nothing" "$(admin -n $space get secrets -o name)" ''

# A quota stops it between the two Secrets; the next run goes on.
accepted admin -n $space create quota one --hard=count/secrets=1,count/configmaps=0
quota_holds() { ! admin -n $space create configmap probe --dry-run=server; }
eventually quota_holds
says 2 'exceeded quota' renew
check "the CA is there, and only it" "$(admin -n $space get secrets -o name)" \
    secret/proctor-webhook-ca
first_ca=$(ca)
accepted admin -n $space delete quota one
says 1 'secret proctor-webhook-tls created: a certificate until' renew
check "what comes first is said" "$(grep -c "there: MutatingWebhookConfiguration $hook" <<<"$said")" 1
check "the CA of the first run is the CA" "$(ca)" "$first_ca"

# ---- a webhook beside it, with the Secret as a kubelet brings it

serial=0
project() {
    local next=..v$((++serial)) file
    mkdir "$dir/tls/$next"
    for file in tls.crt tls.key ca.crt; do
        secret proctor-webhook-tls $file >"$dir/tls/$next/$file"
        [ -e "$dir/tls/$file" ] || ln -s "..data/$file" "$dir/tls/$file"
    done
    ln -s "$next" "$dir/tls/..data.next"
    mv -T "$dir/tls/..data.next" "$dir/tls/..data"
}
said_in_log() { sed -n "/\"serving\"/s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$dir/log"; }
serves_the_secret() {
    local wanted
    wanted=$(leaf | cut -d= -f2 | tr -d ':' | tr '[:upper:]' '[:lower:]')
    [[ $(curl -sS "http://$address:$status/readyz") == *"\"certificate\":\"$wanted\""* ]]
}
entry() { # entry NAME PATH OPERATIONS
    cat <<END
  - name: $1.proctor.dev
    clientConfig: { url: "https://127.0.0.1:$port/$2" }
    rules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: [$3] }]
    namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: $room } }
    sideEffects: None
    timeoutSeconds: 5
    admissionReviewVersions: [v1]
END
}
register() {
    printf '%s\n' 'apiVersion: admissionregistration.k8s.io/v1' \
        'kind: MutatingWebhookConfiguration' "metadata: { name: $hook }" 'webhooks:'
    entry mutate mutate 'CREATE, UPDATE'
    printf '%s\n' '---' 'apiVersion: admissionregistration.k8s.io/v1' \
        'kind: ValidatingWebhookConfiguration' "metadata: { name: $hook }" 'webhooks:'
    entry validate validate 'CREATE, UPDATE, DELETE'
    entry second validate 'CREATE'
}
probe() {
    KUBECONFIG=$E2E_WORK/users/s2024001.kubeconfig kubectl -n $room run probe --image none \
        --dry-run=server 2>&1
}
probed() { [[ $(probe) == *"$1"* ]]; }

project
timeout 300 "$E2E_BIN/proctor-webhook" --policies "$tree/policies" --tls-dir "$dir/tls" \
    --listen 127.0.0.1:0 --metrics-listen "$address:0" >"$dir/log" 2>&1 &
started+=($!)
eventually said_in_log port
eventually grep -q '"serving"' "$dir/log"
port=$(said_in_log port) status=$(said_in_log metricsPort)
register | admin apply -f - >/dev/null
eventually probed 'failed calling webhook'
says 0 'caBundle of 2 entries set: validate.proctor.dev (had none), second.proctor.dev' renew
check "of the other one, too" "$(grep -c 'set: mutate.proctor.dev (had none)' <<<"$said")" 1
eventually probed no-bare-pods
check "every entry has one CA" "$(trusts)" '1 1 1 '

# ---- again, and nothing changes

before=$(versions)
says 0 'nothing to do: Secrets and caBundles are as they should be' renew
says 0 '"changed": false' renew -o json
check "nothing was written" "$(versions)" "$before"

# ---- all the rest under load

# It ends by itself after two minutes; on a slow machine another one goes on.
load=
keep_load() {
    [ -z "$load" ] || ! kill -0 "$load" 2>/dev/null || return 0
    python3 "$here/load.py" "$server" "$E2E_WORK/pki" s2024001 $room "$dir/load.${#started[@]}" &
    load=$!
    started+=("$load")
}
keep_load

taken() { curl -sS "http://$address:$status/metrics" | sed -n 's/.*connections_total \([0-9]*\)$/\1/p'; }

# 40 at once: past 25 every call of the API server is a handshake of its own.
burst() {
    local count before
    before=$(taken)
    cat >"$dir/one.json" <<END
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "student-2024001-"}}
END
    for ((count = 0; count < 120; count++)); do
        printf 'url = "%s/api/v1/namespaces/%s/configmaps?dryRun=All"\n' "$server" $room
        printf 'output = "/dev/null"\n'
    done >"$dir/urls"
    curl -sS -Z --parallel-immediate --parallel-max 40 --cacert "$E2E_WORK/pki/ca.crt" \
        --cert "$E2E_WORK/pki/s2024001.crt" --key "$E2E_WORK/pki/s2024001.key" --http1.1 \
        -H 'Content-Type: application/json' --data "@$dir/one.json" -w '%{http_code}\n' \
        -K "$dir/urls" 2>"$dir/curl" | sort | uniq -c | tr -s ' '
    [ "$(taken)" -gt "$before" ] || echo "and no new connection"
    echo "  $(taken) connections, $before before" >>"$dir/connections"
}
keep_load
check "a burst is answered" "$(burst)" ' 120 201'

# The certificate: due by --within, by --force, by a name, by its key.
old=$(leaf) old_ca=$(ca)
says 0 'a new certificate until' renew --within 365 --days 400
check "it is another" "$([ "$(leaf)" != "$old" ] && echo yes)" yes
check "of the same CA" "$(ca) $(trusts)" "$old_ca 1 1 1 "
project
eventually serves_the_secret
keep_load
check "a burst with the new certificate" "$(burst)" ' 120 201'
says 0 '(--force)' renew --force
says 0 '(a name is missing in it)' renew --dns extra.example.org
says 0 'nothing to do' renew
admin -n $space patch secret proctor-webhook-tls --type=json -p \
    '[{"op": "replace", "path": "/data/tls.key", "value": "AAAA"}]' >/dev/null 2>&1
says 0 '(tls.key is not its key)' renew
project
eventually serves_the_secret

# ---- a new CA, stopped before each of its steps

old=$(leaf) old_ca=$(ca)
grant get get get
says 2 'cannot update resource "secrets"' renew_as weak --rotate-ca
check "nothing has changed" "$(ca) $(leaf) $(trusts)" "$old_ca $old 1 1 1 "
grant get,update get get
says 2 'what was done before holds; the next run goes on from there' renew_as weak --rotate-ca
check "a new CA" "$([ "$(ca)" != "$old_ca" ] && echo yes)" yes
check "that nobody trusts yet, nor needs" "$(leaf) $(trusts)" "$old 1 1 1 "
new_ca=$(ca)
grant get,update get get,patch
says 2 'cannot update resource "secrets"' renew_as weak
check "both are trusted, the old certificate is served" "$(ca) $(leaf) $(trusts)" \
    "$new_ca $old 2 2 2 "
keep_load
check "a burst with both" "$(burst)" ' 120 201'

# Killed in the middle of the wait, as a node that dies.
grant get,update get,update get,patch
SETTLE=60 renewal weak
"${command[@]}" >"$dir/killed" 2>&1 &
killed=$!
sleep 1
kill -KILL $killed
wait $killed 2>/dev/null
check "it was killed" $? 137
check "nothing has changed" "$(ca) $(leaf) $(trusts)" "$new_ca $old 2 2 2 "

# Two at once end as one.
renew_as weak >"$dir/one" 2>&1 &
one=$!
renew_as job >"$dir/two" 2>&1
check "the one run" "$?" 0
wait $one
check "the other run" "$?" 0
check "one of them made the certificate" \
    "$(cat "$dir/one" "$dir/two" | grep -c 'a new certificate until')" 1
check "both CAs are still trusted" "$(ca) $(trusts)" "$new_ca 2 2 2 "
keep_load
check "a burst before the pods have it" "$(burst)" ' 120 201'

# The old CA leaves once the pods say that they serve the new certificate.
says 1 'first the one before it has to leave' renew --rotate-ca
says 0 'once every pod serves the new certificate' renew
says 0 'or until a run hears from every pod' renew --retire-minutes 0
check "it is still trusted" "$(trusts)" '2 2 2 '
admin -n $space apply -f - >/dev/null <<END
apiVersion: v1
kind: Pod
metadata: { name: replica, labels: { app.kubernetes.io/name: proctor-webhook } }
spec:
  nodeName: node-0
  containers:
    - { name: webhook, image: none, ports: [{ name: metrics, containerPort: $status }] }
END
eventually admin -n $space wait --for=jsonpath='{.status.phase}'=Running pod/replica --timeout=1s
admin -n $space patch pod replica --subresource=status --type=merge -p \
    "{\"status\": {\"podIP\": \"$address\", \"podIPs\": [{\"ip\": \"$address\"}]}}" >/dev/null
admin -n $space create role pods --verb=list,get --resource=pods,pods/proxy >/dev/null
admin -n $space create rolebinding pods --role=pods --serviceaccount=$space:job >/dev/null
says 0 'pod replica serves another certificate' renew --retire-minutes 0
project
eventually serves_the_secret
keep_load
check "a burst with the new certificate" "$(burst)" ' 120 201'
says 0 'the old CA is out (all 1 running pods serve the new certificate)' renew --retire-minutes 0
check "only the new one is trusted" "$(ca) $(trusts)" "$new_ca 1 1 1 "
check "and kept" "$(secret proctor-webhook-ca ca-old.crt)" ''
keep_load
check "a burst with the new CA alone" "$(burst)" ' 120 201'

# A lost CA: a new one, and what is in use stays trusted.
old=$(leaf)
accepted admin -n $space delete secret proctor-webhook-ca
says 0 'what is in use stays trusted' renew
check "the certificate is another" "$([ "$(leaf)" != "$old" ] && echo yes)" yes
check "both are trusted" "$(trusts)" '2 2 2 '
keep_load
check "a burst with the one before" "$(burst)" ' 120 201'
project
eventually serves_the_secret
keep_load
check "a burst with the new one" "$(burst)" ' 120 201'

kill -TERM "$load" 2>/dev/null
wait "$load"
check "no request failed" "$(grep -hv ' answered$' "$dir"/load.*)" ''
answered=$(awk '/ answered$/ { sum += $1 } END { print sum }' "$dir"/load.*)
check "and there were hundreds" "$([ "${answered:-0}" -gt 300 ] && echo yes)" yes
[ -z "${VERBOSE-}" ] || echo "  $answered requests beside the steps"
[ -z "${VERBOSE-}" ] || cat "$dir/connections"

# ---- put right, and refused

register | admin apply -f - >/dev/null
admin patch validatingwebhookconfiguration $hook --type=json -p \
    '[{"op": "remove", "path": "/webhooks/1/clientConfig/caBundle"}]' >/dev/null
says 0 'second.proctor.dev (had none)' renew
admin patch mutatingwebhookconfiguration $hook --type=json -p "[{\"op\": \"replace\", \"path\":
    \"/webhooks/0/clientConfig/caBundle\", \"value\": \"$(base64 -w0 <"$E2E_WORK/pki/ca.crt")\"}]" \
    >/dev/null
eventually probed 'failed calling webhook'
says 0 'caBundle of 1 entry set: mutate.proctor.dev (had another)' renew
eventually probed no-bare-pods

accepted admin -n $space create secret generic theirs --from-literal=ca.crt=x
cp "$E2E_WORK/users/admin.kubeconfig" "$dir/admin.kubeconfig"
before=$(versions)
says 2 "theirs is not Proctor's" renew_as admin --ca-secret theirs
says 2 "theirs is not Proctor's" renew_as admin --secret theirs
check "nothing was written" "$(versions)" "$before"
accepted admin -n $space delete secret theirs
admin -n $space patch secret proctor-webhook-ca --type=json -p \
    '[{"op": "replace", "path": "/data/ca.key", "value": "AAAA"}]' >/dev/null
damaged=$(versions)
says 2 'run this again: a new CA is made' renew
check "nothing was written" "$(versions)" "$damaged"

says 2 'no_such_folder/config' "$E2E_BIN/proctor" certs renew --in-cluster \
    --kubeconfig no_such_folder/config
says 2 'the namespace nowhere has to be there first' "$E2E_BIN/proctor" certs renew --in-cluster \
    --kubeconfig "$dir/admin.kubeconfig" --namespace nowhere --configuration none
