#!/usr/bin/env bash
# What the recorder did not see: its connections are cut, it is down while versions come and go,
# etcd has forgotten what it missed, the API server is killed.  No version is told twice, what can
# be known is known, and each time without coverage is a row.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
here=$E2E_TREE/tests/e2e
dir=$E2E_WORK/history-gaps
config=$E2E_WORK/recorder/proctor-recorder.kubeconfig
server=$(admin config view --minify -o jsonpath='{.clusters[0].cluster.server}')
mkdir -p "$dir"
door=

# shellcheck disable=SC2329 # the trap calls it
stop() {
    [ -z "$door" ] || kill "$door" 2>/dev/null
    sed -i "s|server: \"[^\"]*\"|server: \"$server\"|" "$config"
}
trap stop EXIT

open_door() { # open_door PORT
    python3 -IS "$here/door.py" "$1" "${server##*:}" >"$dir/door" 2>&1 &
    door=$!
}
shut_door() {
    kill "$door"
    wait "$door" 2>/dev/null
}

image() { # image TAG...: one after the other
    local tag
    for tag; do
        accepted admin -n hydrosim-students set image deployment/web \
            "app=registry.hydrosim.edu/web:$tag"
    done
}
numbers() { api_has admin /api/projects/web/deployments "items[*].$1" "$2"; }
all_are() { # all_are MEMBER VALUES: newest first
    eventually numbers "$1" "$2"
}
gaps() { api_member admin /api/gaps "items[*].$1"; }
# shellcheck disable=SC2329 # `eventually` calls it
is_ready() { [ "$(recorder status | tail -n 1)" = 200 ]; }
# shellcheck disable=SC2329
is_not_ready() { ! is_ready; }

# ---- once to have its kubeconfig, then through the door

RECORDER_SYNC=no recorder start
recorder stop
open_door 0
eventually test -s "$dir/door"
port=$(cat "$dir/door")
sed -i "s|server: \"[^\"]*\"|server: \"https://127.0.0.1:$port\"|" "$config"
recorder start --soak-seconds 1
program Deployment web >"$dir/web"
accepted admin -n hydrosim-students create -f "$dir/web"
all_are status Completed

# ---- its connections are cut: admission still tells it, and the watches go on where they were

shut_door
eventually is_not_ready
image v2-unready v3
open_door "$port"
eventually is_ready
all_are image "$(printf 'registry.hydrosim.edu/web:v%s ' 3 2-unready 1 | sed 's/ $//')"
all_are status 'Completed Superseded Completed'
all_are origin 'admission admission admission'
eventually api_has admin /api/projects/web/deployments 'items[*].number' '3 2 1'
for resource in deployments replicasets pods; do
    check "the time without $resource is a row" "$(gaps resource | grep -cw $resource)" 1
done
check "and is over" "$(gaps to | grep -c null)" 0

# ---- it is down: what was stored meanwhile is known, and not who changed it

recorder kill
image v4-unready v5
recorder start --soak-seconds 1
all_are 'number' '5 4 3 2 1'
all_are origin 'watch watch admission admission admission'
all_are status 'Completed Superseded Completed Superseded Completed'
check "who changed it is not made up" \
    "$(api_member admin /api/projects/web/deployments 'items[0].actor.user')" \
    'unknown (manager kubectl-set)'
check "the time without a recorder is a row" "$(gaps resource | grep -cw recorder)" 1
eventually numbers 'generation' '5 4 3 2 1'

# ---- it is down, and etcd forgets: a version may be known by its ReplicaSet, none is there twice

recorder stop
image v6
eventually is deployment/web '{.status.observedGeneration}' 6
image v7
eventually is deployment/web '{.status.observedGeneration}' 7
kill -KILL "$(cat "$E2E_WORK/run/kube-apiserver")" # it remembers some by itself
eventually "$here/cluster" up
revision=$(admin -n hydrosim-students get deployment web -o jsonpath='{.metadata.resourceVersion}')
etcd=http://127.0.0.1:$(sed -n 's/^etcd=//p' "$E2E_WORK/ports")
accepted curl -sSf "$etcd/v3/kv/compaction" -d "{\"revision\":\"$revision\",\"physical\":true}"
recorder start --soak-seconds 1
all_are number '7 6 5 4 3 2 1'
all_are image "$(printf 'registry.hydrosim.edu/web:v%s ' 7 6 5 4-unready 3 2-unready 1 | sed 's/ $//')"
all_are origin 'watch import watch watch admission admission admission'
eventually api_has admin /api/projects 'items[0].current.status' Completed
check "that versions may have been missed is told" \
    "$(api_member admin /api/projects/web/events 'items[*].type' | grep -cw gap)" 1

# ---- the API server is killed

kill -KILL "$(cat "$E2E_WORK/run/kube-apiserver")"
eventually is_not_ready
eventually "$here/cluster" up
eventually is_ready
image v8
all_are number '8 7 6 5 4 3 2 1'
eventually api_has admin /api/projects 'items[0].current.status' Completed
eventually api_has admin /api/projects 'items[0].current.origin' admission
