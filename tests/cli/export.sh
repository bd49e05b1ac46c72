#!/bin/sh
# proctor export against the built program.  Usage: tests/cli/export.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# the frame
expect "the family alone shows what there is" 2 "match-conditions" "$proctor" export
expect "an unknown one" 2 'did you mean "match-conditions"' "$proctor" export match-condition
expect "no policies" 2 "nowhere: error: No such file" "$proctor" export match-conditions -p nowhere
expect "an argument is a path too" 2 "nowhere: error: No such file" "$proctor" export match-conditions nowhere
printf 'apiVersion: proctor.dev/v1\nkind: Policy\n' >broken.yaml
expect "a broken policy" 2 "broken.yaml:1:1: error: metadata is missing" "$proctor" export match-conditions -p broken.yaml
never "and prints nothing to use" "expression"

# the shipped policies
expect "the shipped policies" 0 "- name: not-replicaset-controller-pods" \
    "$proctor" export match-conditions -p "$root/policies"
also "kubelets" "- name: not-nodes-update-pods-status"
never "break-glass is not told" "not-masters"
never "nothing is left over" "left to the webhook"
cp out yaml
expect "the same again" 0 "" "$proctor" export match-conditions -p "$root/policies/"
if cmp -s out yaml; then fine; else wrong "another text from the same policies"; fi
expect "as JSON" 0 "" "$proctor" export match-conditions -p "$root/policies" -o json
cp out json
cat >own.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: own }
spec:
  match: { resources: [pods], operations: [CREATE, DELETE] }
  rules: [{ id: none, why: No., deny: true }]
YAML
expect "what one policy judges is left to the webhook" 0 \
    "replicaset-controller, CREATE of pods: left to the webhook, since the policy own may judge it" \
    "$proctor" export match-conditions "$root/policies" own.yaml
never "of several paths all count" "not-replicaset-controller-pods"

