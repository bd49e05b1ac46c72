#!/usr/bin/env bash
# A Deployment is deleted alone with the option that an older API had for that.
# guards: no-side-doors/no-orphans-old
# shellcheck source=/dev/null
. "${0%/*}/../attack.sh"
project "$ME"
attack kubectl delete -f - --raw \
    "/apis/apps/v1/namespaces/hydrosim-students/deployments/$ME" <<END
{"apiVersion": "v1", "kind": "DeleteOptions", "orphanDependents": true}
END
