#!/bin/sh
# proctor lint against the built program.  Usage: tests/cli/lint.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir -p policies/pack/cases
cat >policies/pack/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps, services] }
  rules:
    - { id: one, why: One., field: spec.replicas, max: 1, outside: clamp }
    - { id: team, why: Whose., field: metadata.labels.team, oneOf: [red, blue] }
YAML
cat >policies/pack/cases/five.yaml <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: { name: five, labels: { team: green } }
spec:
  replicas: 5
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "x:v1" }] }
YAML
cat >policies/pack/suite.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: PolicySuite
metadata: { name: pack }
spec:
  defaults: { user: red, namespace: course }
  cases:
    - name: too many, and nobody's
      object: cases/five.yaml
      expect:
        verdict: denied
        changes: [p/one spec.replicas]
        violations: [p/team metadata.labels.team]
    - name: one of the reds
      object: { apiVersion: apps/v1, kind: Deployment, metadata: { name: a, labels: { team: red } }, spec: { replicas: 1 } }
      expect: { verdict: allowed }
YAML
cp policies/pack/suite.yaml suite.good
cp policies/pack/policy.yaml policy.good

# clean sets
expect "the folder ./policies" 0 "1 policy, 2 rules: 0 errors, 0 warnings" "$proctor" lint
expect "a folder" 0 "0 errors, 0 warnings" "$proctor" lint policies/pack/
expect "a file finds its suite" 0 "0 errors, 0 warnings" "$proctor" lint policies/pack/policy.yaml
cd policies/pack || exit 2
expect "also in this folder" 0 "0 errors, 0 warnings" "$proctor" lint policy.yaml
rm -f out err
cd ../.. || exit 2
expect "--strict" 0 "" "$proctor" lint --strict
expect "-o json of nothing" 0 "[]" "$proctor" lint -o json
expect "the shipped policies" 0 ": 0 errors, 0 warnings" "$proctor" lint --strict "$root/policies"

# cases that are missing
sed -i '/changes:/d' policies/pack/suite.yaml
expect "no failing case" 0 "policies/pack/policy.yaml:7:7: warning: p/one has no failing case" "$proctor" lint
never "the other rule has one" "p/team"
also "the count" "0 errors, 1 warning"
also "the code" "[no-case]"
expect "--strict makes a failure of it" 1 "1 warning" "$proctor" lint --strict
sed '/violations:/d' suite.good >policies/pack/suite.yaml
expect "a check without a failing case" 0 "policy.yaml:8:7: warning: p/team has no failing case" "$proctor" lint
sed '/one of the reds/,$d' suite.good >policies/pack/suite.yaml
expect "no passing case" 0 "p/one has no passing case" "$proctor" lint
also "of either rule" "p/team has no passing case"
sed 's/verdict: allowed/verdict: not-judged/' suite.good >policies/pack/suite.yaml
expect "what is not judged shows nothing" 0 "p/team has no passing case" "$proctor" lint
sed 's/kind: Deployment, metadata: { name: a/kind: Service, metadata: { name: a/; s/apps.v1, kind: Service/v1, kind: Service/' \
    suite.good >policies/pack/suite.yaml
expect "a kind without the field shows nothing" 0 "p/one has no passing case" "$proctor" lint
never "the other rule applies there" "p/team"
sed 's/p.team metadata/p\/teams metadata/' suite.good >policies/pack/suite.yaml
expect "an id that begins alike is another" 0 "p/team has no failing case" "$proctor" lint
sed 's/  defaults:/  policies: [other.yaml]\n  defaults:/' suite.good >policies/pack/suite.yaml
expect "a suite of another policy" 0 "p/one has no passing case" "$proctor" lint
sed 's/  defaults:/  policies: [.]\n  defaults:/' suite.good >policies/pack/suite.yaml
expect "a suite of the folder" 0 "0 warnings" "$proctor" lint
sed 's/objct/object/; s/object: cases.*/objct: x/' suite.good >policies/pack/suite.yaml
expect "a broken suite" 0 "policies/pack/suite.yaml: warning: there are errors in this suite" "$proctor" lint
also "its code" "[bad-suite]"
printf 'apiVersion: proctor.dev/v1\nkind: PolicySuite\n---\napiVersion: proctor.dev/v1\nkind: PolicySuite\n' \
    >policies/pack/suite.yaml
