#!/bin/sh
# Where proctor review says that things stand, and how other programs are told.  Usage:
# tests/cli/review-places.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir policies more
cat >policies/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps] }
  rules:
    - { id: one, why: One pod., field: spec.replicas, default: 1, max: 1, outside: clamp }
    - { id: tag, why: It moves., fix: "image: x:v1", field: "$containers.image@tag", noneOf: [latest] }
    - { id: socket, why: It is the node., field: "$pod.volumes[hostPath].hostPath", remove: true }
    - { id: env, why: Ours., field: '$containers.env[name=OLD]', remove: true }
    - { id: port, why: Low., field: '$containers.env[*].value', notPattern: '^bad$' }
    - { id: soft, why: Soon., mode: warn, field: metadata.labels.team, required: true }
    - { id: fill, why: Ours., field: metadata.labels.owner, default: me, when: [{ field: metadata.labels.fill, exists: true }] }
    - { id: quiet, why: Only counted., mode: audit, field: metadata.labels.cost, required: true }
YAML
cat >more/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: q }
spec:
  match: { resources: [configmaps] }
  rules:
    - { id: none, why: Not here., deny: true }
YAML
cat >web.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { team: red, cost: "1" } }
spec:
  replicas: 3
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec:
      containers:
      - name: app
        image: x:v1
        env:
        - { name: OLD, value: a }
        - name: NEW
          value: bad
YAML

# the engine judged env[0].value: what it took out before it is counted back in
expect "an element that moved up" 1 "web.yaml:16:11: spec.template.spec.containers[0].env[0].value (p/port)" \
    "$proctor" review web.yaml
sed 's/value: bad/value: good/' web.yaml >fair.yaml
sed 's/^        - { name: OLD.*/&\n&\n        - { name: MID, value: good }\n&/' web.yaml >thrice.yaml
expect "behind three that are taken out" 1 \
    "thrice.yaml:19:11: spec.template.spec.containers[0].env[1].value (p/port)" "$proctor" review thrice.yaml
expect "a change has its place" 0 "fair.yaml:5:3: spec.replicas (p/one)" "$proctor" review fair.yaml
also "what is taken out too" "fair.yaml:14:11: spec.template.spec.containers[0].env[name=OLD] (p/env)"
sed '/replicas/d; /OLD/d; s/team: red/team: red, fill: x/' fair.yaml >unset.yaml
expect "a value put in has none of its own" 0 "+    owner: me" "$proctor" review unset.yaml
never "and is told by the diff" "unset.yaml:3:24: metadata.labels.owner"
"$proctor" review -o json unset.yaml web.yaml >out 2>err
if python3 - out <<'PYTHON'
import json, sys
unset, web = json.load(open(sys.argv[1]))
edits = {e["rule"]: (e["line"], e["column"]) for e in unset["edits"] if "rule" in e}
assert edits == {"fill": (3, 24)}, edits
edits = {e["rule"]: (e["line"], e["column"]) for e in web["edits"] if "rule" in e}
assert edits == {"one": (5, 3), "env": (14, 11)}, edits
places = {v["rule"]: (v["line"], v["column"]) for v in web["violations"]}
assert places == {"port": (16, 11)}, places
PYTHON
then fine; else wrong "-o json"; fi

# a list's items, JSON, and recorded reviews
python3 - <<'PYTHON'
import json
def deployment(name, image):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": "x"}},
                     "template": {"metadata": {"labels": {"app": "x"}},
                                  "spec": {"containers": [{"name": "a", "image": image}]}}}}
both = [deployment("a", "x:v1"), deployment("b", "nginx")]
json.dump({"apiVersion": "v1", "kind": "List", "items": both}, open("list.json", "w"), indent=1)
review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
    "uid": "u", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
    "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "name": "b",
    "namespace": "n", "operation": "CREATE", "userInfo": {"username": "u"}, "object": both[1]}}
