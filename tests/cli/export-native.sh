#!/bin/sh
# proctor export native against the built program.  Usage: tests/cli/export-native.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# ---- the shipped policies: all of it can be said, and the file that is shipped says it
expect "the shipped policies" 0 "# Made by \`proctor export native\`: 134 of 134 rules." \
    "$proctor" export native "$root/policies"
never "nothing is left out" "not expressed"
if diff "$root/manifests/native/validating.yaml" out >err; then fine; else
    wrong "manifests/native/validating.yaml is stale: make fix"
fi
cp out shipped.yaml
expect "it is YAML" 0 '"kind":"ValidatingAdmissionPolicyBinding"' \
    "$proctor" review -o request -p "$root/policies" shipped.yaml
expect "strictly too" 0 "" "$proctor" export native --strict -p "$root/policies"
expect "as JSON" 0 '"notExpressed": []' "$proctor" export native -o json -p "$root/policies"
cp out shipped.json
cat >count.py <<'PYTHON'
import collections, json, re
items = json.load(open("shipped.json"))["items"]
kinds = collections.Counter(item["kind"] for item in items)
policies = [item for item in items if item["kind"] == "ValidatingAdmissionPolicy"]
modes = {item["metadata"]["name"]: item["spec"]["validationActions"] for item in items
         if item["kind"] == "ValidatingAdmissionPolicyBinding"}
for policy in policies:
    name, spec = policy["metadata"]["name"], policy["spec"]
    assert modes[name] == (["Warn"] if name.endswith("-warn") else ["Deny"]), name
    assert spec["failurePolicy"] == "Fail" and spec["matchConstraints"]["matchPolicy"] == "Equivalent"
    assert len(spec["matchConditions"]) <= 64, name
    names = [condition["name"] for condition in spec["matchConditions"]]
    assert len(set(names)) == len(names), names
    variables = {"variables." + variable["name"] for variable in spec.get("variables", [])}
    texts = [v["expression"] for v in spec.get("variables", [])]
    for validation in spec["validations"]:
        # The API server shows nothing of a message with a line break in it.
        assert "\n" not in validation["message"] and validation["reason"] == "Invalid"
        assert re.search(r"\([a-z-]+/[a-z0-9-]+\)$", validation["message"]), validation["message"]
        texts += [validation["expression"], validation.get("messageExpression", "")]
    used = {name for text in texts for name in re.findall(r"variables\.\w+", text)}
    assert used == variables, (used, variables)
    assert not re.search(r"[\x00-\x1f]", "".join(texts)), name
print(kinds["ValidatingAdmissionPolicy"], "policies,", kinds["ValidatingAdmissionPolicyBinding"], "bindings")
PYTHON
expect "what is in the objects" 0 "6 policies, 6 bindings" python3 count.py
expect "the same again" 0 "" "$proctor" export native "$root/policies/"
if cmp -s out shipped.yaml; then fine; else wrong "another text from the same policies"; fi

# ---- what is changed
expect "the other half" 0 "# Made by \`proctor export native\`: 22 of 22 rules." \
    "$proctor" export native --phase mutating "$root/policies"
also "with its kind" "kind: MutatingAdmissionPolicyBinding"
never "and nothing of the first" "ValidatingAdmissionPolicy"
if diff "$root/manifests/native/mutating.yaml" out >err; then fine; else
    wrong "manifests/native/mutating.yaml is stale: make fix"
fi
expect "both" 0 "kind: MutatingAdmissionPolicy" "$proctor" export native --phase both "$root/policies"
also "counted once" "# Made by \`proctor export native\`: 134 of 134 rules."
also "both of them" "kind: ValidatingAdmissionPolicy"
expect "another phase" 2 "validating|mutating|both" \
    "$proctor" export native --phase both-of-them "$root/policies"

# ---- what cannot be said
cat >half.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: half }
spec:
  match: { resources: [pods], namespaces: [room] }
  rules:
    - { id: ports, why: W., field: "spec.containers[*].ports[*].containerPort", unique: true }
    - { id: names, why: W., field: metadata.generateName, forbidden: true }
YAML
expect "a rule is left out" 0 "note: not expressed: half/ports: unique over what several elements have" \
    "$proctor" export native half.yaml
also "and told in the file" "# not expressed: half/ports: unique over what several elements have"
also "and counted" "# Made by \`proctor export native\`: 1 of 2 rules."
also "the other one stays" "(half/names)"
never "nothing of it is there" "(half/ports)"
expect "strictly" 1 "not expressed: half/ports" "$proctor" export native --strict half.yaml
expect "in JSON" 0 '"rule": "ports"' "$proctor" export native -o json half.yaml
also "with its policy" '"policy": "half"'
also "and why" '"why": "unique over what several elements have"'
cat >exception.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: until }
spec:
  policy: half
  rules: [names]
  match: { namespaces: [room] }
  reason: R
  owner: o
  ticket: T
  expires: 2099-12-31
YAML
expect "an exception" 0 "# note: half/names: the exception until ends with 2099-12-31" \
    "$proctor" export native half.yaml exception.yaml
expect "strictly" 1 "the API server has no calendar: export again after that day" \
    "$proctor" export native --strict half.yaml exception.yaml

# One half says what the other cannot.
cat >image.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: image }
spec:
  match: { resources: [pods], namespaces: [room] }
  rules:
    - { id: registry, why: W., field: "$containers.image@registry", set: registry.example.org }
    - { id: token, why: W., field: $pod.automountServiceAccountToken, set: false }
YAML
expect "a rule that cannot change" 0 \
    "# not expressed: image/registry: what it changes: it changes a part of an image reference" \
    "$proctor" export native --phase both image.yaml
also "is counted once" "# Made by \`proctor export native\`: 1 of 2 rules."
also "the other one changes" "/spec/automountServiceAccountToken"
expect "strictly" 1 "what it changes" "$proctor" export native --strict --phase mutating image.yaml
expect "the first half is whole" 0 "2 of 2 rules" "$proctor" export native --strict image.yaml
sed 's/policy: half/policy: image/; s/names\]/token]/' exception.yaml >spared.yaml
expect "an exception" 0 'request.namespace == "room" ? [] : ' \
    "$proctor" export native --phase mutating image.yaml spared.yaml
also "is noted" "# note: image/token: the exception until ends with 2099-12-31"

# ---- bad input
printf 'apiVersion: proctor.dev/v1\nkind: Policy\n' >broken.yaml
expect "a broken policy among good ones" 2 "broken.yaml:1:1: error: metadata is missing" \
    "$proctor" export native "$root/policies" broken.yaml
if [ -s out ]; then wrong "a broken policy, and still something is printed"; else fine; fi
expect "no policies" 2 "nowhere: error: No such file" "$proctor" export native -p nowhere
expect "another format" 2 "yaml|json" "$proctor" export native -o text -p "$root/policies"

# Texts that would like to be CEL, YAML or a comment.
cat >odd.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: odd }
spec:
  match: { resources: [configmaps], namespaces: [room] }
  rules:
    - id: odd
      why: "a: # b\n- c \"d\" \\ 'e'"
      field: data."a/b'c"
      noneOf: ["\" || true || \"", "\\"]
YAML
expect "odd texts" 0 "" "$proctor" export native -o json odd.yaml
cat >odd.py <<'PYTHON'
import json
one = json.load(open("given"))["items"][0]["spec"]["validations"][0]
print(one["expression"])
print(one["message"])
PYTHON
cp out given
expect "stay texts" 0 'in ["\" || true || \"", "\\"]' python3 odd.py
also "as a key" "object.?data[?\"a/b'c\"]"
also "on one line" "a: # b - c"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
