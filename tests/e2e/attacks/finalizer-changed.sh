#!/usr/bin/env bash
# An object gets a finalizer of the student's own, or the one that orphans its pods, or loses one.
# guards: no-side-doors/finalizers-stay
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":["hydrosim.edu/a"]}}'
attack kubectl patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":["orphan"]}}'
accepted admin patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":["hydrosim.edu/b"]}}'
attack kubectl patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":null}}'
accepted admin patch deployment "$ME" --type merge -p '{"metadata":{"finalizers":null}}'