# Against the engine: each request for which a condition is false becomes a case of a suite, and no
# policy may judge it.  CEL's few words are read as Python's.
cat >cross.py <<'PYTHON'
import itertools, json, re, sys
conditions = {c["name"]: c["expression"] for c in json.load(open("json"))}
assert 10 < len(conditions) <= 64 and all(re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", n) for n in conditions)
text = re.compile(r'"[^"]*"')
def python(cel):
    words = text.findall(cel)
    cel = text.sub("\0", cel)
    cel = re.sub(r"object\.all\(k, .*?\)\) && oldObject\.all\(.*?\)", "only_metadata", cel)
    cel = re.sub(r"has\(([\w.]+)\)", r"(\1 is not None)", cel)
    cel = re.sub(r"([\w.]+)\.exists\(g, g in (\[[^]]*\])\)", r"any(g in \2 for g in \1)", cel)
    cel = cel.replace("&&", " and ").replace("||", " or ").replace("!(", " not (").strip()
    return re.sub("\0", lambda _: words.pop(0), cel)
class Any: pass
def holds(expression, user, groups, group, name, sub, operation, only_metadata):
    request = Any(); request.userInfo = Any(); request.resource = Any()
    request.userInfo.username, request.userInfo.groups = user, groups
    request.resource.group, request.resource.resource, request.subResource = group, name, sub
    request.operation = operation
    return eval(expression, {"request": request, "only_metadata": only_metadata})
code = {n: python(c) for n, c in conditions.items()}
account = "system:serviceaccount:"
users = [(account + "kube-system:" + n, ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"])
         for n in ("deployment-controller", "replicaset-controller", "job-controller", "cronjob-controller",
                   "generic-garbage-collector", "namespace-controller", "horizontal-pod-autoscaler")]
users += [(account + "hydrosim-system:proctor-recorder", ["system:serviceaccounts", "system:serviceaccounts:hydrosim-system"])]
for user in ("system:kube-scheduler", "system:node:n", "s2024001"):
    for extra in ([], ["system:nodes"], ["students"], ["system:masters"], ["students", "system:nodes"], ["system:nodes", "system:masters"]):
        users.append((user, ["system:authenticated"] + extra))
pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "registry.hydrosim.edu/a:v1"}]}}
kinds = [("", "pods", None, pod), ("", "pods", "status", pod), ("", "pods", "binding", {"apiVersion": "v1", "kind": "Binding"}),
         ("apps", "replicasets", None, {"apiVersion": "apps/v1", "kind": "ReplicaSet"}),
         ("apps", "deployments", None, {"apiVersion": "apps/v1", "kind": "Deployment"}),
         ("batch", "jobs", None, {"apiVersion": "batch/v1", "kind": "Job"}),
         ("", "events", None, {"apiVersion": "v1", "kind": "Event"}),
         ("", "serviceaccounts", "token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}),
         ("", "persistentvolumeclaims", "status", {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}),
         ("", "configmaps", None, {"apiVersion": "v1", "kind": "ConfigMap"})]
cases, used, asked = [], set(), 0
for (user, groups), (group, name, sub, base), operation, only in itertools.product(
        users, kinds, ("CREATE", "UPDATE", "DELETE"), (False, True)):
    if only and operation != "UPDATE":
        continue
    false = {n for n in code if not holds(code[n], user, groups, group, name, sub, operation, only)}
    used |= false
    if not false:
        asked += 1
        continue
    assert "system:masters" not in groups and "students" not in groups, (user, groups, false)
    made = dict(base, metadata={"name": "student-2024001", "labels": {"a": "b"}})
    case = {"name": "%d" % len(cases), "user": user, "groups": groups, "operation": operation, "object": made,
            "resource": name + ("." + group if group else ""), "expect": {"verdict": "not-judged"}}
    if sub:
        case["subresource"] = sub
    if operation == "UPDATE":
        case["old"] = dict(base, metadata={"name": "student-2024001"}, **({} if only else {"spec": {"nodeName": "n"}}))
    cases.append(case)
# Each condition is false for something here, but those of a controller that is not in the list.
unused = {n for n in code if n not in used and not re.match("not-(statefulset|daemon-set|replication)-", n)}
assert not unused, unused
assert asked > len(cases) > 50, (asked, len(cases))
suite = {"apiVersion": "proctor.dev/v1", "kind": "PolicySuite", "metadata": {"name": "cross"},
         "spec": {"policies": [sys.argv[1]], "defaults": {"namespace": "hydrosim-students"}, "cases": cases}}
json.dump(suite, open("suite.yaml", "w"), indent=1)
print(len(cases), "cases")
PYTHON
expect "requests that the API server does not ask about" 0 "cases" python3 cross.py "$root/policies"
expect "no policy would judge one of them" 0 "passed, 0 failed" "$proctor" test suite.yaml

# ---- gitops
expect "for which tool" 2 "say for which: --tool argocd or --tool flux" "$proctor" export gitops -p "$root/policies"
expect "a tool that is none" 2 "argocd|flux" "$proctor" export gitops --tool argo -p "$root/policies"
expect "no elements" 2 "--elements" "$proctor" export gitops --tool flux --elements 0 -p "$root/policies"
expect "too many elements" 2 "--elements" "$proctor" export gitops --tool flux --elements 11 -p "$root/policies"
expect "a broken policy among good ones" 2 "broken.yaml:1:1: error: metadata is missing" \
    "$proctor" export gitops --tool flux "$root/policies" broken.yaml
if [ -s out ]; then wrong "a broken policy, and still something is printed"; else fine; fi

# The patches that are shipped are those of the shipped policies.
for tool in argocd flux; do
    expect "$tool" 0 "# student-deployments/one-replica: is lowered to 1 if it is more" \
        "$proctor" export gitops --tool $tool "$root/policies"
    cp out $tool.yaml
    if diff "$root/manifests/gitops/$tool.yaml" out >err; then fine; else
        wrong "manifests/gitops/$tool.yaml is stale: make fix"
    fi
    expect "$tool is YAML" 0 '"kind":"AdmissionReview"' "$proctor" review -o request -p "$root/policies" $tool.yaml
    cp out $tool.json
done
also "flux: the Kustomization" '"group":"kustomize.toolkit.fluxcd.io","version":"v1","kind":"Kustomization"'
also "flux: the HelmRelease" '"group":"helm.toolkit.fluxcd.io","version":"v2","kind":"HelmRelease"'

# A policy with every way to name a place, and names that would like to be YAML, jq or a comment.
cat >odd.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: odd }
spec:
  match: { resources: [deployments.apps, deployments.apps/scale, pods/ephemeralcontainers, widgets.example.com], operations: [CREATE] }
  rules:
    - { id: gone, why: No., field: 'metadata.annotations["a.b/c~d''e"]', remove: true }
    - { id: globbed, why: No., field: 'metadata.annotations["x.y/*"]', remove: true }
    - { id: path, why: No., field: '$pod.volumes[hostPath].hostPath.type', set: "a\n# b: c" }
    - { id: filled, why: No., field: spec.replicas, default: 1 }
    - { id: refused, why: No., field: spec.minReadySeconds, max: 5, optional: true }
    - { id: told, why: No., field: spec.paused, set: false, mode: warn }
