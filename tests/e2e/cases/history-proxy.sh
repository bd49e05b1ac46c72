#!/usr/bin/env bash
# `proctor history` without --server: through the API server's proxy of the recorder's Service, with
# a token that the API server keeps for itself and that goes in Proctor-Authorization too.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
project=student-2024001
system=hydrosim-system
address=192.0.2.7 # not loopback, which the API server's proxy refuses (tests/e2e/apart)
dir=$E2E_WORK/history-proxy
mkdir -p "$dir"
trap 'kill $(jobs -p) 2>/dev/null
    admin -n $system delete --ignore-not-found --wait=false service/proctor-recorder \
        pod/proctor-recorder >/dev/null 2>&1' EXIT
# proctor WHO ARG...
proctor() {
    local who=$1
    shift
    KUBECONFIG=$dir/$who.kubeconfig "$E2E_BIN/proctor" "$@" 2>&1
}
# says WHO CODE TEXT ARG...
says() {
    local who=$1 code=$2 text=$3 out got=0
    shift 3
    out=$(proctor "$who" "$@") || got=$?
    check "exit code of proctor $* as $who" "$got" "$code"
    if [[ $out == *"$text"* ]]; then pass "$who: $text"; else fail "$who: no $text" "$out"; fi
}

recorder start --soak-seconds 2 >/dev/null || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}

# The API server passes on to pods alone: one that has the address, behind which stands the recorder,
# which listens on loopback.
python3 -IS - "$address" "$(recorder url)" >"$dir/port" <<'END' &
import socket, sys, threading
address, target = sys.argv[1], sys.argv[2].rsplit(":", 1)[1]
def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
server = socket.create_server((address, 0))
print(server.getsockname()[1], flush=True)
while True:
    near, _ = server.accept()
    far = socket.create_connection(("127.0.0.1", int(target)))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=pass_on, args=pair, daemon=True).start()
END
eventually test -s "$dir/port"
eventually admin -n $system get serviceaccount default
admin -n $system run proctor-recorder --image none >/dev/null
runs() { [ "$(admin -n $system get pod proctor-recorder -o jsonpath='{.status.phase}')" = Running ]; }
eventually runs
admin -n $system patch pod proctor-recorder --subresource status --type merge \
    -p "{\"status\": {\"podIP\": \"$address\", \"podIPs\": [{\"ip\": \"$address\"}]}}" >/dev/null || fail "no address"
admin apply -f - >/dev/null 2>&1 <<END || fail "no Service"
apiVersion: v1
kind: Service
metadata: {name: proctor-recorder, namespace: $system}
spec: {ports: [{name: api, port: 443, targetPort: $(cat "$dir/port")}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: proctor-recorder, namespace: $system}
subsets:
  - addresses:
      - {ip: $address, targetRef: {kind: Pod, name: proctor-recorder, namespace: $system}}
    ports: [{name: api, port: $(cat "$dir/port")}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: proctor-recorder-proxy, namespace: $system}
rules:
  - apiGroups: [""]
    resources: [services/proxy]
    resourceNames: ["https:proctor-recorder:api"]
    verbs: [get, create, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: proctor-recorder-proxy, namespace: $system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: proctor-recorder-proxy}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: s2024001}]
END
for who in s2024001 s2024002; do
    cp "$E2E_WORK/users/$who.kubeconfig" "$dir/$who.kubeconfig"
    kubectl --kubeconfig "$dir/$who.kubeconfig" config set-credentials token \
        --token "$(recorder token $who)" >/dev/null
    kubectl --kubeconfig "$dir/$who.kubeconfig" config set-context --current --user token >/dev/null
done
cp "$E2E_WORK/users/s2024001.kubeconfig" "$dir/certificate.kubeconfig"

as s2024001
program Deployment $project >"$dir/app.yaml"
kubectl apply -f "$dir/app.yaml" >/dev/null 2>&1
reached() { [[ $(proctor s2024001 history list $project) == *"1 *"* ]]; }
eventually reached
says s2024001 0 "Completed" wait -f "$dir/app.yaml" -o json
says s2024001 0 "$project:v1" history list
says s2024001 0 "is paused" history pause $project
says s2024001 0 '"kind": "resume"' history resume $project -o json
says s2024001 1 NoGoodRevision history rollback $project
proctor s2024001 history watch $project --for 20s >"$dir/stream" 2>&1 &
told() { grep -q "$1" "$dir/stream" || { cat "$dir/stream" && return 1; }; }
eventually told 'version 1'
kubectl set image deployment/$project app=registry.hydrosim.edu/$project:v2 >/dev/null 2>&1
eventually told 'version 2 *deployment_started'

says certificate 2 "client certificate, which does not go through" history list $project
says s2024002 2 "services/proxy" history list
says s2024001 2 "--server" history list --namespace hydrosim-students
