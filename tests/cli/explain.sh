#!/bin/sh
# proctor explain against the built program.  Usage: tests/cli/explain.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir policies
cat >policies/small.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: small }
spec:
  title: One <b>pod</b> & | no more
  match:
    namespaces: [class]
    resources: [deployments.apps, deployments.apps/scale, pods, services]
    exclude: [{ group: "system:masters" }]
  rules:
    - { id: one, why: One pod., field: spec.replicas, default: 1, max: 1, outside: clamp }
    - { id: team, why: "Whose <it> is.", field: metadata.labels.team, oneOf: [red, "${namespace}"], mode: warn }
    - id: bare
      why: Lost.
      deny: true
      message: a bare pod
      when:
        - { field: $request.resource.resource, equals: pods }
        - { field: $request.operation, equals: CREATE }
    - { id: memory, why: Fair., field: $containers.resources.limits, set: { memory: 1Gi } }
    - { id: probe, why: Ready., field: $appContainers.readinessProbe, default: { tcpSocket: { port: "${port:-8000}" } } }
    - { id: tag, why: It moves., field: $anyContainers.image@tag, noneOf: [latest], when: [{ field: spec.paused, exists: false }] }
---
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: lab3 }
spec:
  policy: small
  rules: [one]
  match: { namespaces: [class], names: [big] }
  reason: "It <needs> two."
  owner: t@x
  ticket: L-1
  expires: 2026-12-31
---
apiVersion: proctor.dev/v1
kind: Exception
metadata: { name: lab2 }
spec: { policy: small, rules: [team], match: { namespaces: [class] }, reason: Past., owner: t@x, ticket: L-0, expires: 2026-11-01 }
YAML
explain() { "$proctor" explain --now 2026-11-21 "$@" | sed 's/digest [0-9a-f]*/digest D/'; }

# shows NAME: what came in `out` is what stands on stdin, byte for byte
shows() {
    cat >want
    : >err
    if cmp -s want out; then fine; else
        diff want out >err
        wrong "$1: not as wanted"
    fi
}

explain deployment >out
shows "one kind, in words" <<'TEXT'
What happens to a Deployment
5 of 6 rules in 1 policy, on 2026-11-21 (digest D).

RESOURCE                NOT ALLOWED AT ALL  SET  BOUNDED  REFUSED  BY
deployments.apps        -                   2    1        2        small
deployments.apps/scale  -                   -    1        1        small

== deployments.apps

  small: One <b>pod</b> & | no more
  For everybody in the namespace class, when something is created or changed.
  Set
    * resources.limits of each container and init container is set to memory 1Gi
      Fair. (small/memory)
    * readinessProbe of each container and sidecar becomes tcpSocket.port PORT, else 8000 if it is not given
      Ready. (small/probe)
  Bounded
    * spec.replicas becomes 1 if it is not given; is lowered to 1 if it is more
      One pod. (small/one; also by way of scale)
      Waived by the exception lab3.
  Refused
    * metadata.labels.team must be one of red or NAMESPACE
      Whose <it> is. (small/team; also by way of scale)
      It warns only: nothing is changed or refused.
    * the tag of image of each container of any kind must not be latest, only if there is no spec.paused
      It moves. (small/tag)

== Who is not judged, and words in capitals

  small
  Not judged:
    - members of system:masters
  Words in capitals:
    - NAMESPACE is the object's namespace
    - PORT is the first port that the container declares

== Exceptions

  lab3: one of small is waived in the namespace class, for what is named big,
  until 2026-12-31, 41 more days.
      It <needs> two. (t@x, L-1)

  lab2: team of small is waived in the namespace class,
  expired: 2026-11-01 was its last day, and it has no effect.
      Past. (t@x, L-0)
TEXT

for name in deploy Deployment deployments deployments.apps DEPLOYMENT; do
    explain "$name" >again
    if cmp -s want again; then fine; else wrong "called $name"; fi
done

explain >out
: >err
also "every resource has its line" "services                -                   -    -        1        small"
also "what may not be done at all" "pods                    created             2    -        3        small"
if [ "$(grep -c '(small/' out)" -eq 6 ]; then fine; else wrong "each rule stands once"; fi
also "what is shared has one section" "== deployments.apps and pods"
expect "one kind leaves out what is another's" 0 "a bare pod is refused, when it is created" "$proctor" explain pod
expect "a Service" 0 "1 of 6 rules" "$proctor" explain svc
never "has no containers" "each container"