YAML
expect "odd names, Argo CD" 0 "'/metadata/annotations/a.b~1c~0d''e'" "$proctor" export gitops -t argocd odd.yaml
also "a glob" "'.metadata.annotations | .[(keys?)[]? | select(test(\"^x\\\\.y/.*\$\"))]?'"
also "having" "'.spec.template.spec.volumes[]? | select(.hostPath != null) | .hostPath.type'"
also "a kind without a schema" "note: odd/gone also changes a kind that Proctor has no schema of"
never "a Scale is in no Git" "kind: Scale"
never "nor is a subresource" "kind: Pod"
never "a default is no difference" "odd/filled"
never "a refusal neither" "odd/refused"
never "a warning neither" "odd/told"
cp out odd-argocd.yaml
expect "it is YAML" 0 "a.b~1c~0d'e" "$proctor" review -o request -p "$root/policies" odd-argocd.yaml
expect "odd names, Flux" 0 "# (no JSON Pointer can say it: Deployment .metadata.annotations | " \
    "$proctor" export gitops -t flux --elements 2 odd.yaml
also "counted out" "'/spec/template/spec/volumes/1/hostPath/type'"
never "as far as was asked" "/volumes/2/"
cp out odd-flux.yaml
expect "it is YAML too" 0 "a.b~1c~0d'e" "$proctor" review -o request -p "$root/policies" odd-flux.yaml
cat >none.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: none }
spec:
  match: { resources: [pods], operations: [DELETE] }
  rules: [{ id: none, why: No., deny: true }]
YAML
for tool in argocd flux; do
    expect "no rule changes anything, $tool" 0 " []" "$proctor" export gitops --tool $tool none.yaml
done

# Against the engine: whatever a rule replaces or takes out of a manifest is named, and every entry
# for a Deployment is needed by some manifest.  What jq says and what this reads of it is compared
# where there is a jq.
cat >worst.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: { name: student-2024001, labels: { app: student-2024001 } }
spec:
  replicas: 9
  minReadySeconds: 99
  revisionHistoryLimit: 99
  progressDeadlineSeconds: 9
  strategy: { type: Recreate }
  selector: { matchLabels: { app: student-2024001 } }
  template:
    metadata: { labels: { app: student-2024001 } }
    spec:
      automountServiceAccountToken: true
      terminationGracePeriodSeconds: 999
      volumes: [{ name: a, emptyDir: { sizeLimit: 9Gi } }, { name: b, secret: { secretName: student-2024001 } }]
      initContainers: &greedy
        - name: first
          image: registry.hydrosim.edu/student-2024001:v1
          env: [{ name: A, value: "1" }, { name: REDIS_HOST, value: mine }, { name: DB_HOST, value: mine }]
          resources:
            requests: { cpu: 4, memory: 4Gi, ephemeral-storage: 40Gi }
            limits: { cpu: 5, memory: 5Gi, ephemeral-storage: 50Gi }
      containers: *greedy
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: student-2024001 }
spec:
  strategy: { type: RollingUpdate, rollingUpdate: { maxSurge: 50%, maxUnavailable: 1 } }
  selector: { matchLabels: { app: student-2024001 } }
  template:
    metadata: { labels: { app: student-2024001 } }
    spec: { containers: [{ name: app, image: "registry.hydrosim.edu/student-2024001:v1" }] }
