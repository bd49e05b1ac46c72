#!/usr/bin/env bash
# What `proctor review` says of a manifest is what the cluster says of it: a corpus of manifests goes
# through both (tests/e2e/parity/).
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
as admin
mkdir "$E2E_WORK/parity"
server=127.0.0.1:$(sed -n 's/^kube-apiserver=//p' "$CLUSTER_DIR/ports")
PYTHONDONTWRITEBYTECODE=1 python3 -S \
    "$E2E_TREE/tests/e2e/parity/compare.py" "$server" "$CLUSTER_DIR/pki/ca.crt" \
    "$CLUSTER_DIR/pki" "$E2E_BIN/proctor" "$E2E_TREE/policies" "$E2E_WORK/parity" \
    >"$E2E_WORK/compared" 2>&1
check "it comes to an end" "$?" 0
check "at least 400 comparisons" "$(($(wc -l <"$E2E_WORK/compared") >= 400))" 1
while read -r verdict what; do
    case $verdict in
        pass) pass "$what" ;;
        *) fail "${what%%: *}" "${what#*: }" ;;
    esac
done <"$E2E_WORK/compared"
# What is stored meanwhile may not be there for the next case.
admin delete deployments,statefulsets,daemonsets,jobs,configmaps,secrets,services,pvc \
    --all --wait=false >/dev/null 2>&1