# --field
field() { expect "--field $1" 0 "$2" "$proctor" explain --now 2026-11-21 --field "$1"; }
field spec.replicas "1 of 6 rules"
also "is the rule's own field" "(small/one;"
field 'spec.template.spec.containers[0].resources.limits.memory' "holds it"
field '$containers.resources' "a part of it"
field 'spec.template.spec.initContainers[*].resources.limits.memory' "small/memory"
field '$containers.readinessProbe.tcpSocket.port' "(small/probe; holds it)"
field '$containers.readinessProbe.httpGet' "0 of 6 rules"
also "what no rule touches is said" "What stands there is not judged."
field 'spec.template.spec.containers[name=app].image' "(small/tag"
field 'metadata.labels[team]' "small/team"
field 'metadata.labels."team"' "small/team"
field metadata.labels "a part of it"
field spec.paused "(small/tag; only reads it)"
never "and nothing else" "small/one"
expect "with a kind" 0 "1 of 6 rules" "$proctor" explain pod --field 'spec.containers[0].image'
expect "of another kind" 2 "Pod has no \"template\"" "$proctor" explain pod --field spec.template
expect "a slip" 2 "did you mean \"replicas\"" "$proctor" explain --field spec.replica
expect "no field" 2 "character 6" "$proctor" explain --field 'spec.'
expect "an element's field" 2 "from the object's beginning" "$proctor" explain --field .image

# A policy for everything is told apart by its conditions on the request.
cat >every.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: every }
spec:
  match: { resources: ["*"], operations: [CREATE, UPDATE, DELETE, CONNECT] }
  rules:
    - { id: look, why: W., deny: true, when: [{ field: $request.operation, equals: CONNECT }] }
    - { id: status, why: W., deny: true, when: [{ field: $request.subResource, equals: status }] }
    - { id: named, why: W., field: metadata.labels.a, required: true }
    - { id: rest, why: W., deny: true, when: [{ field: $request.resource.resource, noneOf: [pods, secrets] }, { field: $request.subResource, exists: false }] }
    - { id: made, why: W., deny: true, when: [{ field: $request.resource.resource, equals: rollouts }] }
    - { id: mine, why: W., deny: true, when: [{ field: "$request.userInfo.groups[*]", oneOf: [students] }] }
YAML
expect "a policy for everything" 0 "6 of 6 rules" "$proctor" explain -p every.yaml
# section RULE: the heading above the rule
section() { awk -v rule="(every/$1)" '/^== /{head=substr($0, 4)} index($0, rule){print head}' out; }
is() { if [ "$(section "$1")" = "$2" ]; then fine; else wrong "$1 stands under \"$(section "$1")\", not \"$2\""; fi; }
is look "pods/attach, pods/exec, pods/portforward, pods/proxy, services/proxy and anything else"
is status "The status of anything"
is named "Everything"
is rest "Everything but pods and secrets"
is made "Resources that only the conditions name"
is mine "Everything"
also "its condition is not lost" "the request is refused, only if the resource is rollouts"
if grep -qx '    \* the request is refused' out; then fine; else wrong "what a section says is not repeated"; fi
expect "a Pod of it" 0 "4 of 6 rules" "$proctor" explain -p every.yaml pod

sed 's/  rules:/  mode: audit\n  rules:/' every.yaml >audit.yaml
expect "a policy that does not bind" 0 "  Its mode is audit." "$proctor" explain -p audit.yaml
also "nor its rules" "It is only logged: nothing is changed or refused."
never "and forbids nothing" "connected to  -"

# wrong use
expect "a misspelt kind" 2 "did you mean \"deployments.apps\"" "$proctor" explain deploymnt
expect "an unknown kind" 2 "no resource \"rocket\"" "$proctor" explain rocket
expect "two kinds" 2 "one resource at a time" "$proctor" explain pod service
expect "no policies" 2 "nowhere" "$proctor" explain --policies nowhere
mkdir mixed && cp policies/small.yaml mixed/a.yaml && sed 's/max: 1/maxx: 1/; s/small/other/' policies/small.yaml >mixed/b.yaml
expect "one bad file among good ones" 2 "b.yaml:" "$proctor" explain --policies mixed
if [ -s out ]; then wrong "nothing is explained by halves"; else fine; fi
printf '\t- a\n' >tabs.yaml
expect "tabs" 2 "tabs.yaml:1:" "$proctor" explain --policies tabs.yaml
{ printf '\357\273\277'; sed 's/$/\r/' policies/small.yaml; } >crlf.yaml
expect "a BOM and CRLF" 0 "5 of 6 rules" "$proctor" explain --policies crlf.yaml deployment
printf 'a\0b' >binary.yaml
expect "binary" 2 "binary.yaml" "$proctor" explain --policies binary.yaml
expect "an unknown output" 2 "html" "$proctor" explain -o json
expect "a wrong clock" 2 "2026-02-30" "$proctor" explain --now 2026-02-30

