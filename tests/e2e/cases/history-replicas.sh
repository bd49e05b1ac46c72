#!/usr/bin/env bash
# Two recorders on one PostgreSQL: the leader is killed as soon as its way back is stored by the API
# server; the other one leads then, and finishes what was begun.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
postgres=$E2E_TREE/tests/store/postgres
folder=$E2E_WORK/database
flags=(--soak-seconds 1 --evidence-seconds 2)

# The server runs as another user than root.  Among the recorders' processes, behind them, so that
# whatever ends the cluster ends it too.
chmod 711 "$E2E_WORK"
mkdir "$folder"
trap '"$postgres" stop "$folder" >/dev/null 2>&1' EXIT
RECORDER_DATABASE=$("$postgres" start "$folder" 2>"$dir/postgres") || {
    fail "no PostgreSQL" "$(cat "$dir/postgres")"
    exit 1
}
export RECORDER_DATABASE
head -n 1 "$folder/data/postmaster.pid" >"$E2E_WORK/run/proctor-recorder-database"
second() { RECORDER=proctor-recorder-2 recorder "$@"; }
leads() { [ "$("$1" metrics | sed -n 's/^proctor_history_leads //p')" = 1 ]; }

recorder start "${flags[@]}"
RECORDER_SYNC=no second start "${flags[@]}"
as s2024001
version 1 | accepted kubectl apply -f -
become 1 good yes
version 2 | accepted kubectl apply -f -
become 2 status Completed
check "the first leads" "$(leads recorder && echo yes)" yes
check "the second does not" "$(leads second || echo no)" no

history_id() {
    admin get deployment "$project" -o jsonpath='{.metadata.annotations.proctor\.dev/history-id}'
}
api s2024001 "/api/deployments/$(id 1)/rollback" -X POST --header 'Idempotency-Key: killed' \
    --data '{}' --header 'Content-Type: application/json' >"$dir/killed" 2>&1 &
until [ -n "$(history_id)" ]; do still_there; done
recorder kill
wait $!
export RECORDER=proctor-recorder-2
eventually leads recorder
recorder register
become 3 status Completed
row 3 rollbackOf "$(id 2)"
row 3 source "$(id 1)"
row 3 actor.user s2024001
become 2 status RolledBack
image v1
back 202 s2024001 1 '{}' --header 'Idempotency-Key: killed'
eventually is_done
api_is teacher "$here" current.number 3

# The first comes back, and follows; what is asked of it is done all the same.
(unset RECORDER && RECORDER_SYNC=no recorder start "${flags[@]}")
unset RECORDER
check "it follows" "$(leads recorder || echo no)" no
back 202 s2024001 2
eventually is_done
become 4 status Completed
row 4 actor.user s2024001
row 4 rollbackOf "$(id 3)"
image v2
