#!/usr/bin/env bash
# A Deployment's pod gets another image, past the rules for Deployments.
# guards: no-side-doors/no-pod-edits
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
running "$ME"
attack kubectl set image "pod/$(pod_of "$ME")" app=busybox
