#!/usr/bin/env bash
# What else people do to a project by the recorder's API: cancel, restart, pause, mark, undelete; and
# an operation that the recorder was killed in.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
other=student-2024002
there=/api/projects/$other
recorder start --soak-seconds 1 --evidence-seconds 2

# ---- a cancel without a good version; it is nobody else's

as s2024002
IMAGE=registry.hydrosim.edu/$other:v1-unready program Deployment $other |
    accepted kubectl apply -f -
eventually api_has teacher "$there/deployments" 'items[0].status' InProgress
only=$(api_member teacher "$there/deployments" 'items[0].id')
api_does 403 s2024001 POST "/api/deployments/$only/cancel" '{}'
api_does 200 s2024002 POST "/api/deployments/$only/cancel" '{}'
stored deployment/$other '{.spec.paused}' true
eventually api_has teacher "/api/deployments/$only" status Cancelled
accepted kubectl delete deployment $other
eventually api_has teacher "/api/deployments/$only" status Deleted
api_does 422 s2024002 POST "$there/undelete" '{}'
says "without a good version" reason NoGoodRevision

# ---- restart, pause

as s2024001
version 1 | accepted kubectl apply -f -
become 1 good yes
api_does 202 s2024001 POST "$here/restart" '{"reason":"it hangs"}'
eventually is_done
become 2 changeKind restart
row 2 actor.user s2024001
row 2 actor.certain true
api_does 200 s2024001 POST "$here/pause" '{}'
stored "deployment/$project" '{.spec.paused}' true
api_does 409 s2024001 POST "$here/restart" '{}'
says "a restart of what is paused" reason Paused
api_does 200 s2024001 POST "$here/resume" '{}'
stored "deployment/$project" '{.spec.paused}' ''

# ---- a cancel goes back to the last good one

become 2 good yes
version 3 v3-unready | accepted kubectl apply -f -
become 3 status InProgress
api_does 202 s2024001 POST "/api/deployments/$(id 3)/cancel" '{"reason":"wrong file"}'
eventually is_done
become 3 status Cancelled
image v1
row 4 rollbackOf "$(id 3)"
api_does 409 s2024001 POST "/api/deployments/$(id 3)/cancel" '{}'
says "there is nothing to cancel" reason NotInProgress

# ---- the recorder is killed as soon as its write is stored

version 5 | accepted kubectl apply -f -
become 5 status Completed
history_id() {
    admin get deployment "$project" -o jsonpath='{.metadata.annotations.proctor\.dev/history-id}'
}
was=$(history_id)
api s2024001 "/api/deployments/$(id 4)/rollback" -X POST --header 'Idempotency-Key: killed' \
    --data '{}' --header 'Content-Type: application/json' >"$dir/killed" 2>&1 &
until [ "$(history_id)" != "$was" ]; do still_there; done
recorder kill
wait $!
recorder start --soak-seconds 1 --evidence-seconds 2
become 6 status Completed
row 6 rollbackOf "$(id 5)"
row 6 actor.user s2024001
row 6 actor.certain true
become 5 status RolledBack
image v1
back 202 s2024001 4 '{}' --header 'Idempotency-Key: killed'
eventually is_done
says "the key has its operation still" operation.to "$(id 4)"
api_is teacher "$here" current.number 6

# ---- deleted, and made again

accepted kubectl label deployment "$project" team=x
version 7 | accepted kubectl apply -f -
become 7 good yes
accepted kubectl delete deployment "$project"
become 7 status Deleted
back 409 s2024001 4
says "a rollback of what is deleted" reason Deleted
api_does 200 s2024001 POST "/api/deployments/$(id 7)/mark" '{"good":"no","reason":"it loses data"}'
api_does 202 s2024001 POST "$here/undelete" '{}'
eventually is_done
image v1
stored "deployment/$project" '{.metadata.labels.team}' x
become 8 status Completed
row 8 actor.user s2024001
row 8 actor.certain true
before=$(generation)
version 1 | accepted kubectl apply -f -
check "its manifest changes nothing" "$(generation)" "$before"
api_does 409 s2024001 POST "$here/undelete" '{}'
says "what is there" reason NotDeleted