json.dump(review, open("review.json", "w"), indent=1)
lines = open("list.json").read().split("\n")
at = [i for i, line in enumerate(lines) if '"nginx"' in line][0]
open("list.want", "w").write(f'list.json:{at + 1}:{lines[at].index(chr(34)) + 1}: spec.template')
lines = open("review.json").read().split("\n")
at = [i for i, line in enumerate(lines) if '"nginx"' in line][0]
open("review.want", "w").write(f'review.json:{at + 1}:{lines[at].index(chr(34)) + 1}: spec.template')
PYTHON
expect "an item of a list in JSON" 1 "$(cat list.want)" "$proctor" review list.json
expect "a recorded review" 1 "$(cat review.want)" "$proctor" review review.json
expect "the same read as YAML" 1 "$(sed 's/review.json/review.yaml/' review.want)" \
    sh -c '{ echo "# a remark"; sed 1d review.json | sed "1i{"; } >review.yaml; sed -i 1d review.yaml
           exec "$0" review review.yaml' "$proctor"
printf 'apiVersion: v1\nkind: List\nitems:\n' >list.yaml
sed 's/^/  /; 1s/^  /- /' web.yaml >>list.yaml
expect "an item of a list in YAML" 1 "list.yaml:19:13: spec.template.spec.containers[0].env[0].value" \
    "$proctor" review list.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\n' >map.yaml
expect "a request that is refused as such" 1 "map.yaml:2:1: kind (q/none)" \
    "$proctor" review -p policies -p more map.yaml
sed 's/image: .*/image: nginx/' web.yaml >old.yaml
expect "only the new object has places" 1 "web.yaml:16:11:" "$proctor" review --old old.yaml web.yaml

# --fail-on
expect "a change fails with --fail-on warn" 1 "patched" "$proctor" review --fail-on warn fair.yaml
expect "and else not" 0 "patched" "$proctor" review --fail-on violation fair.yaml
sed 's/replicas: 3/replicas: 1/; /OLD/d' fair.yaml >exact.yaml
expect "what conforms is fine" 0 "1 allowed" "$proctor" review --fail-on warn exact.yaml
sed 's/team: red, //' exact.yaml >soft.yaml
expect "a rule that warns" 1 "soft.yaml:3:24: metadata.labels.team (p/soft)" \
    "$proctor" review --fail-on warn soft.yaml
expect "else it only warns" 0 "Warning: metadata.labels.team" "$proctor" review soft.yaml
sed 's/, cost: "1"//' exact.yaml >quiet.yaml
expect "a rule that counts is silent" 0 "1 allowed" "$proctor" review --fail-on warn quiet.yaml
expect "--fail-on needs the whole road" 2 "--fail-on warn" "$proctor" review --fail-on warn -o request web.yaml
expect "an unknown --fail-on" 2 "" "$proctor" review --fail-on never web.yaml

# workflow commands
expect "-o github" 1 "::error file=web.yaml,line=16,col=11,title=p/port::spec.template.spec.containers[0].env[0].value: Invalid value: \"bad\":" \
    "$proctor" review -o github web.yaml
"$proctor" review -o github soft.yaml quiet.yaml fair.yaml exact.yaml >out 2>err
cat >want <<'TEXT'
::warning file=soft.yaml,line=3,col=24,title=p/soft::metadata.labels.team: Required value. Soon.
::notice file=quiet.yaml,line=3,col=24,title=p/quiet::metadata.labels.cost: Required value. Only counted.
::warning file=fair.yaml,line=5,col=3,title=p/one::spec.replicas: 3 -> 1. One pod.
::warning file=fair.yaml,line=14,col=11,title=p/env::spec.template.spec.containers[0].env[name=OLD]: {"name":"OLD","value":"a"} -> removed. Ours.
TEXT
if diff want out >&2; then fine; else wrong "-o github: the levels"; fi
sed 's/image: x:v1/image: "nginx:latest%0A::error::x\\n::warning::y"/' exact.yaml >inject.yaml
"$proctor" review -o github inject.yaml >out 2>err
if [ "$(wc -l <out)" -eq "$(grep -c '^::error file=inject.yaml,' out)" ]; then fine; else wrong "injected"; fi
expect "a fix that the engine finds" 1 "spec.replicas: Invalid value: 3: at most 1. One pod. Fix: replicas: 1" \
    "$proctor" review -o github --phase validate web.yaml
