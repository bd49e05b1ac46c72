#!/bin/sh
# proctor review against the built program.  Usage: tests/cli/review.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir policies
cat >policies/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps, deployments.apps/scale] }
  rules:
    - { id: one, why: One pod., field: spec.replicas, max: 1, outside: clamp, optional: true }
    - { id: tag, why: It moves., field: $containers.image@tag, noneOf: [latest] }
    - { id: who, why: Teachers paint., field: 'metadata.labels.paint', oneOf: ["${user}"], optional: true }
    - { id: frozen, why: It is fixed., field: 'metadata.labels.team', immutable: true }
YAML

# deployment NAME REPLICAS IMAGE [LABELS]
deployment() {
    cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: { name: $1, labels: { ${4:-app: x} } }
spec:
  replicas: $2
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "$3" }] }
YAML
}
deployment good 1 x:v1 >good.yaml
deployment five 5 x:v1 >five.yaml
deployment bad 1 nginx >bad.yaml

expect "a conforming object is one line" 0 "good.yaml:1 Deployment default/good: allowed" \
    "$proctor" review good.yaml
if [ "$(wc -l <out)" -eq 3 ]; then fine; else wrong "one line, the summary, the user"; fi
also "the assumed user is said" "judged as user proctor-review"
expect "a clamp is shown" 0 "five.yaml:1 Deployment default/five: patched" "$proctor" review five.yaml
also "as a diff" "-  replicas: 5"
also "of both sides" "+  replicas: 1"
also "with its warning" "Warning: spec.replicas: 5 -> 1 (p/one)"
never "without the note" "policy-changes"
expect "a refusal has the server's text" 1 "spec.template.spec.containers[0].image" \
    "$proctor" review bad.yaml
also "its rule" "(p/tag)"
never "and no diff" "+++"
expect "colours on demand" 1 "$(printf '\033[31mdenied\033[0m')" "$proctor" review --color always bad.yaml
expect "colours off" 1 "denied" "$proctor" review --color never bad.yaml
never "really off" "$(printf '\033')"

{ cat good.yaml; echo ---; cat five.yaml; echo ---; cat bad.yaml; } >all.yaml
expect "many documents" 1 "3 objects: 1 allowed, 1 patched, 1 denied" "$proctor" review all.yaml
also "each with its line" "all.yaml:21 Deployment default/bad: denied"
"$proctor" review <all.yaml >out 2>err
also "stdin without an argument" "stdin:11 Deployment default/five: patched"
"$proctor" review - <good.yaml >out 2>err
also "stdin by name" "stdin:1 Deployment default/good: allowed"

mkdir -p folder/sub
cp good.yaml folder/b.yaml
cp five.yaml folder/sub/a.yml
echo "kind: Kustomization" >folder/kustomization.yaml
echo "not yaml: [" >folder/notes.txt
expect "a folder, and what is below it" 0 "2 objects: 1 allowed, 1 patched" "$proctor" review folder

# what is broken, beside what is not
printf 'a: [\n' >broken.yaml
printf '{"apiVersion": "v1",\n "kind": nope}\n' >broken.json
printf 'a\0b' >binary.yaml
printf 'just: words\n' >words.yaml
: >empty.yaml
expect "broken YAML has its place" 2 "broken.yaml:2:1: error:" "$proctor" review broken.yaml good.yaml
also "the others are judged" "good.yaml:1 Deployment default/good: allowed"
also "and it is said" "the result is incomplete"
expect "broken JSON has its place" 2 "broken.json:2:10: error:" "$proctor" review broken.json
expect "binary" 2 "binary.yaml:1: error: this is a binary file" "$proctor" review binary.yaml
expect "no object" 2 "apiVersion is missing" "$proctor" review words.yaml
expect "an empty file" 2 "there is no object in it" "$proctor" review empty.yaml
expect "no such file" 2 "missing.yaml: error: No such file" "$proctor" review missing.yaml
expect "errors outweigh violations" 2 "denied" "$proctor" review bad.yaml missing.yaml
truncate -s 65M huge.yaml
expect "a huge file" 2 "huge.yaml: error: larger than 64 MiB" "$proctor" review huge.yaml
printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: t}\nspec: {replicas: lots}\n' >type.yaml
expect "a wrong type" 1 "* spec.replicas: is string, must be whole number" \
    "$proctor" review type.yaml
