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
cp policies/pack/policy.yaml good-policy.yaml
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


# --junit
cp good.yaml policies/pack/suite.yaml
expect "--junit" 0 "4 passed, 0 failed" "$proctor" test --junit junit.xml
sed 's/verdict: denied/verdict: allowed/' good.yaml >policies/pack/suite.yaml
expect "--junit of a failure" 1 "3 passed, 1 failed" "$proctor" test --junit failed.xml
sed 's/five.yaml/six.yaml/' good.yaml >policies/pack/suite.yaml
expect "--junit of what cannot be run" 2 "the result is incomplete" "$proctor" test --junit errors.xml
if python3 - <<'PYTHON'
import xml.etree.ElementTree as tree
def totals(name):
    root = tree.parse(name).getroot()
    suites = root.findall("testsuite")
    return root, [sum(int(s.get(k)) for s in suites) for k in ("tests", "failures", "errors")]
root, found = totals("junit.xml")
assert found == [4, 0, 0], found
case = root.find("testsuite/testcase")
assert case.get("name") == "five become one" and case.get("line") == "9", case.attrib
assert case.get("file") == "policies/pack/suite.yaml", case.attrib
root, found = totals("failed.xml")
assert found == [4, 1, 0], found
assert "-verdict: allowed" in root.find("testsuite/testcase/failure").text
root, found = totals("errors.xml")
assert found[2] == 1 and "six.yaml" in root.find("testsuite/testcase/error").get("message"), found
PYTHON
then fine; else wrong "the JUnit files"; fi
cp good.yaml policies/pack/suite.yaml
expect "--junit where nothing can be written" 2 "missing/junit.xml" "$proctor" test --junit missing/junit.xml

# --coverage
expect "--coverage" 0 "3 rules: 3 act in some case, 1 pass in some case; 33 % do both" "$proctor" test --coverage
also "a line for each rule" "p/team  1     2       another's team"
also "what is missing" "p/soft  3     never   five become one"
expect "--min-coverage, enough" 0 "33 % do both" "$proctor" test --min-coverage 33
expect "--min-coverage, too little" 1 "33 % do both, 34 % are asked for" "$proctor" test --min-coverage 34
expect "--min-coverage that is no percentage" 2 "min-coverage" "$proctor" test --min-coverage 101
expect "--coverage of some cases" 2 "--filter leaves cases out" "$proctor" test --coverage --filter team

# --mutants: a small pack with one of each slip
cat >policies/pack/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match:
    namespaces: [course, "student-*"]
    resources: ["*", configmaps]
    operations: [CREATE]
    exclude:
      - { user: robot, resources: [configmaps] }
      - { user: robot, operations: [CREATE] }
      - { user: keeper, resources: [secrets], operations: [CREATE] }
  rules:
    - { id: few, why: Few., field: 'metadata.labels@keys', noneOf: [bad] }
    - { id: some, why: Some., field: metadata.labels@count, min: 0, max: 1 }
    - { id: soft, why: Better., field: metadata.annotations.note, required: true, mode: warn }
YAML
cat >policies/pack/suite.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: PolicySuite
metadata: { name: pack }
spec:
  defaults: { user: red, namespace: course }
  cases:
    - name: a bad label
      object: { apiVersion: v1, kind: ConfigMap, metadata: { name: c, labels: { bad: x } } }
      expect: { verdict: denied, violations: [p/few metadata.labels] }
    - name: three labels
      object: { apiVersion: v1, kind: Secret, metadata: { name: c, labels: { a: one, b: two, c: three } } }
      expect: { verdict: denied, violations: [p/some metadata.labels] }
YAML
cat >wanted <<'TEXT'
policies/pack/suite.yaml: 2 passed, 0 failed

SURVIVED policies/pack/policy.yaml:6: p: without namespace student-*
    not shown yet: a case in a namespace that only "student-*" fits, in which a rule acts
SURVIVED policies/pack/policy.yaml:12: p: exclude keeper CREATE secrets: any resource
    not shown yet: a case of keeper with something else than secrets (CREATE) in which a rule acts
