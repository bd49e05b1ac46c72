#!/usr/bin/env bash
# A pod of a student's own would carry a key to the cluster: admission mounts one into every pod.
# guards: no-side-doors/no-bare-pods pod-security-floor/volume-kinds
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack kubectl run "$ME" --image busybox
