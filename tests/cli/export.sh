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

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
