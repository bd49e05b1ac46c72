#!/usr/bin/env bash
# Prints the registration that is installed, for a program that serves outside of the cluster: what
# the API server asks, and when, is the same.  Without SECRET that is the webhook's
# (manifests/base/admission.yaml), with it the recorder's (manifests/recorder/record.yaml), whose
# path ends in it.
#
#     tests/e2e/webhooks.sh URL CA-FILE [SECRET] | kubectl apply -f -
set -euo pipefail
manifests=$(cd "$(dirname "$0")/../.." && pwd)/manifests
file=$manifests/base/admission.yaml
service='service: \{ name: proctor-webhook, .*path: (/[a-z]+), port: 443 \}' path='\2'
if [ -n "${3-}" ]; then
    file=$manifests/recorder/record.yaml path=/record/$3
    service='service: \{ name: proctor-recorder, (.*), port: 9443 \}'
fi
bundle=$(base64 -w0 <"$2")
[ "$(grep -cE "$service" "$file")" -eq "$(grep -c '^ *service:' "$file")" ] || {
    echo "webhooks.sh: $file writes a service in another way than this script reads" >&2
    exit 1
}
sed -E "s|^( *)$service|\1url: \"$1$path\"\n\1caBundle: $bundle|" "$file"
