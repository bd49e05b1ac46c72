#!/usr/bin/env bash
# A container is put into a running pod, past every rule and every record.
# guards: no-side-doors/no-ephemeral-containers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl debug "$(pod_of "$ME")" --image busybox --attach=false --profile baseline
as teacher
attack kubectl debug "$(pod_of "$ME")" --image busybox --attach=false --profile baseline
