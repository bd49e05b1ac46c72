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
# For longer than the recorder waits for a quiet moment before it looks for what others told it.
# shellcheck disable=SC2329 # `eventually` calls it
fails() { [ "$(failures)" -gt 10 ]; }
numbers() { api_has admin /api/projects/web/deployments "items[*].$1" "$2"; }

recorder start --soak-seconds 1
program Deployment web >"$E2E_WORK/web"
accepted admin -n hydrosim-students create -f "$E2E_WORK/web"
eventually numbers status Completed

cat /dev/zero >"$dir/full" 2>/dev/null
for tag in v2 v3 v4 v5; do
    image $tag
done
eventually fails
check "it goes on" "$(api_member admin /api/projects/web/deployments 'HTTP')" 200
check "it says why" "$(grep -c 'the history cannot be written.*full' "$(recorder log)")" 1

rm "$dir/full"
eventually numbers number '5 4 3 2 1'
eventually numbers generation '5 4 3 2 1'
eventually numbers image "$(printf 'registry.hydrosim.edu/web:v%s ' 5 4 3 2 1 | sed 's/ $//')"
eventually api_has admin /api/projects/web/deployments 'items[0].status' Completed
image v6
eventually api_has admin /api/projects/web/deployments 'items[0].image' registry.hydrosim.edu/web:v6
eventually api_has admin /api/projects/web/deployments 'items[0].origin' admission
