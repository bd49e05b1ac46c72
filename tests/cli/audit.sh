#!/bin/sh
# proctor audit against the built program and an API server made of answers that are written down
# here.  Usage: tests/cli/audit.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir policies
cat >policies/p.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  title: Few and steady
  match: { resources: [deployments.apps, pods, widgets.example.com] }
  rules:
    - { id: one, why: Few pods., field: spec.replicas, max: 2, optional: true }
    - { id: ready, why: Soon., field: spec.minReadySeconds, default: 5, max: 60, outside: clamp, when: [{ field: kind, equals: Deployment }] }
    - { id: tag, why: It moves., field: $containers.image@tag, noneOf: [latest], mode: warn }
    - { id: bare, why: Nothing restarts it., deny: true, message: a bare pod, when: [{ field: $request.resource.resource, equals: pods }, { field: $request.userInfo.username, noneOf: ["system:serviceaccount:kube-system:replicaset-controller"] }] }
    - { id: colour, why: Blue is calm., field: spec.colour, oneOf: [blue], when: [{ field: kind, equals: Widget }] }
---
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: lab }
spec:
  policy: p
  rules: [one]
  match: { names: [many] }
  reason: The exam.
  owner: teacher@example.com
  ticket: LAB-1
  expires: 2026-12-31
YAML
cat >cluster.py <<'PYTHON'
"""The good cluster, then what the arguments change: PATH=CODE, PATH=empty for a group without
kinds, PATH- for no such path."""
import json, sys

def resources(*rows):
    return [200, {"kind": "APIResourceList", "groupVersion": "x", "resources": [
        {"name": name, "kind": kind, "namespaced": spaced, "verbs": verbs}
        for name, kind, spaced, verbs in rows]}]

def objects(kind, *items):
    return [200, {"kind": kind + "List", "apiVersion": "x", "items": list(items)}]

def deployment(name, replicas, image="x:v1", **metadata):
    return {"metadata": {"name": name, "namespace": "class", "uid": "u-" + name, **metadata},
            "spec": {"replicas": replicas, "minReadySeconds": 9,
                     "selector": {"matchLabels": {"app": "x"}},
                     "template": {"metadata": {"labels": {"app": "x"}},
                                  "spec": {"containers": [{"name": "app", "image": image}]}}},
            "status": {"replicas": replicas}}

def pod(name, *owners):
    return {"metadata": {"name": name, "namespace": "class", "uid": "u-" + name,
                         "ownerReferences": list(owners)},
            "spec": {"nodeName": "n", "containers": [{"name": "app", "image": "x:v1"}]}}

ALL = ["create", "get", "list"]
REPLICASET = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1",
              "controller": True}
unset = deployment("unset", 1)
del unset["spec"]["minReadySeconds"]
cluster = {
    "/api/v1/namespaces/class": [200, {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "class"}}],
    "/apis": [200, {"kind": "APIGroupList", "groups": [
        {"name": group, "preferredVersion": {"version": versions[0]},
         "versions": [{"version": version} for version in versions]}
        for group, versions in (("apps", ["v2", "v1"]), ("example.com", ["v1"]),
                                ("other.com", ["v1"]))]}],
    "/api/v1": resources(("pods", "Pod", True, ALL), ("pods/log", "Pod", True, ["get"]),
                         ("secrets", "Secret", True, ALL), ("nodes", "Node", False, ALL),
                         ("events", "Event", True, ALL),
                         ("bindings", "Binding", True, ["create"])),
    "/apis/apps/v1": resources(("deployments", "Deployment", True, ALL)),
    "/apis/apps/v2": resources(("deployments", "Deployment", True, ALL)),
    "/apis/example.com/v1": resources(("widgets", "Widget", True, ALL)),
    "/apis/other.com/v1": resources(("things", "Thing", False, ALL)),
    "/apis/apps/v1/namespaces/class/deployments": objects(
        "Deployment", deployment("fine", 1), deployment("many", 7), deployment("much", 3), unset,
        deployment("moving", 1, "x:latest"),
        deployment("leaving", 9, deletionTimestamp="2026-11-01T00:00:00Z",
                   finalizers=["foregroundDeletion"])),
    "/api/v1/namespaces/class/pods": objects("Pod", pod("made", REPLICASET), pod("bare"),
                                             pod("forged", {**REPLICASET, "kind": "Widget"})),
    "/apis/example.com/v1/namespaces/class/widgets": objects(
        "Widget", {"metadata": {"name": "w", "namespace": "class"}, "spec": {"colour": "red"}}),
    "/api/v1/namespaces/class/secrets": objects("Secret", {
        "metadata": {"name": "s", "namespace": "class", "annotations":
                     {"kubectl.kubernetes.io/last-applied-configuration": "TELLTALE"}},
        "data": {"key": "TELLTALE"}}),
}
for path in list(cluster):  # and the same for all namespaces
    if path.startswith("/api") and "/namespaces/class/" in path:
        cluster[path.replace("/namespaces/class", "")] = cluster[path]
