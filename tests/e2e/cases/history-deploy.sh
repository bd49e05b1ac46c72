#!/usr/bin/env bash
# POST /api/projects/{project}/deploy on a real control plane: made, changed, refused, gone back
# from; by the portal and by the student.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
trap 'admin delete resourcequota small --ignore-not-found >/dev/null 2>&1' EXIT
as admin
portal=system:serviceaccount:hydrosim-system:portal-backend-sa
recorder start --soak-seconds 1 --evidence-seconds 2 --trusted $portal
project=student-2024001
path=/api/projects/$project/deploy
image=registry.hydrosim.edu/$project
quick='"health":{"delaySeconds":0,"retries":1,"intervalSeconds":1}'

answer() { member "$1" <<<"$E2E_ANSWER"; }
# deploys STATUS WHO BODY [CURL OPTION...]
deploys() { api_does "$1" "$2" POST "$path" "${@:3}"; }
operation() { answer operation.id; }
# The last operation ends so; each of the words stands in its message.
succeeds() { ends_as 'done' "$@"; }
fails() { ends_as failed "$@"; }
ends_as() { # ends_as STATE WHO WORDS...
    local state=$1 who=$2 id message words
    id=$(operation)
    shift 2
    eventually api_has "$who" "/api/operations/$id" state "$state"
    message=$(api_member "$who" "/api/operations/$id" message)
    for words; do
        if [[ $message == *"$words"* ]]; then
            pass "operation $id: $words"
        else
            fail "operation $id does not say: $words" "$message"
        fi
    done
}
# says WORDS...: each stands in the answer.
says() {
    local words
    for words; do
        if [[ $E2E_ANSWER == *"$words"* ]]; then
            pass "$words"
        else
            fail "the answer does not say: $words" "$E2E_ANSWER"
        fi
    done
}
nothing() {
    local object
    for object in deployment service ingress; do
        absent "$object/$project"
    done
}
generation() { admin get "deployment/$project" -o jsonpath='{.metadata.generation}'; }

# ---- what is refused leaves nothing behind
deploys 400 portal '{"image":"A B","port":-1,"strategy":"BlueGreen","environment":{"1A":"x"},"imgae":"x"}'
says 'no image' 'from 1 to 65535' 'BlueGreen is not there yet: RollingUpdate or Recreate' \
    'environment.1A' 'did you mean image?'
deploys 400 portal '{"image":NaN}'
deploys 422 portal '{"image":"docker.io/x/y:latest","port":9000,"host":"other.example"}'
check 'its reason' "$(answer reason)" PolicyRefused
says 'not from registry.hydrosim.edu' 'without a fixed tag' 'Service: ' 'Ingress: '
deploys 422 portal "{\"image\":\"$image:v1\",\"strategy\":\"Recreate\"}"
says 'do not allow Recreate here, only RollingUpdate'
deploys 403 s2024002 "{\"image\":\"$image:v1\"}"
deploys 401 nobody "{\"image\":\"$image:v1\"}"
deploys 409 portal "{\"image\":\"$image:v1\"}" --header 'If-Match: "7"'
deploys 403 s2024001 "{\"image\":\"$image:v1\"}" --header 'Proctor-On-Behalf-Of: teacher'
says 'is not trusted to say on whose behalf it acts'
nothing
api_is portal /api/projects 'items[*].name' ''

# ---- made, by the portal for a teacher
first="{\"image\":\"$image:v1\",\"environment\":{\"A\":\"1\",\"B\":\"2\"},\"changeCause\":\"first\",$quick}"
deploys 202 portal "$first" --header 'Idempotency-Key: one' --header 'Proctor-On-Behalf-Of: teacher'
once=$(operation)
deploys 202 portal "$first" --header 'Idempotency-Key: one'
check 'the same key is the same operation' "$(operation)" "$once"
deploys 422 portal "{\"image\":\"$image:v9\"}" --header 'Idempotency-Key: one'
check 'the key with something else' "$(answer reason)" IdempotencyKeyReused
E2E_ANSWER="{\"operation\":{\"id\":$once}}"
succeeds portal 'version 1 is completed and healthy'
template='{.spec.template.spec.containers[0]'
stored "deployment/$project" "$template.image}" "$image:v1"
stored "deployment/$project" "$template.env[?(@.name=='A')].value}" 1
stored "deployment/$project" "$template.env[?(@.name=='DB_HOST')].value}" \
    postgres.hydrosim-system.svc.cluster.local
stored "deployment/$project" "$template.resources.limits.cpu}" 500m
stored "deployment/$project" "$template.readinessProbe.tcpSocket.port}" 8000
stored "deployment/$project" '{.spec.strategy.rollingUpdate.maxUnavailable}' 0
stored "deployment/$project" "{.metadata.annotations['kubernetes\.io/change-cause']}" first
stored "service/$project" '{.spec.type} {.spec.ports[0].port} {.spec.ports[0].targetPort} {.spec.selector.app}' \
    "ClusterIP 80 8000 $project"
stored "ingress/$project" '{.spec.rules[0].host}' "$project.project.hydrosim.edu"
api_is portal "/api/projects/$project/deployments" 'items[0].number' 1
api_is portal "/api/projects/$project/deployments" 'items[0].changeCause' first
api_is portal "/api/projects/$project/deployments" 'items[0].actor.user' $portal
api_is portal "/api/projects/$project/deployments" 'items[0].actor.onBehalfOf' teacher
api_is portal "/api/projects/$project/deployments" 'items[0].origin' recorder
api_is portal "/api/projects/$project/deployments" 'items[0].actor.certain' true

