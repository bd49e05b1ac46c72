#!/usr/bin/env bash
# The autoscaler of `kubectl autoscale`, which tells of a refusal only when it is asked for all.
# guards: no-side-doors/no-autoscalers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl autoscale deployment "$ME" --min 2 --max 9 -v=9