cluster["/api/v1/nodes"] = objects("Node", {"metadata": {"name": "n"}})
cluster["/apis/other.com/v1/things"] = objects("Thing", {"metadata": {"name": "t"}})
for change in sys.argv[1:]:
    path, _, code = change.rpartition("=")
    if code == "empty":
        cluster[path] = resources()
    elif path:
        cluster[path] = [int(code), None]
    else:
        del cluster[change[:-1]]
with open("cluster", "w") as file:
    json.dump(cluster, file)
PYTHON
python3 cluster.py
serve
audit() { "$proctor" audit --kubeconfig kubeconfig --now "${NOW:-2026-11-21}" "$@"; }
shows() { # shows NAME: what came in `out` is what stands on stdin, byte for byte
    cat >want
    if cmp -s want out; then fine; else
        diff want out >err
        wrong "$1: not as wanted"
    fi
}

# ---- the report
expect "a namespace" 1 "" audit -n class
shows "in words" <<'TEXT'
OBJECT                    VIOLATIONS  WARNINGS  NOTES
Pod class/bare            1           -         -
Pod class/forged          1           -         -
Deployment class/many     -           1         -
Deployment class/much     1           -         -
Deployment class/unset    1           -         -
Deployment class/moving   -           1         -
Deployment class/leaving  1           -         -
Widget class/w            1           -         -

RULE      OBJECTS  VIOLATIONS  WARNINGS  NOTES
p/one     3        2           1         -
p/bare    2        2           -         -
p/colour  1        1           -         -
p/ready   1        1           -         -
p/tag     1        -           1         -

Pod class/bare: denied
  Pod bare: kind: Forbidden: a bare pod
      Nothing restarts it. (p/bare)
Pod class/forged: denied
  Pod forged: kind: Forbidden: a bare pod
      Nothing restarts it. (p/bare)
Deployment class/many: allowed
  Warning: spec.replicas: excepted until 2026-12-31, 41 days left: lab, LAB-1 (p/one)
Deployment class/much: denied
  Deployment much: spec.replicas: Invalid value: 3: at most 2
      Few pods. Fix: replicas: 2 (p/one)
Deployment class/unset: denied
  Deployment unset: spec.minReadySeconds: Required value
      Soon. Fix: minReadySeconds: 5 (p/ready)
Deployment class/moving: allowed
  Warning: spec.template.spec.containers[0].image: x:latest: must not be latest (p/tag)
Deployment class/leaving: denied
  Deployment leaving: spec.replicas: Invalid value: 9: at most 2
      Few pods. Fix: replicas: 2 (p/one)
Widget class/w: denied
  Widget w: spec.colour: Invalid value: "red": must be blue
      Blue is calm. Fix: colour: blue (p/colour)

10 objects judged: 6 break a rule, 2 are warned of, 2 keep all.
Judged as if proctor-audit made each today; --as and --as-group say who does.
TEXT
if grep -qv '^GET ' seen; then wrong "only GET is sent: $(cat seen)"; else fine; fi
if grep -q 'secrets\|events\|other.com\|nodes' seen; then wrong "what no policy speaks of is read: $(cat seen)"; else fine; fi
if [ "$(grep -c '/class/deployments$' seen)" -eq 3 ] && ! grep -q 'apps/v2/n' seen; then
    fine
else
    wrong "all pages, in the version of the schema: $(cat seen)"
fi
sed 's/max: 2/max: 9/; s/default: 5/optional: true/; s/bare, why/bare, mode: audit, why/; s/\[blue\]/[red]/' \
    policies/p.yaml >mild.yaml
