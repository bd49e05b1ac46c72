#!/usr/bin/env bash
# The recorder's watch on a real API server: what it tells is what is stored, also after the
# connection was cut, after the API server was killed, and after etcd forgot old versions.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=$E2E_TREE/tests/e2e
call=$E2E_BIN/../client/call
space=watch-case
path=/api/v1/namespaces/$space/configmaps
dir=$E2E_WORK/watch
started=()

# shellcheck disable=SC2329 # the trap calls it
stop() {
    [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null
    admin delete namespace $space --wait=false >/dev/null 2>&1
}
trap stop EXIT

if [ ! -x "$call" ]; then
    fail "$call is not built" "make e2e builds it"
    exit 1
fi
mkdir -p "$dir"
server=$(admin config view --minify -o jsonpath='{.clusters[0].cluster.server}')

config_map() { # config_map NAME [MEMBERS]
    echo "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"$1\"}${2-}}"
}

# watch FILE KUBECONFIG FLAGS...: in the background, an event a line into FILE; its process in $!.
watch() {
    local file=$1 config=$2
    shift 2
    "$call" --kubeconfig "$config" "$@" watch $path >"$file" 2>&1 &
    started+=($!)
}

# told FILE PATTERN: for `eventually`: a line that matches whole.
told() { grep -qxE "$2" "$1"; }

# What the events add up to: the names that a reader believes there are now.
# shellcheck disable=SC2329 # `eventually` calls it
sum() {
    awk '/^LIST_BEGINS/ { delete there }
        /^(LISTED|ADDED|MODIFIED) / { there[$2] = $3 }
        /^DELETED / { delete there[$2] }
        END { for (name in there) print name, there[name] }' "$1" | sort
}

# shellcheck disable=SC2329
agrees() {
    [ "$(sum "$1")" = "$(admin get configmaps -n $space \
        -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}' |
        sort)" ]
}

# A door to the API server that can be shut.
door() {
    python3 -IS "$here/door.py" "$1" "${server##*:}" >"$dir/door" 2>"$dir/door.err" &
    door=$!
    started+=("$door")
}

# ---- 600 objects, and what happens to them

admin create namespace $space >/dev/null
admin create serviceaccount watcher -n $space >/dev/null
admin create rolebinding watcher --clusterrole=view --serviceaccount=$space:watcher -n $space \
    >/dev/null
admin create token watcher -n $space --duration 1h >"$dir/token"
for number in $(seq 600); do
    echo '---'
    config_map "many-$number"
done | admin create -n $space -f - >/dev/null
eventually admin get configmap -n $space kube-root-ca.crt

door 0
eventually test -s "$dir/door"
port=$(cat "$dir/door")
cat >"$dir/kubeconfig" <<END
{current-context: e2e, contexts: [{name: e2e, context: {cluster: e2e, user: watcher}}],
 clusters: [{name: e2e, cluster: {server: "https://127.0.0.1:$port",
                                  certificate-authority: "$E2E_WORK/pki/ca.crt"}}],
 users: [{name: watcher, user: {tokenFile: "$dir/token"}}]}
END
watch "$dir/seen" "$dir/kubeconfig"
watcher=$!
eventually told "$dir/seen" CONNECTED
check "all are listed, in three pages" "$(grep -c '^LISTED many-' "$dir/seen")" 600
accepted admin create -n $space -f <(config_map later)
accepted admin patch configmap later -n $space --type merge -p '{"data":{"a":"b"}}'
accepted admin delete configmap later -n $space
eventually told "$dir/seen" 'ADDED later [0-9]+'
eventually told "$dir/seen" 'MODIFIED later [0-9]+'
eventually told "$dir/seen" 'DELETED later [0-9]+'
eventually agrees "$dir/seen"

# ---- the connection is cut, and things happen meanwhile

kill "$door"
wait "$door" 2>/dev/null
eventually told "$dir/seen" 'LOST: https://.*'
accepted admin delete configmap many-1 many-2 -n $space
accepted admin create -n $space -f <(config_map meanwhile)
accepted admin patch configmap many-3 -n $space --type merge -p '{"data":{"a":"b"}}'
door "$port"
eventually told "$dir/seen" 'DELETED many-1 [0-9]+'
eventually told "$dir/seen" 'DELETED many-2 [0-9]+'
eventually told "$dir/seen" 'ADDED meanwhile [0-9]+'
eventually told "$dir/seen" 'MODIFIED many-3 [0-9]+'
eventually agrees "$dir/seen"
check "nothing is listed again, nothing told twice" "$(grep -c -e '^LIST_BEGINS' \
    -e '^DELETED many-1 ' -e '^ADDED meanwhile ' "$dir/seen")" 3
check "no gap" "$(grep -c gap "$dir/seen")" 0

# ---- an object that base/json refuses, as everybody may store one

accepted admin create -n $space \
    -f <(config_map evil ',"data":{"a":"\u0000"}')
accepted admin create -n $space -f <(config_map after-evil)
eventually told "$dir/seen" 'UNREADABLE ADDED evil [0-9]+: a NUL character in a string at byte .*'
eventually told "$dir/seen" 'ADDED after-evil [0-9]+'
watch "$dir/listed" "$E2E_WORK/users/admin.kubeconfig"
lister=$!
eventually told "$dir/listed" CONNECTED
check "the list tells it by name, and all others" "$(grep -c -e '^LISTED many-' \
    -e '^UNREADABLE LISTED evil ' "$dir/listed")" 599
kill $lister
accepted admin delete configmap evil -n $space
eventually told "$dir/seen" 'UNREADABLE DELETED evil .*'

# ---- the API server is killed

old=$(admin get configmap many-5 -n $space -o jsonpath='{.metadata.resourceVersion}')
kill -KILL "$(cat "$E2E_WORK/run/kube-apiserver")"
eventually "$here/cluster" up
accepted admin delete configmap many-4 -n $space
accepted admin create -n $space -f <(config_map afterwards)
eventually told "$dir/seen" '(ADDED|LISTED) afterwards [0-9]+( gap)?'
eventually agrees "$dir/seen"

# ---- etcd forgets

revision=$(admin get configmap afterwards -n $space -o jsonpath='{.metadata.resourceVersion}')
etcd=http://127.0.0.1:$(sed -n 's/^etcd=//p' "$E2E_WORK/ports")
accepted curl -sSf "$etcd/v3/kv/compaction" -d "{\"revision\":\"$revision\",\"physical\":true}"
watch "$dir/old" "$E2E_WORK/users/admin.kubeconfig" --since "$old"
eventually told "$dir/old" 'LIST_ENDS [0-9]+ gap'
eventually agrees "$dir/old"
watch "$dir/none" "$E2E_WORK/users/admin.kubeconfig" --since no-version
eventually told "$dir/none" 'LIST_ENDS [0-9]+ gap'
eventually agrees "$dir/none"
accepted admin create -n $space -f <(config_map last)
for file in seen old none; do
    eventually told "$dir/$file" 'ADDED last [0-9]+'
done

# ---- the end of it

kill -TERM $watcher
wait $watcher
check "it stops when told" "$? $(tail -n 1 "$dir/seen")" "0 stopped"
