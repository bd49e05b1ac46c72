#!/usr/bin/env bash
# A variable of the platform's leads elsewhere.
# guards: student-deployments/redis-host
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
entry='{.spec.template.spec.containers[0].env[?(@.name=="REDIS_HOST")].value}'
project "$ME"
rewritten "deployment/$ME" "$entry" redis.hydrosim-system.svc.cluster.local evil.example \
    kubectl set env "deployment/$ME" REDIS_HOST=evil.example
