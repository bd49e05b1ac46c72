#!/usr/bin/env bash
# The autoscaler of `kubectl autoscale`.  Of a refusal in v2 it tells nothing and tries v1.
# guards: no-side-doors/no-autoscalers
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl autoscale deployment "$ME" --min 2 --max 9
