#!/usr/bin/env bash
# The disk is full: changes go through all the same, the recorder says what is wrong and tries
# again, and when there is room it knows every version.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
dir=$E2E_WORK/history-full

# shellcheck disable=SC2329 # the trap calls it
stop() {
    recorder stop KILL
    umount "$dir" 2>/dev/null
}
mkdir -p "$dir"
if ! mount -t tmpfs -o size=6m none "$dir" 2>/dev/null; then
    echo "  skipped: this machine lets nobody mount a small disk"
    pass "nothing to look at"
    exit 0
fi
trap stop EXIT
export RECORDER_DATABASE=$dir/history.db

image() {
    accepted admin -n hydrosim-students set image deployment/web "app=registry.hydrosim.edu/web:$1"
}
failures() { recorder metrics | awk '/^proctor_history_commit_failures_total/ { print $2 }'; }
# shellcheck disable=SC2329 # `eventually` calls it
fails() { [ "$(failures)" -gt "$1" ]; }
newest() { api_has admin /api/projects/web/deployments "items[*].$1" "$2"; }
fill() { cat /dev/zero >"$dir/full" 2>/dev/null; }

# all_known GENERATION: from the newest down, each once and in its order.
all_known() {
    local numbers images
    numbers=$(seq -s ' ' "$1" -1 1)
    images=$(seq -s ' ' -f 'registry.hydrosim.edu/web:v%g' "$1" -1 1)
    eventually newest number "$numbers"
    eventually newest generation "$numbers"
    eventually newest image "$images"
    eventually api_has admin /api/projects/web/deployments 'items[0].status' Completed
}

recorder start --soak-seconds 3
program Deployment web >"$E2E_WORK/web"
accepted admin -n hydrosim-students create -f "$E2E_WORK/web"
eventually newest status Completed

# It is a clock that finds the disk full first, and the changes queue up behind it.
fill
eventually fails 0
for tag in v2 v3 v4; do
    image $tag
done
eventually fails $(($(failures) + 3))
check "it goes on" "$(api_member admin /api/projects/web/deployments 'HTTP')" 200
check "it says why" "$(grep -c 'the history cannot be written.*full' "$(recorder log)")" 1
rm "$dir/full"
all_known 4

# It is a change; and for longer than the recorder waits for a quiet moment before it looks for
# what others told it.
eventually api_has admin /api/projects/web/deployments 'items[0].good' yes
fill
for tag in v5 v6 v7 v8; do
    image $tag
done
eventually fails $(($(failures) + 10))
rm "$dir/full"
all_known 8
image v9
eventually api_has admin /api/projects/web/deployments 'items[0].image' registry.hydrosim.edu/web:v9
eventually api_has admin /api/projects/web/deployments 'items[0].origin' admission