expect "two suites in one file" 0 "[bad-suite]" "$proctor" lint
rm policies/pack/suite.yaml
expect "no suite" 0 "policies/pack/policy.yaml:1:1: warning: no suite beside it loads the policy p: its 2 rules have no case" "$proctor" lint
also "once" "0 errors, 1 warning"
cp suite.good policies/pack/suite.yaml

# findings
sed 's/max: 1/maxx: 1/; s/spec.replicas/spec.replica/' policy.good >policies/pack/policy.yaml
expect "an error" 1 "policies/pack/policy.yaml:7:50: error: a rule has no key \"maxx\"; did you mean \"max\"? [unknown-key]" "$proctor" lint
never "what follows from it is not told" "outside says what happens"
never "cases are not asked for then" "no-case"
sed -i '$a\    - { id: host, why: W., field: spec.replica, min: 0 }' policies/pack/policy.yaml
expect "fields too" 1 "policy.yaml:9:35: error: field \"spec.replica\"" "$proctor" lint
also "the count of errors" "2 errors, 0 warnings"
sed 's/oneOf: .red, blue./pattern: "^a.b"/' policy.good >policies/pack/policy.yaml
expect "a warning" 0 "[bare-dot]" "$proctor" lint
expect "which --strict refuses" 1 "[bare-dot]" "$proctor" lint --strict
"$proctor" lint -o json >out 2>err
if python3 - out <<'PYTHON'
import json, sys
items = json.load(open(sys.argv[1]))
assert [sorted(i) for i in items] == [["code", "column", "file", "fix", "line", "message", "severity"]], items
item = items[0]
assert item["severity"] == "warning" and item["code"] == "bare-dot", item
assert (item["file"], item["line"], item["column"]) == ("policies/pack/policy.yaml", 8, 70), item
assert item["fix"] == "Write \\. in its place.", item
PYTHON
then fine; else wrong "-o json"; fi
printf 'apiVersion: proctor.dev/v1\nkind: "Pol\\e[31mi\\"cy"\n' >odd.yaml
"$proctor" lint -o json odd.yaml >out 2>err
code=$?
if [ "$code" -eq 1 ] && python3 -c 'import json; assert "kind must be" in json.load(open("out"))[0]["message"]'
then fine; else wrong "-o json of odd text: exit $code"; fi
expect "control characters stay harmless" 1 "kind must be Policy or Exception" "$proctor" lint odd.yaml
never "no escape" "$(printf '\033')"

# for other programs
expect "-o github" 0 "::warning file=policies/pack/policy.yaml,line=8,col=70,title=bare-dot::the dot fits" \
    "$proctor" lint -o github
also "with its fix" 'Fix: Write \. in its place.'
expect "-o sarif" 0 '"ruleId":"bare-dot"' "$proctor" lint -o sarif
also "its place" '"region":{"startLine":8,"startColumn":70}'
expect "-o sarif --strict" 1 '"executionSuccessful": true' "$proctor" lint -o sarif --strict
expect "-o sarif of an error" 2 '"ruleId":"unreadable"' "$proctor" lint -o sarif nowhere
prints() { "$proctor" lint -o sarif "$1" 2>/dev/null | grep -o '"proctorFinding/v1":"[^"]*"' | sort; }
mkdir twice
cat >twice/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps] }
  rules:
    - { id: a, why: W., field: spec.replicas, set: 1 }
    - { id: b, why: W., field: spec.replicas, set: 2 }
YAML
before=$(prints twice)
sed -i '1i# a remark' twice/policy.yaml
if [ -n "$before" ] && [ "$(prints twice)" = "$before" ]; then fine; else wrong "fingerprints: $before"; fi
expect "--codes" 0 "bare-dot: warning: A dot in a host's name fits every character." "$proctor" lint --codes
cp out codes
# each code that a finding can have is in that list
python3 - "$root" codes >missing <<'PYTHON'
import glob, re, sys
known = set(re.findall(r"^([a-z-]+): (?:error|warning):", open(sys.argv[2]).read(), re.M))
calls = re.compile(r'\b(?:diag_add|load_fail|verb_fail|warn|report|warn_of_suite)\('
                   r'((?:[^;"]|"(?:[^"\\]|\\.)*")*);')