SURVIVED policies/pack/policy.yaml:15: p/some: max 1 -> 2
    not shown yet: a case with metadata.labels@count = 2 that expects it in `violations`
SURVIVED policies/pack/policy.yaml:16: p/soft: dropped
    not shown yet: a case in which it acts, and that expects it in `warned` (it acts in "a bad label", line 7, which does not look)
SURVIVED policies/pack/policy.yaml:16: p/soft: mode warn -> audit
    not shown yet: a case in which it acts, and that expects it in `warned` (it acts in "a bad label", line 7, which does not look)
16 mutants: 6 killed, 0 refused by the loader, 5 the same as the policy, 5 survived
2 passed, 0 failed
TEXT
expect "--mutants" 1 "5 survived" "$proctor" test --mutants
if cmp -s wanted out; then fine; else wrong "--mutants prints something else"; diff wanted out >&2; fi
expect "one thread" 1 "" "$proctor" test --mutants --jobs 1
if cmp -s wanted out; then fine; else wrong "--jobs 1 prints something else"; fi
expect "--mutants -v names what kills" 1 "killed policies/pack/policy.yaml:14: p/few: dropped
    policies/pack/suite.yaml:7: a bad label" "$proctor" test --mutants -v
also "a covered entry" 'same policies/pack/policy.yaml:7: p: without resource configmaps
    "*" in the same list covers it'
also "a covered exclusion" "same policies/pack/policy.yaml:10: p: exclude robot configmaps: any resource
    the exclusion in line 11 leaves that out already"
also "an exclusion that is as wide as the policy" "p: exclude robot CREATE: any operation
    the policy judges nothing else"
also "a count below 0" "same policies/pack/policy.yaml:15: p/some: min 0 -> -1
    no count is below 0"
"$proctor" test --mutants --min-coverage 90 --junit mutants.xml -o json >out 2>err
if python3 - out <<'PYTHON'
import json, sys, xml.etree.ElementTree as tree
result = json.load(open(sys.argv[1]))
mutants = {one["name"]: one for one in result["mutants"]["list"]}
assert result["mutants"]["survived"] == 5 and result["mutants"]["same"] == 5, result["mutants"]
assert mutants["p/some: max 1 -> 2"]["state"] == "survived", mutants
assert "metadata.labels@count = 2" in mutants["p/some: max 1 -> 2"]["needs"]
assert mutants["p/few: dropped"]["by"] == "policies/pack/suite.yaml:7: a bad label"
acts = {one["rule"]: [case["case"] for case in one["acts"]] for one in result["coverage"]["rules"]}
assert acts == {"p/few": ["a bad label"], "p/some": ["three labels"],
                "p/soft": ["a bad label", "three labels"]}, acts
suites = {suite.get("name"): suite for suite in tree.parse("mutants.xml").getroot()}
assert suites["coverage"].get("failures") == "1", suites["coverage"].attrib
assert suites["mutants"].get("failures") == "5" and suites["mutants"].get("skipped") == "5"
PYTHON
then fine; else wrong "--mutants -o json"; fi
sed -i 's/verdict: denied, violations: \[p.few/verdict: allowed, violations: [p\/few/' policies/pack/suite.yaml
expect "a suite that fails has no mutants" 1 "1 suite left out" "$proctor" test --mutants
expect "--mutants of some cases" 2 "--filter leaves cases out" "$proctor" test --mutants --filter bad
expect "--mutants and --update" 2 "read what was updated first" "$proctor" test --mutants --update
expect "no such number of threads" 2 "jobs" "$proctor" test --jobs 0

# Slips that need more than one change, or that the loader finds.
mkdir policies/other
cat >policies/other/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match:
    resources: [deployments.apps, services]
    exclude:
      - { group: keepers, operations: [UPDATE], onlyMetadata: true }
  rules:
    - { id: request, why: Bounded., field: $containers.resources.requests.cpu, max: "${.resources.limits.cpu}", outside: clamp, default: "0.5" }
    - { id: limit, why: Bounded., field: $containers.resources.limits.cpu, max: "1.5", optional: true }
