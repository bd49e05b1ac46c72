#!/usr/bin/env bash
# Prints the registration of a webhook that serves outside of the cluster: everything that happens
# in the rooms goes to URL/mutate and URL/validate.
#
#     tests/e2e/webhooks.sh URL CA-FILE | kubectl apply -f -
set -euo pipefail
url=$1
bundle=$(base64 -w0 <"$2")

# entry PHASE OPERATIONS: one webhook per phase: of several that refuse, one is heard, by chance.
entry() {
    cat <<END
webhooks:
  - name: $1.proctor.dev
    clientConfig: { url: "$url/$1", caBundle: $bundle }
    rules:
      - { apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: [$2], scope: "*" }
    namespaceSelector:
      matchExpressions:
        - { key: kubernetes.io/metadata.name, operator: In, values: [hydrosim-students, student-2024002] }
    matchPolicy: Equivalent
    failurePolicy: Fail
    sideEffects: None
    timeoutSeconds: 5
    admissionReviewVersions: [v1]
END
}

cat <<END
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: proctor }
$(entry mutate 'CREATE, UPDATE')
    reinvocationPolicy: IfNeeded
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: proctor }
$(entry validate 'CREATE, UPDATE, DELETE, CONNECT')
END
