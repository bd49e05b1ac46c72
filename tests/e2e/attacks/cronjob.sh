#!/usr/bin/env bash
# A student makes a CronJob, which runs beside the project and without its limits.
# guards: no-side-doors/no-cronjobs
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl apply -f <(program CronJob "$ME")
as teacher
attack kubectl create cronjob "$ME-b" --image busybox --schedule '@hourly'