expect "warnings are no findings" 0 "10 objects judged: 0 break a rule, 1 is warned of, 9 keep all" audit -n class -p mild.yaml
also "what is only audited is a note" "Pod class/bare           -           -         1"
expect "unless they are to be" 1 "" audit -n class -p mild.yaml --fail-on warn
sed '/id: tag/d' mild.yaml >fine.yaml
expect "notes are not" 0 "" audit -n class -p fine.yaml --fail-on warn
sed '/id: bare/d' fine.yaml >finer.yaml
expect "nothing to say" 0 "10 objects judged: 0 break a rule, 0 are warned of, 10 keep all" audit -n class -p finer.yaml
never "no empty table" OBJECT
NOW=2027-01-01
expect "after the exception" 1 "Deployment class/many     1           -         -" audit -n class
NOW=
sed 's/match: {/match: { users: [s1], groups: [students],/' policies/p.yaml >who.yaml
expect "nobody's" 0 "10 more no policy judges" audit -n class -p who.yaml
expect "a student's" 1 "Judged as if s1 made each" audit -n class -p who.yaml --as s1 --as-group students
also "but for what controllers made" "9 objects judged"
cat >every.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: all }
spec:
  match: { resources: ["*"] }
  rules:
    - { id: name, why: Names are words., field: metadata.name, pattern: "^[a-z]{2,}$" }
YAML
: >seen
expect "every kind" 1 "Not read: secrets, events." audit -n class -p every.yaml
never "without a problem" INCOMPLETE
if grep -q 'secrets\|events\|nodes\|things\|bindings\|pods/log' seen; then wrong "read: $(cat seen)"; else fine; fi
sed 's/\["\*"\]/[secrets]/; s/metadata.name, .*/data.key, equals: x }/' every.yaml >secret.yaml
cat >>secret.yaml <<'YAML'
    - { id: note, why: It repeats all., field: "metadata.annotations[*]", equals: x }
YAML
expect "Secrets if they are asked for" 1 "data.key: Invalid value: \"\": must be x" audit -n class -p secret.yaml --secrets
never "without their values" TELLTALE
: >seen
expect "all namespaces" 1 "13 objects judged" audit -A -p every.yaml --secrets
if grep -q '^GET /api/v1/nodes$' seen && grep -q '^GET /apis/other.com/v1/things$' seen &&
    ! grep -q namespaces seen; then fine; else wrong "what is in none too: $(cat seen)"; fi
expect "without a kind" 1 "Not read: pods." audit -n class --without pods
also "the others" "7 objects judged"

# ---- for programs
audit -n class -o json >out 2>err
if [ $? -eq 1 ] && python3 - out 2>err <<'PYTHON'; then fine; else wrong "the json"; fi
import json, sys
report = json.load(open(sys.argv[1]))
assert report["complete"] is True and report["problems"] == [], report
assert report["summary"] == {"judged": 10, "denied": 6, "warned": 2, "notJudged": 0}, report["summary"]
assert report["rules"][0] == {"rule": "p/one", "objects": 3, "violations": 2, "warnings": 1,
                              "notes": 0}, report["rules"]
assert report["namespaces"] == ["class"] and report["user"] == "proctor-audit"
assert len(report["objects"]) == 10
much = next(o for o in report["objects"] if o["name"] == "much")
assert "file" not in much and "line" not in much and much["verdict"] == "denied", much
assert much["violations"][0]["field"] == "spec.replicas"
assert "line" not in much["violations"][0], much
made = next(o for o in report["objects"] if o["name"] == "made")
assert made["user"] == "system:serviceaccount:kube-system:replicaset-controller", made
PYTHON
audit -n class -o sarif >out 2>err
if [ $? -eq 1 ] && python3 - out 2>err <<'PYTHON'; then fine; else wrong "sarif"; fi
import json, sys
run, = json.load(open(sys.argv[1]))["runs"]
assert run["invocations"][0]["executionSuccessful"] is True
results = run["results"]
assert len(results) == 8, results
assert {result["level"] for result in results} == {"error", "warning"}
where, = results[0]["locations"]
assert where == {"logicalLocations": [{"fullyQualifiedName": "Pod class/bare kind"}]}, where
assert len({result["partialFingerprints"]["proctorFinding/v1"] for result in results}) == 8
PYTHON
audit -n class -o openreports >out 2>err
if [ $? -eq 1 ] && python3 - out 2>err <<'PYTHON'; then fine; else wrong "openreports"; fi
import json, sys
reports = json.load(open(sys.argv[1]))
assert (reports["apiVersion"], reports["kind"]) == ("v1", "List")
reports = {report["scope"]["name"]: report for report in reports["items"]}
assert len(reports) == 10
assert len({report["metadata"]["name"] for report in reports.values()}) == 10
much = reports["much"]
assert much["apiVersion"] == "openreports.io/v1alpha1" and much["kind"] == "Report"
assert much["metadata"]["namespace"] == "class" and much["source"] == "proctor"
SCOPE = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "class", "name": "much",
         "uid": "u-much"}
