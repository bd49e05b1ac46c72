#!/usr/bin/env bash
# An object that is there gets an owner, or loses the one that it has.
# guards: no-side-doors/owner-references-stay
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
accepted admin create configmap "$ME"
uid=$(admin get deployment "$ME" -o 'jsonpath={.metadata.uid}')
owner="{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"$ME\",\"uid\":\"$uid\"}"
attack kubectl patch configmap "$ME" --type merge -p "{\"metadata\":{\"ownerReferences\":[$owner]}}"
accepted admin patch configmap "$ME" --type merge -p "{\"metadata\":{\"ownerReferences\":[$owner]}}"
attack kubectl patch configmap "$ME" --type merge -p '{"metadata":{"ownerReferences":null}}'
