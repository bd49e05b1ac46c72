#!/usr/bin/env bash
# A container sees the kernel's own files.
# guards: pod-security-floor/proc-mount
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
unmasked=(POD='hostUsers: false' CONTAINER='securityContext: {procMount: Unmasked}')
if [ "$E2E_MINOR" = 1.30 ]; then # the API server takes the field out, so that nothing is gained
    rewritten "deployment/$ME" '{.spec.template.spec.containers[0].securityContext}' '{}' '{}' \
        kubectl apply -f <(paused "$ME" "${unmasked[@]}")
else
    attack_deployed "${unmasked[@]}"
fi
