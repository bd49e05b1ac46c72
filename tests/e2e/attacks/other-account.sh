#!/usr/bin/env bash
# A pod runs as an account that has rights, under either of its two names.
# guards: pod-security-floor/service-account pod-security-floor/old-service-account
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_deployed POD='serviceAccountName: portal-backend-sa'
attack_deployed POD='serviceAccount: proctor-recorder'
