#!/usr/bin/env bash
# A student makes a Job, which runs beside the project and without its limits.
# guards: no-side-doors/no-jobs
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl create -f <(program Job "$ME")
as teacher
attack kubectl create job "$ME-b" --image busybox
