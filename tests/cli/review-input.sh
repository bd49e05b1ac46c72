#!/bin/sh
# What proctor review says of input that is none, beside input that is.  Usage:
# tests/cli/review-input.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

mkdir policies
cat >policies/policy.yaml <<'YAML'
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [configmaps] }
  rules:
    - { id: team, why: Whose., field: metadata.labels.team, oneOf: [red, blue] }
YAML
cat >good.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata:
  name: good
  labels:
    team: green
YAML

# refused NAME WORDS COMMAND...: exit code 2, the words, and that the result is incomplete
refused() {
    expect "$1" 2 "$2" timeout 60 "$proctor" review "$3"
    also "$1: said" "1 problem: the result is incomplete"
    also "$1: said on the other stream too" "0 objects; incomplete: 1 problem"
}

# spelt otherwise, but the same
sed 's/$/\r/' good.yaml >crlf.yaml
expect "CRLF" 1 "crlf.yaml:6:5: metadata.labels.team (p/team)" "$proctor" review crlf.yaml
printf '\357\273\277' | cat - good.yaml >bom.yaml
expect "a byte order mark" 1 "bom.yaml:6:5: metadata.labels.team" "$proctor" review bom.yaml
printf '\357\273\277' | cat - crlf.yaml >both.yaml
expect "both" 1 "both.yaml:6:5: metadata.labels.team" "$proctor" review both.yaml
tr '\n' '\r' <good.yaml >cr.yaml
expect "CR alone" 1 "cr.yaml:6:5: metadata.labels.team" "$proctor" review cr.yaml

# no text, or not this one
sed 's/^    team/\tteam/' good.yaml >tab.yaml
refused "a tab that indents" "tab.yaml:6:1: error: a tab cannot indent (use blanks)" tab.yaml
sed 's/green/"a\tb"/' good.yaml >inner.yaml
expect "a tab in a text is one" 1 "metadata.labels.team" "$proctor" review inner.yaml
cp "$proctor" binary.yaml
refused "a program" "binary.yaml:1: error: this is a binary file: there is a NUL byte in it" binary.yaml
printf '\377\376a\0' >utf16.yaml
refused "UTF-16" "utf16.yaml:1: error: this is UTF-16 text: save it as UTF-8" utf16.yaml
printf 'a: \344\n' >latin1.yaml
refused "Latin-1" "latin1.yaml:1:4: error: not UTF-8 text" latin1.yaml
printf 'a: "\033[31m"\n' >escape.yaml
refused "a control character" "escape.yaml:1:5: error: a control character" escape.yaml
printf 'hello, world\n' >prose.yaml
refused "prose" "this is no Kubernetes object, but a JSON string" prose.yaml
printf '[{"kind": "A"}]\n' >list.json
refused "a bare list" "this is no Kubernetes object, but a JSON array" list.json
printf '{"apiVersion": "v1", "kind": "ConfigMap"}\n]\n' >more.json
expect "something behind the object" 2 "more.json:2:1: error:" "$proctor" review more.json
also "what stands before it was judged" "more.json:1 ConfigMap"

# cyclic, or it would not end
printf 'apiVersion: v1\nkind: ConfigMap\ndata: &d\n  a: *d\n' >cycle.yaml
refused "an alias inside what it names" \
    "cycle.yaml:4:6: error: the alias *d stands inside what it names (write it out)" cycle.yaml
python3 - <<'PYTHON'
lines = ["apiVersion: v1", "kind: ConfigMap", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
for i in range(1, 12):
    lines.append(f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 9) + "]")
