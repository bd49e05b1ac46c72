#!/usr/bin/env bash
# A student deletes the whole room.  Only as a dry run, which admission judges like the real thing.
# guards: no-side-doors/no-namespace-changes ownership/own-delete
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
attack_unseen kubectl delete namespace hydrosim-students --dry-run=server