also "is what Kubernetes would refuse" "Kubernetes would refuse it, whatever the policies say:"
sed 's/kind: Deployment/kind: CronJob/; s|apps/v1|batch/v1beta1|' type.yaml >gone.yaml
expect "a version that is gone" 1 "apiVersion: no CronJob in version batch/v1beta1: it is batch/v1" \
    "$proctor" review gone.yaml
deployment odd 5 nginx 'app: x, team: "a b"' | sed 's/replicas/replicaz/' >odd.yaml
expect "both refuse" 1 "(p/tag)" "$proctor" review odd.yaml
also "an unknown field" "* spec.replicaz: unknown field, did you mean replicas?"
also "and a label" "* metadata.labels: Invalid value: \"a b\": it is no value of a label"
expect "one phase alone foresees nothing" 1 "(p/tag)" "$proctor" review --phase validate odd.yaml
never "of Kubernetes" "Kubernetes"
deployment good 1 x:v1 | sed 's/app: x/app: z/g' >moved.yaml
expect "what cannot be changed" 1 "* spec.selector: Forbidden: it cannot be changed" \
    "$proctor" review --old good.yaml moved.yaml
"$proctor" review -o yaml odd.yaml >out 2>err
cp err out
also "-o yaml says what Kubernetes refuses" "* spec.replicaz: unknown field"
"$proctor" review -o yaml type.yaml >out 2>err
if [ ! -s out ]; then fine; else wrong "-o yaml of what cannot be decoded is empty"; fi
"$proctor" review -o json type.yaml odd.yaml good.yaml >out 2>err
if python3 - out <<'PYTHON'
import json, sys
wrong, odd, good = json.load(open(sys.argv[1]))
assert wrong["verdict"] == "denied" and wrong["undecodable"] is True, wrong
assert wrong["kubernetes"] == [{"field": "spec.replicas",
                                "message": "is string, must be whole number"}], wrong
assert wrong["message"].endswith("* spec.replicas: is string, must be whole number"), wrong
assert odd["message"].startswith("Deployment odd: ") and "undecodable" not in odd, odd
assert [row["field"] for row in odd["kubernetes"]] == ["spec.replicaz", "metadata.labels"], odd
assert good["kubernetes"] == [] and good["verdict"] == "allowed", good
PYTHON
then fine; else wrong "-o json names what Kubernetes refuses"; fi
expect "no policies" 2 "nowhere" "$proctor" review --policies nowhere good.yaml
sed 's/max: 1/maxx: 1/' policies/policy.yaml >typo.yaml
expect "a broken policy" 2 "did you mean" "$proctor" review --policies typo.yaml good.yaml
expect "an unknown flag" 2 "did you mean --policies" "$proctor" review --polices x good.yaml
expect "a wrong clock" 2 "2026-02-30" "$proctor" review --now 2026-02-30 good.yaml

# who asks, and for what
deployment paint 1 x:v1 'paint: s1' >paint.yaml
expect "--as is the user" 0 "allowed" "$proctor" review --as s1 paint.yaml
never "and nobody is assumed" "judged as user"
expect "another user" 1 "(p/who)" "$proctor" review --as s2 paint.yaml
expect "--namespace" 0 "Deployment course/good" "$proctor" review -n course good.yaml
deployment good 1 x:v1 'team: red' >red.yaml
deployment good 1 x:v1 'team: blue' >blue.yaml
expect "--old makes an update" 1 "(p/frozen)" "$proctor" review --old red.yaml blue.yaml
expect "without it, a create" 0 "allowed" "$proctor" review blue.yaml
expect "an update needs the old object" 2 "UPDATE needs the old object" \
    "$proctor" review --operation UPDATE good.yaml
