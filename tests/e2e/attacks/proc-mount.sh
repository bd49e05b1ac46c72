#!/usr/bin/env bash
# A container sees the kernel's own files.
# guards: pod-security-floor/proc-mount
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
unmasked=(POD='hostUsers: false' CONTAINER='securityContext: {procMount: Unmasked}')
if [ "$E2E_MINOR" = 1.30 ]; then # the API server puts it right before anybody judges it
    field='{.spec.template.spec.containers[0].securityContext.procMount}'
    rewritten "deployment/$ME" "$field" Default Default \
        kubectl apply -f <(paused "$ME" "${unmasked[@]}")
else
    attack_deployed "${unmasked[@]}"
fi
