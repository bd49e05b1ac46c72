#!/usr/bin/env bash
# The client of doctor, disarm and the certificates' job against a real API server: the same
# kubeconfigs and the same answers as kubectl's.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
call=$E2E_BIN/../client/call
space=client-case
path=/api/v1/namespaces/$space

# says WHO TEXT ARGS...: the call prints TEXT, or a line with it; what it printed stands in $out.
says() {
    local who=$1 text=$2
    shift 2
    out=$("$call" --kubeconfig "$E2E_WORK/users/$who.kubeconfig" "$@" 2>&1)
    if [[ $out == *"$text"* ]]; then pass "$who $*"; else fail "$who $* does not say: $text" "$out"; fi
}

config_map() { # config_map NAME [MEMBERS]
    echo "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"$1\"}${2-}}"
}

if [ ! -x "$call" ]; then
    fail "$call is not built" "make e2e builds it"
    exit 1
fi
admin create namespace $space >/dev/null

# ---- reading and writing

version=$(admin version -o json | sed -n '/serverVersion/,$s/.*"gitVersion": "\(.*\)".*/\1/p')
says admin "\"gitVersion\":\"$version\"" get /version
says admin ok text /readyz
says admin "\"manager\":\"proctor\"" create $path/configmaps <(config_map a ',"data":{"x":"1"}')
says admin '"x":"2"' merge $path/configmaps/a <(echo '{"data":{"x":"2"}}')
says admin '"x":"3"' json $path/configmaps/a \
    <(echo '[{"op":"replace","path":"/data/x","value":"3"}]')
check "kubectl sees it" "$(admin get configmap a -n $space -o jsonpath='{.data}')" '{"x":"3"}'
version=$(admin get configmap a -n $space -o jsonpath='{.metadata.resourceVersion}')
old="{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"x\":\"4\"},
      \"metadata\":{\"name\":\"a\",\"resourceVersion\":\"$version\"}}"
says admin '"x":"4"' replace $path/configmaps/a <(echo "$old")

# ---- refusals

server=$(admin config view --minify -o jsonpath='{.clusters[0].cluster.server}')
refusal() { check "$1" "${out##*$'\n'}" "error $2: $server: $3"; }

says admin 'error conflict' replace $path/configmaps/a <(echo "$old")
refusal "changed meanwhile" conflict "PUT $path/configmaps/a: 409: Operation cannot be fulfilled on \
configmaps \"a\": the object has been modified; please apply your changes to the latest version and \
try again"
says admin 'error conflict' create $path/configmaps <(config_map a)
refusal "exists" conflict "POST $path/configmaps: 409: configmaps \"a\" already exists"
says admin 'error conflict' apply "$path/configmaps/a?fieldManager=other" \
    <(config_map a ',"data":{"x":"5"}')
says admin '"x":"5"' apply "$path/configmaps/a?fieldManager=other&force=true" \
    <(config_map a ',"data":{"x":"5"}')
says admin 'error not_found' get $path/configmaps/none
refusal "absent" not_found "GET $path/configmaps/none: 404: configmaps \"none\" not found"
says admin 'cause: metadata.name' create $path/configmaps <(config_map A_B)
says admin 'error refused' create $path/configmaps <(config_map A_B)
says admin 'warning: unknown field "spoc"' create $path/configmaps \
    <(config_map warned ',"spoc":{"a":1}')

# ---- who one is

cat >"$E2E_WORK/users/account.kubeconfig" <<END
{current-context: e2e, contexts: [{name: e2e, context: {cluster: e2e, user: account}}],
 clusters: [{name: e2e, cluster: {server: "$server", certificate-authority: "../pki/ca.crt"}}],
 users: [{name: account, user: {tokenFile: account.token}}]}
END
admin create serviceaccount teller -n $space >/dev/null
admin create token teller -n $space >"$E2E_WORK/users/account.token"
says account 'error forbidden' get $path/secrets
refusal "a right that is missing" forbidden "GET $path/secrets: 403: secrets is forbidden: User \
\"system:serviceaccount:$space:teller\" cannot list resource \"secrets\" in API group \"\" in the \
namespace \"$space\""
check "kubectl says the same" "$(kubectl --kubeconfig "$E2E_WORK/users/account.kubeconfig" \
    get secrets -n $space 2>&1)" "Error from server (Forbidden): ${out#*403: }"
admin create rolebinding teller --clusterrole=view --serviceaccount=$space:teller -n $space \
    >/dev/null
# shellcheck disable=SC2329 # `eventually` calls it
lets_in() { "$call" --kubeconfig "$E2E_WORK/users/account.kubeconfig" get $path/configmaps; }
eventually lets_in
says account '"name":"warned"' get $path/configmaps
says admin "User \"bob\" cannot list" --as bob get $path/configmaps
says account ' cannot impersonate' --as bob get $path/configmaps
echo nonsense >"$E2E_WORK/users/account.token"
says account 'error unauthorized' get $path/configmaps
says account '401: Unauthorized' get $path/configmaps

# ---- lists

for number in $(seq 600); do # three pages
    echo '---'
    config_map "many-$number"
done | admin create -n $space -f - >/dev/null
check "a list of several pages is kubectl's" \
    "$("$call" --kubeconfig "$E2E_WORK/users/admin.kubeconfig" list $path/configmaps |
        grep -o '"name":"[a-z0-9.-]*","namespace"' | cut -d'"' -f4)" \
    "$(admin get configmaps -n $space -o name | cut -d/ -f2)"
says admin '"status":"Success"' delete $path/configmaps/a
check "it is deleted" "$(admin get configmap a -n $space --ignore-not-found)" ''
admin delete namespace $space --wait=false >/dev/null