YAML
mkdir corpus && cp worst.yaml "$root"/policies/student-deployments/cases/*.yaml corpus
for kind in request json; do
    "$proctor" review -o $kind -p "$root/policies" -n hydrosim-students corpus >corpus.$kind 2>err
done
cat >differs.py <<'PYTHON'
import json, re, shutil, subprocess
def read(name):
    decoder, text, at, all = json.JSONDecoder(), open(name).read(), 0, []
    while text[at:].strip():
        one, end = decoder.raw_decode(text[at:].lstrip())
        at = len(text) - len(text[at:].lstrip()) + end
        all.append(one)
    return [o["request"]["object"] for o in all]
def escape(key): return "/" + str(key).replace("~", "~0").replace("/", "~1")
token = re.compile(r'\s*(?:(\[\]\?)|\|\s*select\(\.(\w+) (==|!=) ("[^"]*"|null)\)|\|?\s*\.?\[("[^"]*")\]|(?:\|\s*)?\.(\w+))')
def places(jq, root):
    found, at = [("", root)], 0
    while at < len(jq):
        m = token.match(jq, at)
        assert m, jq[at:]
        at, (each, key, sign, value, quoted, name) = m.end(), m.groups()
        if each:
            found = [(p + escape(i), v) for p, l in found if isinstance(l, list) for i, v in enumerate(l)]
        elif key:
            found = [f for f in found if (f[1].get(key) == json.loads(value)) == (sign == "==")]
        else:
            name = name or json.loads(quoted)
            found = [(p + escape(name), o[name]) for p, o in found if isinstance(o, dict) and o.get(name) is not None]
    return {p for p, _ in found}
argocd = {(e["group"], e["kind"]): e for e in read("argocd.json")[0]["spec"]["ignoreDifferences"]}
kustomization, release = (o["spec"] for o in read("flux.json"))
assert kustomization["ignore"] == release["driftDetection"]["ignore"]
flux = {(r["target"]["group"].strip("^$"), r["target"]["kind"]): r["paths"] for r in kustomization["ignore"]}
assert set(flux) == set(argocd)
used, checked = set(), 0
mine = argocd["apps", "Deployment"]
objects, verdicts = read("corpus.request"), json.load(open("corpus.json"))
assert len(objects) == len(verdicts) > 40, (len(objects), len(verdicts))
for before, verdict in zip(objects, verdicts):
    assert before["kind"] == verdict["kind"], verdict
    if before["kind"] != "Deployment":
        continue
    named = {p: p for p in mine["jsonPointers"]}
    for jq in mine["jqPathExpressions"]:
        named.update(dict.fromkeys(places(jq, before), jq))
    if shutil.which("jq") and verdict["file"].endswith("worst.yaml"):
        lists = ", ".join("[path(%s)]" % jq for jq in mine["jqPathExpressions"])
        program = "(%s), del(%s)" % (lists, ", ".join("(%s)" % jq for jq in mine["jqPathExpressions"]))
        real = subprocess.run(["jq", "-c", program], input=json.dumps(before), stdout=subprocess.PIPE, text=True, check=True)
        for jq, line in zip(mine["jqPathExpressions"], real.stdout.splitlines()):
            # jq also names what is not there.
            assert places(jq, before) <= {"".join(map(escape, p)) for p in json.loads(line)}, (jq, line)
    for edit in verdict.get("patch") or []:
        if edit["op"] == "add" or edit["path"].startswith("/metadata/annotations"):
            continue
        why = [p for p in named if (edit["path"] + "/").startswith(p + "/")]
        assert why, (verdict["file"], edit)
        used.update(named[p] for p in why)
        checked += 1
        if "/env/" not in edit["path"]:
            assert any((edit["path"] + "/").startswith(p + "/") for p in flux["apps", "Deployment"]), edit
unused = set(mine["jsonPointers"]) | set(mine["jqPathExpressions"])
unused -= used
assert not unused, unused
print(checked, "changes are named")
PYTHON
expect "what the policies change is what is named" 0 "changes are named" python3 differs.py

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