single = {"conflict", "expired", "forgeable", "repeated", "unreadable", "vacuous"}
found = set()
for path in glob.glob(sys.argv[1] + "/webhook/policy/*.c") + [sys.argv[1] + "/webhook/cli/lint/lint_cases.c"]:
    for call in calls.findall(open(path).read()):
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', call):
            if text in single or re.fullmatch(r"[a-z]+(-[a-z]+)+", text):
                found.add(text)
assert len(found) > 50, found
print("\n".join(sorted(found ^ known)))
PYTHON
if [ -z "$(cat missing)" ]; then fine; else wrong "codes: $(cat missing)"; fi
for file in "$root"/tests/cases/policy-errors/*.yaml; do
    "$proctor" lint -o json "$file" 2>/dev/null
done | grep -c '"fix":""' >out
if [ "$(cat out)" -eq 0 ]; then fine; else wrong "findings without a fix"; fi
cp policy.good policies/pack/policy.yaml

# what never acts, and what waives nothing (each: tests/unit/policy/test_lint.c)
sed 's/match: .*/match: { resources: [deployments.apps, pods\/exec] }/' policy.good >policies/pack/policy.yaml
expect "a resource that nobody asks for" 0 \
    "policies/pack/policy.yaml:5:23: warning: pods/exec only has CONNECT, and the policy's operations are others" \
    "$proctor" lint
also "its code" "[never-asked]"
sed 's/why: One./why: One., when: [{ field: spec.paused, equals: true }, { field: spec.paused, equals: false }]/' \
    policy.good >policies/pack/policy.yaml
expect "a when that cannot hold" 0 "policies/pack/policy.yaml:7:36: warning: what \`when\` asks for can never be so" \
    "$proctor" lint
cp policy.good policies/pack/policy.yaml
cat >policies/pack/exception.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: lab }
spec:
  policy: p
  rules: [one]
  match: { resources: [pods] }
  reason: A lab.
  owner: teacher@example.org
  ticket: LAB-1
  expires: 2099-12-31
YAML
expect "an exception that waives nothing" 0 \
    "policies/pack/exception.yaml:1:1: warning: the exception lab waives nothing: p judges none of what it matches" \
    "$proctor" lint
sed -i 's/\[pods\]/[services]/; s/2099-12-31/2020-01-01/' policies/pack/exception.yaml
expect "an expired one" 0 "policies/pack/exception.yaml:11:12: warning: the exception has expired" "$proctor" lint
sed -i "s/2020-01-01/$(date -u -d '+3 days' +%Y-%m-%d)/" policies/pack/exception.yaml
expect "one that ends soon" 0 "policies/pack/exception.yaml:1:1: warning: the exception lab ends in 3 days" "$proctor" lint
rm policies/pack/exception.yaml

# languages: the texts of a policy by language are read whatever is asked for
sed 's/why: One\./why: { en: One., de: Eins. }/' policy.good >policies/pack/policy.yaml
for language in en de fr; do
    expect "--language $language" 0 "0 errors, 0 warnings" "$proctor" lint --language "$language"
done
expect "--language needs a value" 2 "language" "$proctor" lint --language
cp policy.good policies/pack/policy.yaml

# what cannot be linted
expect "no such path" 2 "nowhere: error: No such file or directory [unreadable]" "$proctor" lint nowhere
mkdir empty
expect "an empty folder" 2 "there is no policy in empty" "$proctor" lint empty
cp suite.good empty/suite.yaml
expect "a folder with nothing but a suite" 2 "there is no policy in empty" "$proctor" lint empty
expect "an unknown flag" 2 "did you mean --strict" "$proctor" lint --strct
expect "an unknown format" 2 "" "$proctor" lint -o xml
head -c 300 /dev/zero >binary.yaml
expect "a binary file" 1 "binary.yaml:1:1: error:" "$proctor" lint binary.yaml
printf '\357\273\277' | cat - policy.good >bom.yaml
expect "a byte order mark" 0 "1 policy, 2 rules" "$proctor" lint bom.yaml
sed 's/$/\r/' policy.good >crlf.yaml
expect "CRLF" 0 "1 policy, 2 rules" "$proctor" lint crlf.yaml
sed 's/^  match/\tmatch/' policy.good >tab.yaml
expect "a tab" 1 "tab.yaml:5:" "$proctor" lint tab.yaml

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
