#!/bin/sh
# proctor diff against the built program.  Usage: tests/cli/diff.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# policy MAX MODE TAGS
policy() {
    cat <<YAML
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps, services] }
  mode: $2
  rules:
    - { id: one, why: Few pods., field: spec.replicas, max: $1, optional: true }
    - { id: ready, why: Soon., field: spec.minReadySeconds, default: 5, max: 60, outside: clamp }
    - { id: tag, why: It moves., field: \$containers.image@tag, noneOf: [$3] }
YAML
}
mkdir old new same
policy 3 enforce latest >old/p.yaml
policy 1 enforce latest >new/p.yaml
{ echo "# only a comment"; policy 3 enforce latest; } >same/other-name.yaml

# deployment NAME REPLICAS [IMAGE]
deployment() {
    cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: { name: $1, namespace: class }
spec:
  replicas: $2
  minReadySeconds: 9
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "${3:-x:v1}" }] }
YAML
}
mkdir manifests
deployment a 1 >manifests/a.yaml
deployment b 2 >manifests/b.yaml
deployment c 3 x:latest >manifests/c.yaml
printf 'apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { ports: [{ port: 80 }] }\n' >manifests/s.yaml

# shows NAME: what came in `out` is what stands on stdin, byte for byte
shows() {
    cat >want
    if cmp -s want out; then fine; else
        diff want out >err
        wrong "$1: not as wanted"
    fi
}

expect "nothing changes" 0 "The two sets say the same." "$proctor" diff old same
expect "not for anybody either" 0 "Nothing changes for 4 of 4 objects." "$proctor" diff old same manifests
expect "a bound moved" 1 "stricter  one max moves from 3 to 1" "$proctor" diff old new
never "nobody was judged" "Judged as"
expect "for whom" 1 "" "$proctor" diff old new manifests
shows "in words" <<'TEXT'
1 change: 1 stricter, 0 looser, 0 other

p
  stricter  one max moves from 3 to 1

1 of 3 Deployments would now be refused
  manifests/b.yaml:1 class/b
    spec.replicas: at most 1 (p/one)

1 of 3 Deployments would be refused for other reasons
  manifests/c.yaml:1 class/c
    now spec.replicas: at most 1 (p/one)

Nothing changes for 2 of 4 objects.
Judged as user proctor-diff.
TEXT
expect "the other way round" 1 "1 of 3 Deployments would no longer be refused" "$proctor" diff new old manifests
also "why" "    no longer spec.replicas: at most 1 (p/one)"

policy 3 enforce 'latest, v1' >new/p.yaml
expect "a list" 1 "2 of 3 Deployments would now be refused" "$proctor" diff old new manifests
policy 3 enforce latest | sed 's/default: 5, max: 60/default: 5, max: 7/' >new/p.yaml
expect "what comes out" 1 "2 of 3 Deployments would come out otherwise" "$proctor" diff old new manifests
also "with the new value" "    now spec.minReadySeconds becomes 7 (p/ready)"
policy 3 warn latest >new/p.yaml
expect "a mode that moved" 1 "looser    mode moves from enforce to warn" "$proctor" diff old new manifests
also "is one change" "1 change: 0 stricter, 1 looser, 0 other"
also "and lets pass" "1 of 3 Deployments would no longer be refused"
policy 3 enforce latest | sed 's/id: tag/id: label/' >new/p.yaml
expect "a new name" 1 "changed   label is the rule that was called tag" "$proctor" diff old new manifests
also "changes nothing for anybody" "Nothing changes for 4 of 4 objects."
policy 3 enforce latest | sed 's/services/pods/' >new/p.yaml
expect "a match" 1 "2 changes" "$proctor" diff old new
also "widened" "stricter  resources: also pods"
also "and narrowed" "looser    resources: no longer services"