expect "--old that fits nothing" 2 "no object was judged that has its kind" \
    "$proctor" review --old red.yaml five.yaml
expect "a delete" 0 "" "$proctor" review --operation DELETE good.yaml
printf 'apiVersion: autoscaling/v1\nkind: Scale\nmetadata: {name: s}\nspec: {replicas: 3}\n' >scale.yaml
expect "a Scale is the subresource" 0 "Warning: spec.replicas: 3 -> 1" "$proctor" review scale.yaml
expect "one phase: mutate" 1 "(p/tag)" "$proctor" review --phase mutate bad.yaml
expect "one phase: validate" 1 "at most 1" "$proctor" review --phase validate five.yaml

# the other outputs
"$proctor" review -o json all.yaml missing.yaml >out 2>err
code=$?
if [ "$code" -eq 2 ] && python3 - out <<'PYTHON'
import json, sys
items = json.load(open(sys.argv[1]))
assert [i["verdict"] for i in items] == ["allowed", "patched", "denied", "error"], items
assert items[1]["patch"][0] == {"op": "replace", "path": "/spec/replicas", "value": 1}
assert items[1]["edits"][0]["before"] == 5 and items[1]["edits"][0]["after"] == 1
violation = items[2]["violations"][0]
assert violation["rule"] == "tag" and violation["policy"] == "p" and violation["effect"] == "deny"
assert violation["field"] == "spec.template.spec.containers[0].image", violation
assert violation["pointer"] == "/spec/template/spec/containers/0/image", violation
assert items[2]["line"] == 21 and items[2]["message"].startswith("Deployment bad: ")
PYTHON
then fine; else wrong "-o json: exit $code"; fi
"$proctor" review -o yaml five.yaml >after.yaml 2>err
cp after.yaml out
also "-o yaml is the object after" "replicas: 1"
expect "-o yaml can be reviewed again" 0 "after.yaml:1 Deployment default/five: allowed" \
    "$proctor" review after.yaml
"$proctor" review -o yaml bad.yaml >out 2>err
also "-o yaml says what is refused" "(p/tag)"
"$proctor" review -o admissionreview --phase validate bad.yaml five.yaml >out 2>err
code=$?
if [ "$code" -eq 1 ] && python3 - out <<'PYTHON'
import json, sys
answers = [json.loads(line)["response"] for line in open(sys.argv[1])]
assert [a["allowed"] for a in answers] == [False, False], answers
assert answers[0]["status"]["code"] == 422 and answers[0]["status"]["reason"] == "Invalid"
assert all(a["uid"] == "00000000-0000-0000-0000-000000000000" for a in answers)
PYTHON
then fine; else wrong "-o admissionreview: exit $code"; fi
recorded=$root/tests/reviews/v1.36.3/03-scale.mutating.json
expect "a recorded review is judged as it is" 0 "Scale student-2024001/student-2024001: patched" \
    "$proctor" review "$recorded"
never "its user is its own" "judged as user"
"$proctor" review -o admissionreview --phase mutate "$recorded" >out 2>err
also "the answer has its uid" '"uid":"c1b0cff7-e294-4418-89a6-e6f14860715b"'
also "and a patch" '"patchType":"JSONPatch"'
printf '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}' >half.json
expect "half a review" 2 "half.json:1: error:" "$proctor" review half.json
printf 'metadata: {name: "\\e[2Jx\\a"}\napiVersion: v1\nkind: Pod\n' >control.yaml
expect "control characters stay harmless" 1 "Pod default/?[2Jx?: denied" \
    "$proctor" review control.yaml
never "no escape" "$(printf '\033')"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
