#!/usr/bin/env bash
# Back by itself: a version that fails, the way back, the hold on what failed; and when it is not
# done.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
other=student-2024002
there=/api/projects/$other
recorder start --soak-seconds 1 --evidence-seconds 2 --hold-hours 1
self=system:serviceaccount:hydrosim-system:proctor-recorder
as s2024001
MARKS=", proctor.dev/auto-rollback: 'true'"

# ---- V1 is good, V2 is not

version 1 | accepted kubectl apply -f -
become 1 good yes
version 2 v2-ImagePullBackOff | accepted kubectl apply -f -
become 2 status RolledBack
row 2 reason ImagePull
image v1
row 3 status Completed
row 3 rollbackOf "$(id 2)"
row 3 source "$(id 1)"
row 3 origin recorder
row 3 actor.user "$self"
row 3 actor.certain true
told() { # told NUMBER TYPE: whether an event of that type is told of the version
    api_member teacher "/api/deployments/$(id "$1")/events?limit=200" 'items[*].type' | grep -wq "$2"
}
for type in image_pull_failed deployment_failed rollback_started rollback_completed; do
    eventually told 2 "$type"
done
check "the evidence names the image" "$(api_member teacher "/api/deployments/$(id 2)/evidence" \
    instances | grep -c v2-ImagePullBackOff)" 1
api_is teacher "$here/holds" 'items[*].setBy' "$self"
template=$(api_member teacher "$here/holds" 'items[0].template')
api_is teacher "/api/deployments/$(id 2)" template "$template"
row 2 held true

check "it is counted" "$(recorder metrics | grep '^proctor_rollbacks_automatic_total ')" \
    'proctor_rollbacks_automatic_total 1'

# ---- what is held does not come back, and says how it would

again() { version 2 v2-ImagePullBackOff | kubectl apply -f -; }
refused "set by $self, because: version 2 failed (ImagePull)" again
refused "DELETE $here/holds?template=$template on the recorder" again
back 409 s2024001 2
says "nor by a rollback" reason Held
api_does 403 s2024002 DELETE "$here/holds?template=$template"
api_does 200 s2024001 DELETE "$here/holds?template=$template"
accepted again

# ---- once for a template: then it is for people

become 4 status Failed
eventually told 4 auto_rollback_refused
refusal() {
    api_member teacher "/api/deployments/$(id "$1")/events?limit=200" items | grep -o "\"$2\"" | head -1
}
check "by which guard" "$(refusal 4 OncePerTemplate)" '"OncePerTemplate"'
image v2-ImagePullBackOff
back 202 s2024001 3
eventually is_done
image v1
become 5 good yes

# ---- never from a way back

back 202 s2024001 4
become 6 status Failed
become 5 reason RollbackFailed
check "no second step" "$(api_member teacher "$here" current.number)" 6
image v2-ImagePullBackOff

# ---- not what somebody else would put back

unset MARKS
as s2024002
marks="annotations: {proctor.dev/auto-rollback: 'true', meta.helm.sh/release-name: a}"
META=$marks IMAGE=registry.hydrosim.edu/$other:v1 program Deployment $other |
    accepted kubectl apply -f -
eventually api_has teacher "$there" current.good yes
META=$marks IMAGE=registry.hydrosim.edu/$other:v2-crashes program Deployment $other |
    accepted kubectl apply -f -
failed() { api_has teacher "$there" current.status Failed; }
eventually failed
other_id=$(api_member teacher "$there" current.id)
told_other() {
    api_member teacher "/api/deployments/$other_id/events?limit=200" items | grep -q '"NotManaged"'
}
eventually told_other
stored deployment/$other '{.spec.template.spec.containers[0].image}' \
    registry.hydrosim.edu/$other:v2-crashes
