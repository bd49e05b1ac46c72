#!/usr/bin/env bash
# Deploys that the recorder is killed in go on when it comes back, wherever each of them was.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
as admin
recorder start --soak-seconds 1 --evidence-seconds 2
quick='"health":{"delaySeconds":0,"retries":2,"intervalSeconds":1}'
projects=(rolling failing written unwritten late changed)
declare -A operation=()

name() { echo "student-2024001-$1"; }
image() { echo "registry.hydrosim.edu/$(name "$1"):$2"; }
deploy() { # deploy WHICH TAG
    api_does 202 s2024001 POST "/api/projects/$(name "$1")/deploy" \
        "{\"image\":\"$(image "$1" "$2")\",$quick}"
    operation[$1]=$(member operation.id <<<"$E2E_ANSWER")
}
ends() { # ends WHICH STATE WORDS IMAGE'S-TAG
    local path=/api/operations/${operation[$1]} message
    eventually api_has s2024001 "$path" state "$2"
    message=$(api_member s2024001 "$path" message)
    if [[ $message == *"$3"* ]]; then pass "$1: $3"; else fail "$1 does not say $3" "$message"; fi
    stored "deployment/$(name "$1")" '{.spec.template.spec.containers[0].image}' "$(image "$1" "$4")"
}
generation() { admin get "deployment/$(name "$1")" -o jsonpath='{.metadata.generation}'; }
# claimed WHICH AGE [REPLACE...]: as it was before its write was noted; in the database of a recorder
# that does not run.
claimed() {
    python3 -IS - "$(recorder database)" "${operation[$1]}" "${2}000000" "${@:3}" <<'END'
import sqlite3
import sys
path, number, age, *replaces = sys.argv[1:]
base = sqlite3.connect(path)
answer = base.execute("SELECT answer FROM rollback_op WHERE id = ?", (number,)).fetchone()[0]
for was, now in zip(replaces[::2], replaces[1::2]):
    assert was in answer, (was, answer)
    answer = answer.replace(was, now)
base.execute("UPDATE rollback_op SET state = 0, http_status = 0, result_id = NULL, answer = ?,"
             " created_at = created_at - ? WHERE id = ?", (answer, age, number))
base.commit()
END
}

for one in "${projects[@]}"; do
    deploy "$one" v1
done
for one in "${projects[@]}"; do
    ends "$one" 'done' 'version 1 is completed and healthy' v1
    eventually api_has s2024001 "/api/projects/$(name "$one")/deployments" 'items[0].good' yes
done

# ---- killed in the middle of all of these
for one in "${projects[@]}"; do
    [ "$one" = failing ] || deploy "$one" v2-slow5s
done
deploy failing ImagePullBackOff
recorder kill

# Its write was stored, and not noted.
claimed written 60 || fail "the database"
# It was never written: the Deployment stands there as it was read.
admin rollout undo "deployment/$(name unwritten)" >/dev/null 2>&1
was=$(generation unwritten)
claimed unwritten 60 v2-slow5s v3 '"historyId":"op-' '"historyId":"no-' \
    "\"generation\":$((was - 1))" "\"generation\":$was" || fail "the database"
# The same, so long ago that it would surprise; and changed by somebody meanwhile.
claimed late 2000 v2-slow5s v3 '"historyId":"op-' '"historyId":"no-' || fail "the database"
admin scale "deployment/$(name changed)" --replicas 0 >/dev/null 2>&1
claimed changed 60 v2-slow5s v3 '"historyId":"op-' '"historyId":"no-' || fail "the database"

recorder start --soak-seconds 1 --evidence-seconds 2
ends rolling 'done' 'version 2 is completed and healthy' v2-slow5s
ends written 'done' 'version 2 is completed and healthy' v2-slow5s
ends unwritten 'done' 'is completed and healthy' v3
check 'it was written once' "$(generation unwritten)" $((was + 1))
ends late failed 'repeat it' v2-slow5s
ends changed failed 'was changed while the recorder was stopped' v2-slow5s
ends failing failed 'rolled back to version 1' v1
