#!/usr/bin/env bash
# A container that owns the node is put into a running pod.
# guards: no-side-doors/no-ephemeral-containers pod-security-floor/no-privileged
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl debug "$(pod_of "$ME")" --image busybox --attach=false --profile sysadmin
