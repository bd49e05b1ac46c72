#!/usr/bin/env bash
# A scratch folder fills the node's disk, or its memory.
# guards: student-deployments/empty-dir-size
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
rewritten "deployment/$ME" '{.spec.template.spec.volumes[0].emptyDir.sizeLimit}' 512Mi 1Ti \
    kubectl apply -f <(
        paused "$ME" POD='volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Ti}}]'
    )
