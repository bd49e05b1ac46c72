#!/usr/bin/env bash
# Back to a version by the recorder's API, on a real control plane: what is recorded of it, what is
# refused, and that the next `kubectl apply`, client-side and server-side, finds nothing odd.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" student-2024001
other=student-2024002
there=/api/projects/$other
recorder start --soak-seconds 1 --evidence-seconds 2
as s2024001

# ---- back, and what is recorded of it

version 1 | accepted kubectl apply -f -
become 1 good yes
version 2 | accepted kubectl apply -f -
become 2 status Completed
before=$(generation)
back 200 s2024001 1 '{"dryRun":true}'
check "a dry run changes nothing" "$(generation)" "$before"
back 409 s2024001 1 '{}' --header "If-Match: \"$((before - 1))\""
says "If-Match of another generation" reason GenerationMoved
key=(--header 'Idempotency-Key: one' --header "If-Match: \"$before\"")
back 202 s2024001 1 '{"reason":"V2 counts wrong"}' "${key[@]}"
first=$(answer operation.id)
eventually is_done
image v1
become 3 status Completed
row 3 rollbackOf "$(id 2)"
row 3 source "$(id 1)"
row 3 origin recorder
row 3 actor.user s2024001
row 3 actor.via system:serviceaccount:hydrosim-system:proctor-recorder
row 3 actor.certain true
row 3 changeCause 'version 1'
become 2 status RolledBack
api_is teacher "/api/operations/$first" result "$(id 3)"
back 202 s2024001 1 '{"reason":"V2 counts wrong"}' "${key[@]}"
says "the same key is the same operation" operation.id "$first"
back 422 s2024001 1 '{"reason":"other words"}' --header 'Idempotency-Key: one'
says "the same key with another body" reason IdempotencyKeyReused
back 409 s2024001 1
says "once more" reason AlreadyAtRevision
back 403 s2024002 1
api_is teacher "$here" current.number 3

# ---- the next apply; undone by kubectl

before=$(generation)
version 1 | accepted kubectl diff -f -
version 1 | accepted kubectl apply -f -
check "the manifest of then changes nothing" "$(generation)" "$before"
version 2 | accepted kubectl apply -f -
stored "deployment/$project" '{.spec.template.spec.containers[0].env[?(@.name=="VERSION")].value}' 2
become 4 status Completed
accepted kubectl rollout undo "deployment/$project"
become 5 status Completed
row 5 source "$(id 3)"
row 5 actor.user s2024001
row 5 rollbackOf null

# ---- paused; what policy does not take any more

accepted kubectl rollout pause "deployment/$project"
back 409 s2024001 2
says "paused" reason Paused
back 202 s2024001 2 '{"resume":true}'
stored "deployment/$project" '{.spec.paused}' ''
eventually is_done
image v2
version 7 | sed 's/registry.hydrosim.edu/docker.io/' |
    accepted admin apply -n hydrosim-students -f -
become 7 status Completed
version 8 | accepted kubectl apply -f -
become 8 status Completed
before=$(generation)
back 422 s2024001 7
says "what policy refuses" reason PolicyRefused
says "its cause" 'causes[0].field' 'spec.template.spec.containers[0].image'
check "nothing has changed" "$(generation)" "$before"

# ---- server-side apply; the configuration of then is not what is rolled back

as s2024002
trap 'admin delete configmap "$other" --ignore-not-found >/dev/null 2>&1' EXIT
accepted admin create configmap "$other" -n hydrosim-students --from-literal levels=3
CONTAINER="envFrom: [{configMapRef: {name: $other}}]" IMAGE=registry.hydrosim.edu/$other:v1 \
    program Deployment $other >"$dir/v1.yaml"
CONTAINER="env: [{name: NEW, value: x}]" IMAGE=registry.hydrosim.edu/$other:v2 \
    program Deployment $other >"$dir/v2.yaml"
accepted kubectl apply --server-side -f "$dir/v1.yaml"
eventually api_has teacher "$there" current.status Completed
v1=$(api_member teacher "$there" current.id)
accepted kubectl apply --server-side -f "$dir/v2.yaml"
eventually api_has teacher "$there" current.image registry.hydrosim.edu/$other:v2
api_does 200 s2024002 POST "/api/deployments/$v1/rollback" '{"dryRun":true}'
says "nothing to warn of" warning null
accepted admin patch configmap "$other" -n hydrosim-students -p '{"data":{"levels":"5"}}'
api_does 202 s2024002 POST "/api/deployments/$v1/rollback" '{}'
says "a warning" warning "version 1 would run with today's configuration, not with its own: \
ConfigMap $other has changed since"
eventually is_done
check "no trace of us among the managers" "$(admin get deployment $other --show-managed-fields \
    -o jsonpath='{.metadata.managedFields[*].manager}' | grep -c proctor)" 0
accepted kubectl apply --server-side -f "$dir/v1.yaml"
accepted kubectl apply --server-side -f "$dir/v2.yaml"
stored deployment/$other '{.spec.template.spec.containers[0].image}' \
    registry.hydrosim.edu/$other:v2
