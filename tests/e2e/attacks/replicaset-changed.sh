#!/usr/bin/env bash
# A Deployment's own ReplicaSet gets another image and another label behind the Deployment's back.
# guards: no-side-doors/no-replicasets
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
set=$(set_of "$ME")
attack kubectl set image "replicaset/$set" app=busybox
attack kubectl label replicaset "$set" mine=yes
as teacher
attack kubectl annotate replicaset "$set" mine=yes
