#!/usr/bin/env bash
# A student changes what is another student's: the number of pods, settings, the password.
# guards: ownership/own-name
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
as owner
project "$THEM"
accepted kubectl create configmap "$THEM" --from-literal=a=b
accepted kubectl create secret generic "$THEM" --from-literal=password=x
as attacker
attack kubectl scale "deployment/$THEM" --replicas 0
attack kubectl patch configmap "$THEM" -p '{"data":{"a":"c"}}'
attack kubectl patch secret "$THEM" -p '{"data":{"password":null}}'
