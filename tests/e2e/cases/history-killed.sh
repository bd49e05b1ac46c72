#!/usr/bin/env bash
# 500 changes to a dozen projects, while the recorder is killed at 20 random moments and started
# again: each version that the API server stored stands in the history once, and so does each
# intent that was answered; the versions too that came while no recorder ran.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
changes=$E2E_WORK/changes times=$E2E_WORK/lives
seed=${SEED:-$RANDOM}
server=$(admin config view --minify -o jsonpath='{.clusters[0].cluster.server}')
database=$(recorder database)
python() { python3 -IS "$E2E_TREE/tests/e2e/changes.py" "$@"; }
now() { date +%s.%N; }
late() { recorder metrics | awk '/^proctor_intents_late_total/ { print $2 }'; }

RANDOM=$seed
recorder start --soak-seconds 1
: >"$times"
up=$(now)
python make "${server#https://}" "$E2E_WORK/pki/ca.crt" "$E2E_WORK/pki/admin.crt" \
    "$E2E_WORK/pki/admin.key" hydrosim-students 516 22 "$seed" >"$changes" 2>"$changes.err" &
maker=$!
for _ in $(seq 20); do
    sleep "0.$(printf %03d $((RANDOM % 1000)))"
    waiting=$(late)
    down=$(now)
    recorder kill
    echo "$up $down ${waiting:-0}" >>"$times"
    RECORDER_SYNC=no recorder start --soak-seconds 1
    up=$(now)
done
wait "$maker" || fail "the changes, SEED=$seed" "$(cat "$changes.err")"
echo "$up $(now) $(late)" >>"$times"

# It has told everything when it knows the last version of each project.
# shellcheck disable=SC2329 # `eventually` calls it
knows_the_last() { api admin '/api/projects?limit=200' | python last "$changes"; }
eventually knows_the_last
# What was judged twice, as an older generation first, is given up a while later.
# shellcheck disable=SC2329
nothing_is_pending() {
    local number
    for number in $(seq 0 11); do
        api_has admin "/api/projects/changed-$number/deployments?status=Pending" \
            'items[*].number' '' || return
    done
}
eventually nothing_is_pending
recorder stop
python hold "$changes" "$database" "$times" >"$E2E_WORK/held" 2>&1
while read -r verdict what; do
    case $verdict in
        pass) pass "$what" ;;
        *) fail "SEED=$seed" "$verdict $what" ;;
    esac
done <"$E2E_WORK/held"
check "all was looked at" "$(grep -c '^pass\|^fail' "$E2E_WORK/held")" 10
