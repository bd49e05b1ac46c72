#!/usr/bin/env bash
# An object that is there gets an owner, or loses the one that it has.
# guards: no-side-doors/owner-references-stay
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
accepted admin create configmap "$ME"
uid=$(admin get deployment "$ME" -o 'jsonpath={.metadata.uid}')
owner="{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"$ME\",\"uid\":\"$uid\"}"
owners() {
    kubectl patch configmap "$ME" --type merge -p "{\"metadata\":{\"ownerReferences\":$1}}"
}
attack owners "[$owner]"
as admin
accepted owners "[$owner]"
as attacker
attack owners null
