#!/usr/bin/env bash
# A project's whole life by the API alone, and the stream that tells of it from the first event to
# the last: nothing in it is missing, nothing stands twice.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
other=student-2024002
recorder start --soak-seconds 1 --evidence-seconds 2 --hold-hours 1
as s2024001

# deploys STATUS TAG [MEMBERS]
deploys() {
    api_does "$1" s2024001 POST "$here/deploy" \
        "{\"image\":\"registry.hydrosim.edu/$project:$2\",\"health\":{\"delaySeconds\":0,\"retries\":1,\"intervalSeconds\":1}${3-}}"
}
# listen FILE [CURL OPTION...]: its stream, in the background
listen() {
    recorder get "$here/stream" s2024001 -N --max-time 300 "${@:2}" >"$1" 2>/dev/null &
}
told() { grep -qs "$1" "$dir/stream"; }

# ---- the first version, and who sees it

api_does 404 teacher GET "$here"
deploys 202 v1 ',"environment":{"A":"1"},"changeCause":"the first"'
check "where the operation is" "$(api_member s2024001 "/api/operations/$(answer operation.id)" kind)" \
    deploy
listen "$dir/stream" --header 'Last-Event-ID: 0'
become 1 good yes
eventually told '^event: deployment_started$'
eventually told '^event: deployment_completed$'
eventually told '^data: .*"number":1,"status":"Completed".*"progress":100'
row 1 actor.user s2024001
row 1 changeCause 'the first'
row 1 image "registry.hydrosim.edu/$project:v1"
row 1 current true
as s2024002
accepted kubectl apply -f <(program Deployment $other)
as s2024001
eventually api_has teacher "/api/projects/$other/deployments" 'items[0].status' Completed
api_is s2024001 /api/whoami user s2024001
api_is s2024001 /api/projects 'items[*].name' "$project"
api_is s2024002 /api/projects 'items[*].name' "$other"
check "the teacher sees both" \
    "$(api_member teacher /api/projects 'items[*].name' | tr ' ' '\n' | sort | xargs)" \
    "$project $other"
api_does 403 s2024002 GET "$here"
api_does 403 s2024002 GET "/api/deployments/$(id 1)/evidence"
api_does 401 nobody GET "$here"

# ---- a broken version: why, what is different, and the way back

deploys 202 v2-crashes ',"environment":{"A":"2"},"rollbackOnFailure":false'
become 2 status Failed
row 2 reason CrashLoop
evidence=/api/deployments/$(id 2)/evidence
api_is s2024001 "$evidence" 'instances[0].exitCode' 3
api_is s2024001 "$evidence" 'instances[0].container' "$(api_member s2024001 "$evidence" 'deployment.images[0].container')"
check "the evidence is one sentence" \
    "$(api_member s2024001 "$evidence" summary | grep -c '^Version 2 of .*CrashLoop')" 1
container=$(api_member s2024001 "$evidence" 'instances[0].container')
api_is s2024001 "/api/deployments/$(id 2)/diff" 'changes[*].path' \
    "spec.containers[$container].env[A].value spec.containers[$container].image"
back 200 s2024001 1 '{"dryRun":true}'
back 409 s2024001 1 '{}' --header "If-Match: \"$(($(generation) - 1))\""
says "the generation has moved" reason GenerationMoved
back 202 s2024001 1 '{"reason":"it crashes"}' --header 'Idempotency-Key: back'
first=$(answer operation.id)
eventually is_done
become 3 status Completed
become 2 status RolledBack
row 3 rollbackOf "$(id 2)"
row 3 source "$(id 1)"
row 3 template "$(api_member teacher "/api/deployments/$(id 1)" template)"
image v1
back 202 s2024001 1 '{"reason":"it crashes"}' --header 'Idempotency-Key: back'
check "done once" "$(answer operation.id)" "$first"
back 422 s2024001 1 '{"reason":"another"}' --header 'Idempotency-Key: back'

# ---- restart, pause, resume, mark

become 3 good yes
api_does 202 s2024001 POST "$here/restart" '{"reason":"it hangs"}'
eventually is_done
become 4 changeKind restart
become 4 good yes
api_does 200 s2024001 POST "$here/pause" '{}'
stored "deployment/$project" '{.spec.paused}' true
api_does 200 s2024001 POST "$here/resume" '{}'
api_does 200 teacher POST "/api/deployments/$(id 1)/mark" '{"good":"no","reason":"wrong results"}'
row 1 good no
row 1 goodBy teacher
back 409 s2024001 4
says "there already" reason AlreadyAtRevision

# ---- back by itself, and the hold on what failed

accepted kubectl annotate deployment "$project" proctor.dev/auto-rollback=true
deploys 202 v5-crashes ',"rollbackOnFailure":false'
become 6 status Completed
become 5 status RolledBack
row 6 rollbackOf "$(id 5)"
image v1
api_is s2024001 "$here/holds" 'items[*].deployments' '[5]'
held=$(api_member s2024001 "$here/holds" 'items[0].template')
row 5 held true
api_does 403 s2024002 DELETE "$here/holds?template=$held"
deploys 409 v5-crashes ',"rollbackOnFailure":false'
api_does 200 s2024001 DELETE "$here/holds?template=$held"
api_is s2024001 "$here/holds" items '[]'

# ---- deleted, and made again

accepted kubectl delete deployment "$project"
eventually api_has s2024001 "$here" current null
api_does 202 s2024001 POST "$here/undelete" '{"reason":"it was a mistake"}'
eventually is_done
become 7 status Completed
image v1
api_is s2024001 "$here" current.number 7

# ---- all of it, as a file

recorder get '/api/export?format=csv' s2024001 >"$dir/export.csv"
check "a line a version" "$(tr -d '\r' <"$dir/export.csv" | cut -d , -f 1,2 | tail -n +2 | sort -u | wc -l)" 7
check "none of another" "$(grep -c "$other" "$dir/export.csv")" 0
check "the teacher exports both" \
    "$(recorder get /api/export teacher | member 'items[*].project' | tr ' ' '\n' | sort -u | xargs)" \
    "$project $other"

# ---- and nothing was missed by who listened, or who came back

api_is s2024001 "$here/events?limit=200" nextCursor null
wanted=$(api_member s2024001 "$here/events?limit=200" 'items[*].id' | tr ' ' '\n')
# same_ids FILE IDS: those of its events, for `eventually`.  An id without an event is where it began.
same_ids() { diff <(sed -n '/^id: /{N;s/^id: \([0-9]*\)\nevent: .*/\1/p}' "$1") <(echo "$2"); }
eventually same_ids "$dir/stream" "$wanted"
middle=$(sed -n 5p <<<"$wanted")
listen "$dir/again" --header "Last-Event-ID: $middle"
eventually same_ids "$dir/again" "$(tail -n +6 <<<"$wanted")"
recorder stop
eventually grep -q 'come again' "$dir/stream"
wait