expect "a file that cannot be read" 2 "::error file=nowhere.yaml::No such file or directory" \
    "$proctor" review -o github nowhere.yaml

# reports that are written at the end
expect "-o sarif" 1 '"ruleId":"p/port"' "$proctor" review -o sarif web.yaml
also "its place" '"region":{"startLine":16,"startColumn":11}'
also "it was whole" '"executionSuccessful": true'
expect "-o sarif of what cannot be read" 2 '"executionSuccessful": false' \
    "$proctor" review -o sarif web.yaml nowhere.yaml
also "the file" 'No such file or directory'
"$proctor" review -o sarif web.yaml >first 2>err
{ echo "# a new line"; cat web.yaml; } >moved && mv moved web.yaml
"$proctor" review -o sarif web.yaml >out 2>err
prints() { grep -o '"proctorFinding/v1":"[^"]*"' "$1" | sort; }
if [ -n "$(prints out)" ] && [ "$(prints first)" = "$(prints out)" ]; then fine; else wrong "fingerprints"; fi
also "the place has moved" '"startLine":17'
expect "-o junit" 1 '<testsuite name="web.yaml" tests="1" failures="1" errors="0" skipped="0">' \
    "$proctor" review -o junit web.yaml map.yaml
also "what is not judged" '<skipped message="no policy matches"/>'
expect "-o junit of what cannot be read" 2 '<error message="No such file or directory"/>' \
    "$proctor" review -o junit web.yaml nowhere
expect "-o junit --fail-on warn" 1 '<failure message="fair.yaml:5:3: spec.replicas: 3 -' \
    "$proctor" review -o junit --fail-on warn fair.yaml
expect "an empty report is one too" 0 '"results": []' "$proctor" review -o sarif map.yaml
also "and whole" '"executionSuccessful": true'
mkdir empty
expect "a report of nothing is not whole" 2 '"executionSuccessful": false' \
    "$proctor" review -o sarif empty

# what Kubernetes itself would refuse has a place, too
sed 's/replicas:/replicaz:/' fair.yaml >typing.yaml
expect "of Kubernetes, for people" 1 "  typing.yaml:5:3: spec.replicaz (kubernetes)" \
    "$proctor" review typing.yaml
expect "of Kubernetes, github" 1 \
    "::error file=typing.yaml,line=5,col=3,title=kubernetes::spec.replicaz: unknown field" \
    "$proctor" review -o github typing.yaml
expect "of Kubernetes, sarif" 1 '"ruleId":"kubernetes"' "$proctor" review -o sarif typing.yaml
expect "of Kubernetes, junit" 1 'type="kubernetes"' "$proctor" review -o junit typing.yaml

# progress: on a terminal, and only where the results do not show it
cat >terminal.py <<'PYTHON'
import os, pty, subprocess, sys
main, other = pty.openpty()
out = other if sys.argv[1] == "both" else subprocess.DEVNULL
run = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out, stderr=other)
os.close(other)
shown = b""
try:
    while got := os.read(main, 65536):
        shown += got
except OSError:  # so Linux ends it
    pass
sys.stdout.buffer.write(shown)
sys.exit(run.wait())
PYTHON
export TERM=xterm
mkfifo slow
{ sleep 1.2; cat exact.yaml; } >slow &
expect "progress" 0 "2 objects, 0 denied  slow" timeout 60 python3 terminal.py err "$proctor" \
    review -o json exact.yaml slow
wait
expect "what is quick needs none" 0 "" python3 terminal.py err "$proctor" review -o json exact.yaml
if [ -s out ]; then wrong "progress of one object"; else fine; fi
{ sleep 1.2; cat exact.yaml; } >slow &
expect "nor what shows by itself" 0 "2 objects: 2 allowed" timeout 60 python3 terminal.py both \
    "$proctor" review exact.yaml slow
wait
never "no line between the results" "0 denied"
expect "colours on a terminal" 0 "$(printf '\033[32mallowed')" python3 terminal.py both "$proctor" review exact.yaml
expect "NO_COLOR" 0 "1 allowed" env NO_COLOR=1 python3 terminal.py both "$proctor" review exact.yaml
never "no escape" "$(printf '\033')"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