# The policies' five seconds at each rollout are not what is looked at here.
as admin
kubectl patch "deployment/$project" -p '{"spec":{"minReadySeconds":1}}' >/dev/null 2>&1

# ---- changed, by the student: only what was told
deploys 409 s2024001 "{\"image\":\"$image:v2\"}" --header 'If-Match: "999"'
check 'its reason' "$(answer reason)" GenerationMoved
before=$(admin get "service/$project" -o jsonpath='{.metadata.resourceVersion}')
deploys 202 s2024001 "{\"image\":\"$image:v2\",\"environment\":{\"B\":null,\"C\":\"3\"},$quick}" \
    --header "If-Match: \"$(generation)\""
succeeds s2024001 'version 2 is completed and healthy'
stored "deployment/$project" "$template.image}" "$image:v2"
stored "deployment/$project" "$template.env[?(@.name=='A')].value}" 1
stored "deployment/$project" "$template.env[?(@.name=='C')].value}" 3
stored "deployment/$project" "$template.env[?(@.name=='B')].name}" ''
stored "service/$project" '{.metadata.resourceVersion}' "$before"
api_is s2024001 "/api/projects/$project/deployments" 'items[0].actor.user' s2024001
api_is s2024001 "/api/projects/$project/deployments" 'items[0].changeCause' "deploy $image:v2"

# The same again is nothing new.
before=$(generation)
deploys 202 s2024001 "{\"image\":\"$image:v2\",$quick}"
succeeds s2024001 'version 2 is completed and healthy'
check 'the generation' "$(generation)" "$before"

# ---- an image that cannot be had is gone back from
eventually api_has s2024001 "/api/projects/$project/deployments" 'items[0].good' yes
deploys 202 s2024001 "{\"image\":\"$image:ImagePullBackOff\",$quick}"
fails s2024001 'version 3 failed' ImagePull 'rolled back to version 2'
stored "deployment/$project" "$template.image}" "$image:v2"
api_is s2024001 "/api/projects/$project/deployments" 'items[0].image' "$image:v2"
api_is s2024001 "/api/projects/$project/deployments" 'items[1].status' RolledBack

# One that starts, and then is not well, too; unless it is to stay.
deploys 202 s2024001 "{\"image\":\"$image:v4-restarts\",\"rollbackOnFailure\":false,
    \"health\":{\"delaySeconds\":0,\"retries\":20,\"intervalSeconds\":1}}"
fails s2024001 'is not healthy: it restarted' 'it was not to be rolled back'
stored "deployment/$project" "$template.image}" "$image:v4-restarts"

# ---- somebody else is quicker
deploys 202 s2024001 "{\"image\":\"$image:v5-unready\",$quick}"
eventually api_has s2024001 "/api/projects/$project/deployments" 'items[0].status' InProgress
admin set image "deployment/$project" "*=$image:v6" >/dev/null 2>&1
fails s2024001 'superseded by version'

# ---- cancelled while it is under way
eventually api_has s2024001 "/api/projects/$project/deployments" 'items[0].good' yes
deploys 202 s2024001 "{\"image\":\"$image:v6-unready\",$quick}"
cancelled=$E2E_ANSWER
eventually api_has s2024001 "/api/projects/$project/deployments" 'items[0].status' InProgress
number=$(api_member s2024001 "/api/projects/$project/deployments" 'items[0].id')
api_does 202 s2024001 POST "/api/deployments/$number/cancel" '{"reason":"the wrong one"}'
E2E_ANSWER=$cancelled
fails s2024001 'was cancelled'
stored "deployment/$project" "$template.image}" "$image:v6"

# ---- the client-side apply of whoever has the file still works
as s2024001
accepted kubectl apply -f <(IMAGE=$image:v7 program Deployment $project)
stored "deployment/$project" "$template.image}" "$image:v7"
deploys 202 s2024001 "{\"image\":\"$image:v8\",$quick}"
succeeds s2024001 healthy
accepted kubectl apply --server-side -f <(IMAGE=$image:v8 program Deployment $project)
as admin

# ---- stopped, and started again
deploys 202 s2024001 "{\"image\":\"$image:v8\",\"replicas\":0,$quick}"
succeeds s2024001 'stopped (replicas 0)'
deploys 202 s2024001 "{\"image\":\"$image:v8\",\"replicas\":1,$quick}"
succeeds s2024001 healthy
stored "deployment/$project" '{.status.availableReplicas}' 1

# ---- Recreate, where the policies allow it: with a volume of its own
admin patch "deployment/$project" --type=json -p '[{"op":"add","path":"/spec/template/spec/volumes",
    "value":[{"name":"data","persistentVolumeClaim":{"claimName":"student-2024001"}}]}]' >/dev/null 2>&1
deploys 202 s2024001 "{\"image\":\"$image:v9\",\"strategy\":\"Recreate\",$quick}"
stored "deployment/$project" '{.spec.strategy.type}' Recreate

# ---- the quota of the room
admin create quota small --hard=count/deployments.apps=1 >/dev/null 2>&1
eventually is resourcequota/small '{.status.used.count/deployments\.apps}' 1
api_does 422 portal POST /api/projects/student-2024003/deploy \
    '{"image":"registry.hydrosim.edu/student-2024003:v1"}'
check 'its reason' "$(answer reason)" QuotaExceeded
absent service/student-2024003
