#!/usr/bin/env bash
# A project's whole life by kubectl, as the recorder tells it: each version has its number, who
# brought it, what became of it, and which one it goes back to; what never became a version, too.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
name=student-2024001 other=student-2024002
base=/api/projects/$name list=/api/projects/$name/deployments
dir=$E2E_WORK/history-life
mkdir -p "$dir"

recorder start --soak-seconds 2 --evidence-seconds 3 --persist-seconds 3 >/dev/null || {
    fail "the recorder does not start" "$(tail -n 5 "$(recorder log)")"
    exit 1
}

look() { recorder get "$list?limit=200" teacher >"$dir/list"; }
# of NUMBER MEMBER: of that version, as of the last look.
of() { member "items[number=$1].$2" <"$dir/list"; }
of_is() { check "version $1: $2" "$(of "$1" "$2")" "$3"; }
# comes NUMBER MEMBER VALUE: for `eventually`
comes() { look && [ "$(of "$1" "$2")" = "$3" ] || { cat "$dir/list" && return 1; }; }
image() { kubectl set image deployment/$name "app=registry.hydrosim.edu/$name:$1"; }
# Ready is ready after a second here, and not after five.
manifest() { SPEC='minReadySeconds: 1' IMAGE=registry.hydrosim.edu/$name:$1 program Deployment "${2-$name}"; }
happened() { # happened TYPE: in the project's events, so often
    recorder get "$base/events?limit=200" teacher | grep -o "\"type\":\"$1\"" | wc -l
}

# ---- it is made, and lives

as s2024001
accepted kubectl apply -f <(manifest v1)
eventually comes 1 status Completed
of_is 1 progress 100
of_is 1 actor.user s2024001
of_is 1 actor.certain true
of_is 1 origin admission
of_is 1 kubernetesRevision 1
eventually comes 1 good yes

as teacher
accepted image v2
eventually comes 2 status Completed
of_is 2 actor.user teacher
of_is 2 changeKind image
of_is 1 current false
api_is s2024001 $base current.number 2

# Twice, the second before the first has come about.
as s2024001
accepted image v3-slow5s
accepted image v4
eventually comes 4 status Completed
of_is 3 status Superseded
of_is 3 actor.user s2024001

# V2, V1, V2: the outcome of each is known from before, and numbers only grow.
accepted image v2
accepted image v1
accepted image v2
eventually comes 7 status Completed
of_is 6 source "$(of 1 id)"
of_is 7 source "$(of 5 id)"
of_is 7 template "$(of 2 template)"

# ---- paused: what is written meanwhile is one version when it goes on

accepted kubectl rollout pause deployment/$name
accepted image v5
accepted image v6
eventually comes 9 status InProgress
accepted kubectl rollout resume deployment/$name
eventually comes 9 status Completed
of_is 8 status Superseded
check "that it was paused is told" "$([ "$(happened paused)" -gt 0 ] && echo yes)" yes
check "that it goes on is told" "$(happened resumed)" 1

# ---- no new version

accepted kubectl scale deployment/$name --replicas 0
eventually is deployment/$name '{.status.replicas}' ''
accepted kubectl scale deployment/$name --replicas 1
eventually is deployment/$name '{.status.availableReplicas}' 1
accepted kubectl annotate deployment/$name note=of-mine
look
check "scaling and annotating make no version" "$(member 'items[0].number' <"$dir/list")" 9

# ---- the same template anew, and one from before

accepted kubectl rollout restart deployment/$name
eventually comes 10 status Completed
of_is 10 changeKind restart
accepted kubectl rollout undo deployment/$name
eventually comes 11 status Completed
of_is 11 template "$(of 9 template)"
of_is 11 source "$(of 9 id)"
of_is 11 actor.user s2024001
accepted kubectl apply -f <(manifest v1)
eventually comes 12 status Completed
of_is 12 source "$(of 6 id)"

# ---- what never became a version

denied() { ! kubectl "$@" >"$dir/said" 2>&1 || echo "went through: kubectl $*"; }
check "an image from elsewhere is refused" \
    "$(denied set image deployment/$name app=nginx:1)" ''
eventually comes 13 status NotPersisted
of_is 13 images[0].image nginx:1
of_is 13 actor.user s2024001
api_is s2024001 $base current.number 12

# By the quota, which the API server asks after everybody who is told.
as s2024002
admin create quota one --hard=count/deployments.apps=1 >/dev/null 2>&1
eventually is resourcequota/one '{.status.used.count/deployments\.apps}' 1
check "the quota refuses" "$(denied create -f <(manifest v1 $other))$(grep -c 'exceeded quota' "$dir/said")" 1
admin delete quota one >/dev/null 2>&1
eventually api_has s2024002 /api/projects/$other/deployments 'items[*].status' NotPersisted
api_is s2024002 /api/projects/$other current null

# ---- deleted, and made again: the history goes on

as s2024001
before=$(of 12 uid)
accepted kubectl delete deployment $name
eventually api_has s2024001 $base current null
accepted kubectl apply -f <(manifest v1)
eventually comes 14 status Completed
of_is 14 source "$(of 12 id)"
check "it is another Deployment" "$([ "$(of 14 uid)" != "$before" ] && echo yes)" yes
api_is s2024001 "$list?limit=3" 'items[*].number' "14 13 12"

# ---- what was told while nobody was there to hear it

recorder kill
accepted image v7
recorder start --soak-seconds 2 --evidence-seconds 3 --persist-seconds 3 >/dev/null
eventually comes 15 status Completed
of_is 15 actor.certain false
of_is 15 origin watch
api_is nobody $base HTTP 401
api_is s2024002 $base HTTP 403
