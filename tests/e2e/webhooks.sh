#!/usr/bin/env bash
# Prints the registration that is installed (manifests/base/admission.yaml), for a webhook that
# serves outside of the cluster: what the API server asks, and when, is the same.
#
#     tests/e2e/webhooks.sh URL CA-FILE | kubectl apply -f -
set -euo pipefail
file=$(cd "$(dirname "$0")/../.." && pwd)/manifests/base/admission.yaml
bundle=$(base64 -w0 <"$2")
service='service: \{ name: proctor-webhook, .*path: (/[a-z]+), port: 443 \}'
[ "$(grep -cE "$service" "$file")" -eq "$(grep -c '^ *service:' "$file")" ] || {
    echo "webhooks.sh: $file writes a service in another way than this script reads" >&2
    exit 1
}
sed -E "s|^( *)$service|\1url: \"$1\2\"\n\1caBundle: $bundle|" "$file"