# what is judged, and as whom
policy 3 enforce latest | sed 's/match: {/match: { groups: [students],/' >new/p.yaml
expect "nobody's manifests" 1 "would no longer be refused" "$proctor" diff old new manifests
expect "a student's" 1 "Nothing changes for 4 of 4 objects." "$proctor" diff old new manifests --as s1 --as-group students
also "by name" "Judged as user s1."
policy 1 enforce latest >new/p.yaml
cat manifests/*.yaml | sed 's/^apiVersion/---\n&/' >all.yaml
"$proctor" diff old new - <all.yaml >out 2>err
also "stdin" "stdin:"
"$proctor" review -p old -o request manifests/b.yaml >review.json
expect "a recorded review" 1 "class/b" "$proctor" diff old new review.json

# the other outputs
"$proctor" diff -o json old new manifests >out 2>err
if [ $? -eq 1 ] && python3 - out 2>err <<'PYTHON'; then fine; else wrong "the json"; fi
import json, sys
report = json.load(open(sys.argv[1]))
assert report["changes"] == [{"policy": "p", "rule": "one", "change": "bound", "way": "stricter",
                              "words": "max moves from 3 to 1"}], report["changes"]
deployments = next(c for c in report["counts"] if c["kind"] == "Deployment")
assert deployments == {"kind": "Deployment", "judged": 3, "refused": 1, "admitted": 0, "reasons": 1,
                       "result": 0, "warnings": 0, "same": 1}, deployments
b = next(o for o in report["objects"] if o["name"] == "b")
assert b == {"file": "manifests/b.yaml", "line": 1, "apiVersion": "apps/v1", "kind": "Deployment",
             "namespace": "class", "name": "b", "impact": "refused", "oldVerdict": "allowed",
             "newVerdict": "denied", "now": ["spec.replicas: at most 1 (p/one)"],
             "noLonger": []}, b
assert report["problems"] == 0 and len(report["objects"]) == 2
PYTHON
expect "markdown" 1 "| p | one | stricter | max moves from 3 to 1 |" "$proctor" diff -o markdown old new manifests
also "with its sums" "- **1 of 3 Deployments** would now be refused"
also "and names" "| refused | Deployment | class | b | manifests/b.yaml:1 | spec.replicas: at most 1 (p/one) |"
sed 's/why: Few pods./why: Few pods., message: "a|b <i>"/' new/p.yaml >hostile.yaml
"$proctor" diff -o markdown new hostile.yaml >out 2>err
also "what files hold stays text" 'a\|b &#60;i\>'

# what is broken
printf 'a: [\n' >manifests/broken.yaml
expect "a broken manifest" 2 "manifests/broken.yaml:2:1: error:" "$proctor" diff old new manifests
also "the others are judged" "1 of 3 Deployments would now be refused"
also "and it is said" "1 problem: the result is incomplete"
rm manifests/broken.yaml
printf 'a\0b' >binary.yaml
expect "a binary manifest" 2 "this is a binary file" "$proctor" diff old new binary.yaml manifests
also "beside good ones" "1 of 3 Deployments would now be refused"
{ printf '\357\273\277'; sed 's/$/\r/' manifests/b.yaml; } >crlf.yaml
expect "a BOM and CRLF" 1 "1 of 1 Deployment would now be refused" "$proctor" diff old new crlf.yaml
printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: t}\nspec: {replicas: lots}\n' >type.yaml
expect "a wrong type" 2 "type.yaml:1: error:" "$proctor" diff old same type.yaml
expect "no such file" 2 "No such file" "$proctor" diff old same missing.yaml
mkdir mixed && cp old/p.yaml mixed/a.yaml && sed 's/max:/maxx:/; s/name: p /name: q /' old/p.yaml >mixed/b.yaml
expect "one bad policy file among good ones" 2 "mixed/b.yaml:" "$proctor" diff old mixed
if [ -s out ]; then wrong "nothing is compared by halves"; else fine; fi
expect "no policies" 2 "nowhere" "$proctor" diff nowhere old
expect "one set" 2 "say which two sets" "$proctor" diff old
expect "both live and files" 2 "either --live or files" "$proctor" diff --live old new manifests
expect "a wrong clock" 2 "2026-02-30" "$proctor" diff --now 2026-02-30 old new

# --live: the lists of a cluster, as an API server gives them
python3 - <<'PYTHON'
import json

def deployment(name, replicas, **metadata):
    return {"metadata": {"name": name, "namespace": "class", "uid": "u-" + name,
                         "resourceVersion": "7", "generation": 4,
                         "creationTimestamp": "2026-11-01T00:00:00Z", **metadata},
            "spec": {"replicas": replicas, "minReadySeconds": 9,
                     "selector": {"matchLabels": {"app": "x"}},
                     "template": {"metadata": {"labels": {"app": "x"}},
                                  "spec": {"containers": [{"name": "app", "image": "x:v1"}]}}},
            "status": {"replicas": replicas}}

OWNED = [{"apiVersion": "x/v1", "kind": "X", "name": "o", "uid": "1", "controller": True}]
deployments = {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {}, "items": [
    deployment("a", 1), deployment("b", 2), deployment("made", 2, ownerReferences=OWNED),
    deployment("leaving", 2, deletionTimestamp="2026-11-01T00:00:00Z")]}
services = {"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": []}
with open("cluster", "w") as file:
    json.dump({"/apis/apps/v1/deployments": [200, deployments],
               "/apis/apps/v1/namespaces/class/deployments": [200, deployments],
               "/api/v1/services": [403, None],
               "/api/v1/namespaces/class/services": [200, services]}, file)
PYTHON
serve
expect "a namespace of a cluster" 1 "1 of 2 Deployments would now be refused" \
    "$proctor" diff --live -n class --kubeconfig kubeconfig old new
also "by name" "  class/b"
also "what controllers made is left out" "2 made by controllers were left out"
never "and not judged" "class/made"
if [ "$(sort -u seen | tr '\n' ' ')" = "GET /api/v1/namespaces/class/services GET /apis/apps/v1/namespaces/class/deployments " ]; then
    fine
else
    wrong "only what the policies speak of is read: $(cat seen)"
fi
expect "what may not be read is said" 2 "/api/v1/services answers 403" "$proctor" diff --live --kubeconfig kubeconfig old new
also "the rest is judged" "1 of 2 Deployments would now be refused"
also "and it is incomplete" "1 problem: the result is incomplete"
sed 's/services\]/"*"]/' old/p.yaml >every.yaml
: >seen
expect "every kind" 2 "" "$proctor" diff --live --kubeconfig kubeconfig every.yaml every.yaml
if grep -q '^GET /api/v1/configmaps$' seen && ! grep -qE 'secrets|endpoint' seen; then fine; else wrong "Secrets are not read"; fi
expect "no cluster" 2 "nowhere" "$proctor" diff --live --kubeconfig nowhere old new

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
