#!/usr/bin/env bash
# A student works in another student's room.
# guards: ownership/own-namespace
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_unseen kubectl -n student-2024002 create configmap "$ME" --dry-run=server
