#!/bin/sh
# proctor test against the built program.  Usage: tests/cli/test.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"
last() { if [ "$(tail -n 1 out)" = "$1" ]; then fine; else wrong "the last line is not \"$1\""; fi; }

mkdir -p policies/pack/cases
cd policies/pack || exit 2
cat >policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps, deployments.apps/scale], operations: [CREATE, UPDATE] }
  rules:
    - { id: one, why: One., field: spec.replicas, max: 1, outside: clamp, optional: true }
    - { id: team, why: Whose., field: metadata.labels.team, oneOf: ["${user}"] }
    - { id: soft, why: Better., field: 'metadata.labels.nick', required: true, mode: warn }
YAML
cat >exec.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: q }
spec:
  match: { resources: [pods/exec], operations: [CONNECT] }
  rules:
    - { id: no-exec, why: A shell in a pod is not recorded., deny: true }
YAML
cat >cases/five.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: { name: five, labels: { team: red } }
spec:
  replicas: 5
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "x:v1" }] }
YAML
cat >cases/after.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
spec: { replicas: 1, strategy: { type: RollingUpdate } }
YAML
cat >suite.yaml <<'YAML'
# The pack's suite.
apiVersion: proctor.dev/v1
kind: PolicySuite
metadata: { name: pack }
spec:
  now: "2026-11-21T12:00:00Z"
  defaults: { user: red, groups: [students], namespace: course }
  cases:
    - name: five become one
      object: cases/five.yaml
      expect:
        verdict: patched
        warned: [p/soft metadata.labels.nick]
        changes: [p/one spec.replicas]
        object: cases/after.yaml
    - name: another's team
      object: cases/five.yaml
      user: blue
      expect:
        verdict: denied
        violations: [p/team metadata.labels.team]   # whose
        message: must be blue
    - name: a scale
      object: { apiVersion: autoscaling/v1, kind: Scale, metadata: { name: five, labels: { team: red } }, spec: { replicas: 3 } }
      expect: { verdict: patched, changes: [p/one spec.replicas] }
    - name: other kinds are not judged
      object: { apiVersion: v1, kind: ConfigMap, metadata: { name: c } }
      expect: { verdict: not-judged, warnings: [] }
YAML
cd ../..

expect "a suite passes" 0 "policies/pack/suite.yaml: 4 passed, 0 failed" "$proctor" test
last "4 passed, 0 failed"
expect "one file" 0 "" "$proctor" test policies/pack/suite.yaml
last "4 passed, 0 failed"
expect "--verbose names the cases" 0 "ok policies/pack/suite.yaml:9: five become one" "$proctor" test -v
expect "--filter" 0 "" "$proctor" test --filter team
last "1 passed, 0 failed"
expect "--filter that fits nothing" 2 "no case was run" "$proctor" test --filter nothing

cp policies/pack/suite.yaml good.yaml
# broken SED NAME CODE WORDS: the suite with a slip in it
broken() {
    sed "$1" good.yaml >policies/pack/suite.yaml
    expect "$2" "$3" "$4" "$proctor" test
}
broken 's/verdict: denied/verdict: allowed/' "a wrong verdict" 1 "FAILED policies/pack/suite.yaml:16: another's team"
also "what was expected" "-verdict: allowed"
also "what came" "+verdict: denied"
last "3 passed, 1 failed"
broken 's/p.team metadata.*/]/; s/violations: \[\]/violations: []/' "a violation too few" 1 "+- p/team metadata.labels.team"
broken 's/one spec.replicas]$/one spec.paused]/' "another change" 1 "-- p/one spec.paused"
broken 's/must be blue/must be green/' "another message" 1 "must be green"
broken 's/warnings: \[\]/warnings: [x]/' "another warning" 1 "-- x"
broken 's/soft metadata.labels.nick/soft metadata/' "another soft violation" 1 "-- p/soft metadata"
broken '/verdict: not-judged/d' "no expect at all" 1 "there is no \`expect\`"
broken 's/object: cases.five/objct: cases\/five/' "an unknown key" 2 "did you mean \"object\"?"
broken 's/five.yaml/six.yaml/' "a missing object" 2 "cases/six.yaml: No such file"
broken 's/verdict: denied/verdict: no/' "a bad verdict" 2 "suite.yaml"
broken 's/  cases:/  cases: [/' "broken YAML" 2 "policies/pack/suite.yaml:"
broken 's/  now:.*/  policies: [missing.yaml]/' "no such policy" 2 "its policies cannot be loaded"
also "and said so" "the result is incomplete"
cp good.yaml policies/pack/suite.yaml
sed -i 's/replicas: 1,/replicas: 2,/' policies/pack/cases/after.yaml
expect "another object" 1 "-    replicas: 2" "$proctor" test
also "as it is" "+    replicas: 1"

# --update
sed 's/verdict: denied/verdict: allowed/; s/  violations: .*//' good.yaml >policies/pack/suite.yaml
expect "--update writes" 0 "2 cases updated" "$proctor" test --update
last "4 passed, 0 failed"
expect "what then passes" 0 "" "$proctor" test
last "4 passed, 0 failed"
cp policies/pack/suite.yaml out
also "comments stay" "# The pack's suite."
also "the block is new" "        - p/team metadata.labels.team"
also "the part of the message stays" "message: must be blue"
also "the path stays" "object: cases/after.yaml"
cp policies/pack/cases/after.yaml out
also "the object is what it was asked for" "replicas: 1"
cp good.yaml policies/pack/suite.yaml
cp good.yaml before
expect "--update of what passes" 0 "" "$proctor" test --update
if cmp -s before policies/pack/suite.yaml; then fine; else wrong "--update changed what passed"; fi

# requests of other kinds
cat >policies/pack/suite.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: PolicySuite
metadata: { name: others }
spec:
  policies: [policy.yaml, exec.yaml]
  defaults: { user: red, namespace: course }
  cases:
    - name: exec
      operation: CONNECT
      resource: pods
      subresource: exec
      requestName: shell
      options: { apiVersion: v1, kind: PodExecOptions, command: [sh] }
      expect:
        verdict: denied
        violations: [q/no-exec pods/exec]
    - name: an update that keeps an old violation
      object: cases/five.yaml
      old: cases/five.yaml
      user: blue
      now: "2026-11-21"
      expect: { verdict: denied, changes: [p/one spec.replicas], violations: [p/team metadata.labels.team] }
YAML
expect "CONNECT and UPDATE run" 0 "" "$proctor" test policies
last "2 passed, 0 failed"
"$proctor" test -o json policies >out 2>err
if python3 - out <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
assert [case["case"] for case in result["cases"]][0] == "exec", result
assert result["passed"] + result["failed"] == 2, result
PYTHON
then fine; else wrong "-o json"; fi
mkdir nothing
expect "no suites" 2 "no suite (kind PolicySuite) was found" "$proctor" test nothing
expect "no folder" 2 "No such file" "$proctor" test missing
expect "a file that is no suite" 2 "PolicySuite" "$proctor" test policies/pack/policy.yaml

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
