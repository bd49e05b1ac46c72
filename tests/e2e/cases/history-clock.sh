#!/usr/bin/env bash
# The recorder's clock jumps, two hours ahead and back again: no version fails for it, none waits for
# a moment that has become far, and the numbers go on.
# shellcheck source=/dev/null
. "${0%/*}/../lib.sh"
# shellcheck source=tests/e2e/history.sh
. "${0%/*}/../history.sh" web
clock=$dir/clock
for faked in /usr/lib/*/faketime/libfaketimeMT.so.1; do :; done

jump() { # jump BY: what the recorder's clock is ahead of ours
    local before
    before=$(jumps)
    echo "$1" >"$clock.part"
    mv "$clock.part" "$clock"
    eventually noticed "$before"
}
jumps() { grep -c 'the clock jumped' "$(recorder log)"; }
# shellcheck disable=SC2329 # `eventually` calls it
noticed() { [ "$(jumps)" -gt "$1" ]; }
image() {
    accepted admin -n hydrosim-students set image deployment/web "app=registry.hydrosim.edu/web:$1"
}
year_to_hour() { api_member admin "/api/deployments/$(id "$1")" "$2" | cut -c1-13; }

echo +0 >"$clock"
LD_PRELOAD=$faked FAKETIME_TIMESTAMP_FILE=$clock FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 recorder start --soak-seconds 5
check "its clock is ours" "$(jumps)" 0
program Deployment web >"$dir/web"
accepted admin -n hydrosim-students create -f "$dir/web"
eventually api_has admin "$here/deployments" 'items[*].good' yes

# ---- ahead, while a version is under way: its deadline is half an hour from now, not passed

image v2-unready
eventually api_has admin "$here/deployments" 'items[0].progress' 50
before=$(year_to_hour 2 deadlineAt)
jump +2h
image v3
eventually api_has admin "$here/deployments" 'items[0].good' yes
row 2 status Superseded
check "its deadline went with the clock" "$(year_to_hour 2 deadlineAt | tr -d 'T-')" \
    "$(date -u -d "${before/T/ }:00 2 hours" +%Y%m%d%H)"

# ---- back, while another soaks: it soaks on, and not for two hours

image v4
eventually api_has admin "$here/deployments" 'items[0].status' Completed
jump +0
eventually api_has admin "$here/deployments" 'items[0].good' yes
image v5
eventually api_has admin "$here/deployments" 'items[0].good' yes
api_is admin "$here/deployments" 'items[*].number' '5 4 3 2 1'
api_is admin "$here/deployments" 'items[*].status' 'Completed Completed Completed Superseded Completed'
check "each jump is told once" "$(jumps)" 2