assert much["scope"] == SCOPE, much["scope"]
assert much["summary"] == {"pass": 0, "fail": 1, "warn": 0, "skip": 0, "error": 0}, much["summary"]
assert much["results"] == [{
    "policy": "p", "rule": "one", "result": "fail", "category": "Few and steady", "scored": True,
    "timestamp": {"seconds": 1795219200, "nanos": 0}, "resources": [SCOPE],
    "message": "spec.replicas: Invalid value: 3: at most 2. Few pods. Fix: replicas: 2",
    "properties": {"field": "spec.replicas", "mode": "enforce", "fix": "replicas: 2"}}], much
assert [result["result"] for result in reports["fine"]["results"]] == ["pass"], reports["fine"]
assert "rule" not in reports["fine"]["results"][0]
assert reports["moving"]["summary"]["warn"] == 1
skipped, = reports["many"]["results"]
assert skipped["result"] == "skip" and skipped["properties"]["exception"] == "lab", skipped
assert "uid" not in reports["w"]["scope"]
PYTHON
audit -A -p every.yaml -o openreports >out 2>err
if python3 -c 'import json, sys
kinds = {(r["kind"], r["metadata"].get("namespace")) for r in json.load(open("out"))["items"]}
assert kinds == {("Report", "class"), ("ClusterReport", None)}, kinds' 2>err; then fine; else wrong "of what is in no namespace"; fi

# ---- what cannot be read is named, and the report does not look whole
broken() { # broken NAME WORDS CHANGE... : with those changes, exit 2 and the words, in each output
    name=$1 words=$2
    shift 2
    python3 cluster.py "$@"
    expect "$name" 2 "$words" audit -n class
    also "$name: it is incomplete" INCOMPLETE
    audit -n class -o json >out 2>err
    if python3 -c 'import json; report = json.load(open("out"))
assert report["complete"] is False and report["problems"], report' 2>>err; then fine; else wrong "$name: json"; fi
    audit -n class -o sarif >out 2>err
    if python3 -c 'import json; call = json.load(open("out"))["runs"][0]["invocations"][0]
assert call["executionSuccessful"] is False and call["toolExecutionNotifications"], call' 2>>err; then
        fine
    else
        wrong "$name: sarif"
    fi
    expect "$name: no reports of a part" 2 "no reports are written of a part" audit -n class -o openreports
    if [ -s out ]; then wrong "$name: openreports"; else fine; fi
}
broken "a right that is missing" "deployments.apps: error: " /apis/apps/v1/namespaces/class/deployments=403
also "the API server's words" "answers 403"
broken "a namespace that is not there" "namespace class: error: " /api/v1/namespaces/class-
broken "a kind that is not served" "widgets.example.com: error: a policy names it, and the cluster does not serve it" /apis/example.com/v1=empty
broken "a group that does not answer" "example.com/v1: error: " /apis/example.com/v1=503
never "and is not called misspelt" "is it misspelt"
broken "a connection that is cut" "deployments.apps: error: " /apis/apps/v1/namespaces/class/deployments=0
also "what was not asked for" "cluster: error: 1 kind behind deployments was not asked for"
broken "no discovery" "cluster: error: " /apis=403
python3 cluster.py
expect "a slip in --without" 2 "--without: error: podz: not among the kinds" audit -n class --without podz
expect "no cluster" 2 "nowhere" "$proctor" audit -n class -p policies --kubeconfig nowhere
sed 's/127.0.0.1:[0-9]*/127.0.0.1:1/' kubeconfig >closed
expect "nobody answers" 2 "127.0.0.1:1" "$proctor" audit -n class --kubeconfig closed
also "it is incomplete" INCOMPLETE

# ---- wrong use
expect "no namespace" 2 "say which namespaces: -n NAME, or -A for all" audit
expect "both" 2 "either -A or -n, not both" audit -A -n class
expect "a name that is none" 2 "no name of a namespace" audit -n ""
expect "a path" 2 "no name of a namespace" audit -n ../secrets
expect "files" 2 "files are judged by \`proctor review\`" audit -n class x.yaml
expect "no policies" 2 nowhere audit -n class -p nowhere
NOW=2026-02-30
expect "a wrong clock" 2 2026-02-30 audit -n class
NOW=
mkdir mixed && cp policies/p.yaml mixed/a.yaml && sed 's/max:/maxx:/; s/name: p /name: q /' policies/p.yaml >mixed/b.yaml
expect "one bad policy file among good ones" 2 "mixed/b.yaml:" audit -n class -p mixed
if [ -s out ]; then wrong "nothing is judged by halves"; else fine; fi
audit -n class >/dev/full 2>err
if [ $? -eq 2 ] && grep -q "cannot write the output" err; then fine; else wrong "output that cannot be written"; fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
