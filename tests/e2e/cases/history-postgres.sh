#!/usr/bin/env bash
# Two recorders on one PostgreSQL: either answers and is told, one judges.  It is killed after it has
# written a rollback to the API server and before its database has that: the other one finishes what
# it began, once.  Then the database itself is killed, and comes again.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001
list=/api/projects/$name/deployments
store=$E2E_TREE/tests/store/postgres
# Its socket's path must be short.
dir=$(mktemp -d /tmp/proctor-pg.XXXXXX)
trap '"$store" stop "$dir" >/dev/null 2>&1; rm -rf "$dir"' EXIT
RECORDER_DATABASE=$("$store" start "$dir") || {
    fail "there is no PostgreSQL" ''
    exit 1
}
export RECORDER_DATABASE

first() { recorder "$@"; }
second() { RECORDER=proctor-recorder-2 recorder "$@"; }
psql() { command psql --host="$dir" --username=owner --dbname=history --quiet --tuples-only --command="$1"; }
from_second() { RECORDER=proctor-recorder-2 api_has "$@"; }
leads() { [[ $("$1" status) == *'"leads":true'* ]]; }
ready() { [[ $("$1" status) == *'"ready":true'* ]]; }
apply() {
    IMAGE=registry.hydrosim.edu/$name:$1 SPEC='minReadySeconds: 1' program Deployment $name |
        kubectl apply -f - >/dev/null 2>&1
}
judging=(--soak-seconds 2 --evidence-seconds 2 --persist-seconds 5)

# ---- two, of whom one judges

for which in first second; do
    $which start "${judging[@]}" >/dev/null || {
        fail "the $which does not start" "$(tail -n 5 "$($which log)")"
        exit 1
    }
done
eventually leads first
check "the second follows" "$(leads second && echo leads)" ''
as s2024001
apply v1
eventually api_has teacher $list 'items[number=1].good' yes
check "and tells the same" "$(second get $list teacher)" "$(first get $list teacher)"
# What is told to the one that does not judge is not lost either.
second register
apply v2
eventually api_has teacher $list 'items[number=2].status' Completed
eventually api_has teacher $list 'items[number=2].actor.user' s2024001
eventually api_has teacher $list 'items[number=2].good' yes

# ---- killed between PATCH and commit

generation() { admin get deployment $name -o jsonpath='{.metadata.generation}'; }
id=$(api_member teacher $list 'items[number=1].id')
before=$(generation)
command psql --host="$dir" --username=owner --dbname=history --quiet \
    --command="SET application_name = 'holds-the-table'; BEGIN; LOCK TABLE revision IN EXCLUSIVE MODE;
        SELECT pg_sleep(60)" >/dev/null 2>&1 &
locked() { [ "$(psql "SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND granted
    AND relation = 'revision'::regclass" | tr -d ' \n')" = 1 ]; }
eventually locked
first get "/api/deployments/$id/rollback" s2024001 -X POST --data '{"reason": "the exam begins"}' \
    --header 'Content-Type: application/json' --max-time 20 >/dev/null 2>&1 &
written() { [ "$(generation)" -gt "$before" ]; }
eventually written
check "the API server has it, the database does not" \
    "$(second get $list teacher | member 'items[0].number')" 2
first kill
psql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'holds-the-table'" >/dev/null
eventually leads second
eventually from_second teacher $list 'items[number=3].status' Completed
# What the first one could not write down any more, the second one does.
eventually from_second teacher $list 'items[number=3].rollbackOf' \
    "$(second get $list teacher | member 'items[number=2].id')"
eventually from_second teacher $list 'items[number=3].actor.user' s2024001
eventually from_second teacher "/api/operations/$(psql 'SELECT max(id) FROM rollback_op' | tr -d ' \n')" \
    state 'done'
second get $list teacher >"$dir/list"
check "it is there once" "$(member 'items[*].number' <"$dir/list")" "3 2 1"
check "and goes back to the first" "$(member 'items[number=3].source' <"$dir/list")" "$id"
check "the API server was written to once" "$(generation)" $((before + 1))

# ---- the database is killed, and a change comes meanwhile

first start "${judging[@]}" >/dev/null || fail "the first does not start again" "$(tail -n 5 "$(first log)")"
"$store" crash "$dir"
apply v3
eventually ready second
eventually ready first
one_leads() { leads first || leads second; }
eventually one_leads
eventually from_second teacher $list 'items[number=4].status' Completed
eventually from_second teacher $list 'items[number=4].good' yes
second get $list teacher >"$dir/list"
check "every generation is there once" "$(member 'items[*].generation' <"$dir/list")" \
    "$(generation) $((before + 1)) $before 1"
check "either tells so" "$(first get $list teacher)" "$(cat "$dir/list")"
