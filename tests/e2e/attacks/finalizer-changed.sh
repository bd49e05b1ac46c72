#!/usr/bin/env bash
# An object gets a finalizer of the student's own, or the one that orphans its pods, or loses one.
# guards: no-side-doors/finalizers-stay
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
finalizers() {
    kubectl patch deployment "$ME" --type merge -p "{\"metadata\":{\"finalizers\":$1}}"
}
attack finalizers '["hydrosim.edu/a"]'
attack finalizers '["orphan"]'
as admin
accepted finalizers '["hydrosim.edu/b"]'
as attacker
attack finalizers null
as admin
accepted finalizers null