---
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: q }
spec:
  match: { resources: [services], operations: [CREATE] }
  rules:
    - { id: cluster-ip, why: Inside., field: spec.type, equals: ClusterIP }
---
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: shop }
spec:
  policy: q
  rules: [cluster-ip]
  match: { names: [shop] }
  reason: The shop is open to all.
  owner: teacher@hydrosim.edu
  ticket: LAB-1
  expires: 2099-12-31
YAML
cat >policies/other/suite.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: PolicySuite
metadata: { name: pack }
spec:
  policies: [.]
  defaults: { user: red, namespace: course }
  cases:
    - name: an open Service
      object: { apiVersion: v1, kind: Service, metadata: { name: s }, spec: { type: NodePort, ports: [{ port: 80 }] } }
      expect: { verdict: denied, violations: [q/cluster-ip spec.type] }
YAML
expect "slips of several changes" 1 "SURVIVED policies/other/./policy.yaml:10: p/request: without max
    not shown yet: a case with \$containers.resources.requests.cpu past \${.resources.limits.cpu}" "$proctor" test --mutants -v policies/other
also "a step of the last digit" "p/limit: max 1.5 -> 1.6"
also "a rule that is alone and waived" "killed policies/other/./policy.yaml:19: q/cluster-ip: dropped"
also "a default of match" "p: without operation UPDATE"
also "an exclusion of metadata" "p: exclude keepers UPDATE onlyMetadata: not only metadata"
also "what the loader refuses" "refused policies/other/./policy.yaml:6: p: without resource deployments.apps"
also "and why" "the loader: "

# An exclusion of somebody whom the policy does not match changes nothing.
sed -i 's/^    exclude:/    users: ["s*"]\n    exclude:/; s/group: keepers/user: keeper/' policies/other/policy.yaml
expect "an exclusion of a stranger" 1 "onlyMetadata: not only metadata
    users of match does not fit this user" "$proctor" test --mutants -v policies/other

# Files from other machines, one bad file among good ones, and what is no suite at all.
cp good-policy.yaml policies/pack/policy.yaml
rm -r policies/other policies/pack/exec.yaml
sed 's/$/\r/; 1s/^/\xef\xbb\xbf/' good.yaml >policies/pack/suite.yaml
expect "a byte order mark and CRLF" 0 "policies/pack/suite.yaml: 4 passed, 0 failed" "$proctor" test
sed 's/^  defaults/\tdefaults/' good.yaml >policies/pack/suite.yaml
expect "a tab" 2 "policies/pack/suite.yaml:7:" "$proctor" test
cp good.yaml policies/pack/suite.yaml
mkdir policies/bad
sed 's/rules:/rules: [/' good-policy.yaml >policies/bad/policy.yaml
sed 's/cases.five/..\/pack\/cases\/five/; s/cases.after/..\/pack\/cases\/after/' good.yaml >policies/bad/suite.yaml
expect "one bad policy among good ones" 2 "policies/bad/suite.yaml: error: its policies cannot be loaded" "$proctor" test --mutants
also "the good ones are judged" "policies/pack/suite.yaml: 4 passed, 0 failed"
also "and that is not all" "1 error: the result is incomplete"
rm -r policies/bad
# not_one NAME WORDS: the suite in the file `other` cannot be read
not_one() { expect "$1" 2 "$2" "$proctor" test other; also "$1: and says so" "the result is incomplete"; }
printf 'PolicySuite\000\001\377' >other
not_one "a binary file" "other:1:"
printf 'kind: PolicySuite\na: &a [*a]\n' >other
not_one "a circle" "other:2:"
{ echo 'kind: PolicySuite'; echo 'a: &a [x, x, x, x, x, x, x, x, x]'
  before=a
  for i in b c d e f g h i j; do
      echo "$i: &$i [*$before, *$before, *$before, *$before, *$before, *$before, *$before, *$before]"
      before=$i
  done; } >other
not_one "a bomb of aliases" "other:"
truncate -s 65M other
not_one "a huge file" "other: error: "
ln -s nowhere policies/pack/lost.yaml
expect "a link to nowhere" 2 "policies/pack/lost.yaml" "$proctor" test

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