explain deployment -o markdown >out
: >err
also "a table" "| Bounded | spec.replicas | becomes 1 if it is not given; is lowered to 1 if it is more; waived by the exception lab3 |  | One pod. | \`small/one\`, also by way of scale |"
also "its title is text" '**small**: One &#60;b\>pod&#60;/b\> &#38; \| no more'
also "its exceptions" '| lab2 | team of small is waived in the namespace class | **expired: 2026-11-01'
if ! grep -v '^|' out | grep -q '<'; then fine; else wrong "no tag in Markdown"; fi

# The html: well-formed, nothing unescaped, nothing from elsewhere, readable with and without eyes.
explain -o html >out
if python3 - out 2>err <<'PYTHON'; then fine; else wrong "the html"; fi
import re, sys
from html.parser import HTMLParser

VOID = {"meta", "br", "link"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "p",
         "nav", "ul", "li", "main", "strong", "div", "table", "caption", "thead", "tbody", "tr",
         "th", "td", "section", "span", "code"}
text = open(sys.argv[1], encoding="utf-8").read()


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.words, self.heads = [], [], [], "", []

    def handle_starttag(self, tag, attributes):
        assert tag in KNOWN, tag
        given = dict(attributes)
        assert not any(name.startswith("on") or name == "src" for name in given), given
        if "id" in given:
            self.ids.append(given["id"])
        if "href" in given:
            assert given["href"].startswith("#"), given
            self.links.append(given["href"][1:])
        if "aria-labelledby" in given:
            self.links.append(given["aria-labelledby"])
        if tag == "th":
            assert given.get("scope") in ("col", "row"), given
        if tag == "html":
            assert given.get("lang") == "en"
        if re.fullmatch("h[1-6]", tag):
            self.heads.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        self.words += data


reader = Reader()
reader.feed(text)
reader.close()
assert not reader.open, reader.open
assert len(set(reader.ids)) == len(reader.ids) and set(reader.links) <= set(reader.ids)
assert reader.heads[0] == 1 and reader.heads.count(1) == 1
assert all(b - a <= 1 for a, b in zip(reader.heads, reader.heads[1:])), reader.heads
assert text.startswith("<!DOCTYPE html>") and '<meta charset="utf-8">' in text
assert text.count("<table>") == text.count("<caption>")
assert "small: One <b>pod</b> & | no more" in reader.words and "It <needs> two." in reader.words
assert not re.search(r"https?:|url\(|@import|<script", text)

# Contrast (WCAG 2.1, 1.4.3): 4.5 to 1, of every colour of words, in light and in dark.
def light(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

style = text[text.index("<style>"):text.index("</style>")]
for block in (style[:style.index("@media (prefers-color-scheme: dark)")],
              style[style.index("@media (prefers-color-scheme: dark)"):style.index("@media print")]):
    colours = dict(re.findall(r"--(\w+): (#\w{6})", block))
    for paper in ("paper", "soft"):
        for ink in ("ink", "link", "set", "bounded", "refused"):
            a, b = sorted((light(colours[paper]), light(colours[ink])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, (paper, ink)
assert "@media print" in style
PYTHON

# The shipped policies: every rule is there, and nothing says a variable as YAML does.
cd "$root" || exit 2
"$proctor" explain -p policies --now 2026-11-21 >"$work/out" 2>"$work/err"
code=$?
cd "$work" || exit 2
rules=$(sed -n 's/^.* \([0-9]*\) rules in .*/\1/p' out | head -n 1)
if [ "$code" -eq 0 ] && [ "$(grep -cE '\((break-glass|no-side-doors|ownership|pod-security-floor|student-(deployments|network))/' out)" -eq "${rules:-0}" ]; then
    fine
else
    wrong "every shipped rule is explained once"
fi
never "no variable as it is written" '${'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
