#!/usr/bin/env bash
# A teacher makes a Deployment that is no project's.
# guards: student-deployments/project-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as teacher
attack kubectl apply -f <(paused "shop-${ME#student-}")