open("laughs.yaml", "w").write("\n".join(lines) + "\n")
open("deep.yaml", "w").write("apiVersion: v1\nkind: ConfigMap\ndata: " + "[" * 5000 + "]" * 5000)
open("deep.json", "w").write('{"apiVersion":"v1","kind":"A","a":' + "[" * 5000 + "]" * 5000 + "}")
open("documents.yaml", "w").write("--- {}\n" * 10001)
PYTHON
refused "aliases of aliases" "error: more than 200000 values in one document" laughs.yaml
refused "too deep" "deep.yaml:3:70: error: nested deeper than 64 levels" deep.yaml
refused "too deep JSON" "deep.json:1: error: nested deeper than 64 levels" deep.json
refused "too many documents" "error: more than 10000 documents" documents.yaml
refused "a device without an end" "/dev/zero: error: larger than 64 MiB" /dev/zero
yes 'a: b' | timeout 60 "$proctor" review - >out 2>err
code=$?
if [ "$code" -eq 2 ]; then fine; else wrong "stdin without an end: exit $code"; fi
also "stdin without an end" "stdin: error: larger than 64 MiB"
mkfifo pipe
refused "a pipe that nobody writes to" "pipe: error: this is a pipe, and nobody writes to it" pipe
{ sleep 0.3; cat good.yaml; sleep 0.3; } >pipe &
expect "a pipe that somebody writes to, later" 1 "pipe:1 ConfigMap default/good: denied" \
    timeout 60 "$proctor" review pipe
wait

# what cannot be opened
refused "no such file" "nowhere.yaml: error: No such file or directory" nowhere.yaml
ln -s circle.yaml circle.yaml
refused "a link to itself" "circle.yaml: error: Too many levels of symbolic links" circle.yaml
refused "below a file" "good.yaml/x: error: Not a directory" good.yaml/x

# a folder of all sorts
mkdir mixed mixed/.hidden
cp good.yaml mixed/a.yaml
cp good.yaml mixed/.hidden/x.yaml
mkfifo mixed/b.yaml
ln -s nowhere mixed/c.yaml
ln -s . mixed/d
cp tab.yaml mixed/e.yaml
printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n' >mixed/kustomization.yaml
cp binary.yaml mixed/picture.png
printf '# nothing yet\n' >mixed/empty.yaml
ln -s /dev/zero mixed/zero.json
sed 's/green/red/' good.yaml >mixed/z.yaml
for output in text json yaml sarif junit github; do
    expect "a mixed folder, -o $output" 2 "" timeout 60 "$proctor" review -o "$output" mixed/a.yaml \
        mixed/b.yaml mixed/z.yaml
    also "-o $output: incomplete" "1 problem: the result is incomplete"
done
rm mixed/d
expect "a folder" 2 "mixed/b.yaml: error: this is no file, but a pipe or a device" \
    timeout 60 "$proctor" review mixed
also "a dead link" "mixed/c.yaml: error: No such file or directory"
also "a broken file" "mixed/e.yaml:6:1: error:"
also "a device" "mixed/zero.json: error: this is no file, but a pipe or a device"
also "what is there is judged" "mixed/a.yaml:1 ConfigMap default/good: denied"
also "to the end" "mixed/z.yaml:1 ConfigMap default/good: allowed"
also "and all is summed up" "2 objects: 1 allowed, 1 denied; incomplete: 4 problems"
never "other files are passed over" "picture"
never "hidden ones too" ".hidden"
mkdir round
ln -s ../round round/round
expect "folders in a circle" 2 "the folders are nested too deep" timeout 60 "$proctor" review round

# policies: one bad file among good ones judges nothing
mkdir set
cp policies/policy.yaml set/a.yaml
sed 's/oneOf/oneof/; s/name: p/name: q/' policies/policy.yaml >set/b.yaml
expect "one bad policy" 2 "set/b.yaml:7:61: error: a rule has no key \"oneof\"; did you mean \"oneOf\"?" \
    "$proctor" review -p set good.yaml
never "nothing is judged by the rest" "ConfigMap"
for bad in tab.yaml binary.yaml latin1.yaml cycle.yaml pipe circle.yaml; do
    rm set/b.yaml
    ln -s "../$bad" set/b.yaml
    expect "$bad among the policies" 2 "set/b.yaml" timeout 60 "$proctor" review -p set good.yaml
    never "$bad: nothing is judged" "ConfigMap"
    case $bad in pipe | circle.yaml) code=2 ;; *) code=1 ;; esac # nothing of it was judged
    expect "$bad among the policies: lint" "$code" "set/b.yaml" timeout 60 "$proctor" lint set
    also "$bad: an error" "1 error"
done
expect "two folders of policies, one of them not there" 2 "nowhere: error: No such file" \
    "$proctor" review -p policies -p nowhere good.yaml
never "two folders: nothing is judged" "ConfigMap"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
