#!/bin/sh
# proctor replay against the built program.  Usage: tests/cli/replay.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# policy MAX TAG: replicas up to MAX, no image with that tag
policy() {
    cat <<YAML
apiVersion: proctor.dev/v1
kind: Policy
metadata: { name: p }
spec:
  match: { resources: [deployments.apps] }
  rules:
    - { id: one, why: Few pods., field: spec.replicas, max: $1, outside: clamp }
    - { id: tag, why: It moves., field: \$containers.image@tag, noneOf: [$2] }
YAML
}
policy 3 latest >old.yaml
policy 3 latest >same.yaml
policy 1 latest >fewer.yaml
policy 3 v1 >stricter.yaml

# deployment NAME REPLICAS IMAGE
deployment() {
    cat <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: { name: $1 }
spec:
  replicas: $2
  selector: { matchLabels: { app: x } }
  template:
    metadata: { labels: { app: x } }
    spec: { containers: [{ name: app, image: "$3" }] }
---
YAML
}
{
    deployment good 1 x:v2
    deployment three 3 x:v1
    deployment many 9 x:v3
    deployment bad 1 x
} >all.yaml
"$proctor" review -p old.yaml -o request --as s1 all.yaml >reviews.json 2>err

expect "the same policies" 0 "4 reviews: 0 changed" \
    "$proctor" replay --against old.yaml -p same.yaml reviews.json
expect "one more is refused" 1 "reviews.json:2 Deployment default/three by s1: allowed -> denied" \
    "$proctor" replay --against old.yaml -p stricter.yaml reviews.json
also "and says why" "(p/tag)"
also "and one no longer" "reviews.json:4 Deployment default/bad by s1: denied -> allowed"
also "the sum" "4 reviews: 2 changed"
never "what stays" "default/good"
expect "changed, and otherwise" 1 "default/three by s1: allowed -> patched" \
    "$proctor" replay --against old.yaml -p fewer.yaml reviews.json
also "by another patch" "default/many by s1: patched -> patched"
also "which was" '"value":3'
also "and is" '"value":1'

"$proctor" replay --against old.yaml -p stricter.yaml -o json <reviews.json >out 2>err
code=$?
if [ "$code" -eq 1 ] && python3 - out <<'PYTHON'
import json, sys
three, bad = json.load(open(sys.argv[1]))
assert three["file"] == "stdin" and three["line"] == 2 and three["user"] == "s1", three
assert three["before"] == {"verdict": "allowed"}, three
assert three["now"]["verdict"] == "denied" and "(p/tag)" in three["now"]["why"], three
assert bad["name"] == "bad" and bad["now"] == {"verdict": "allowed"}, bad
PYTHON
then fine; else wrong "-o json: exit $code"; fi
"$proctor" replay --against old.yaml -p same.yaml -o json reviews.json >out 2>err
if [ "$(cat out)" = "[]" ]; then fine; else wrong "-o json of nothing"; fi

# ---- against what was decided: recorded reviews have their uids
recorded=$root/tests/reviews/v1.36.3/01-create-plain.mutating.json
uid=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["request"]["uid"])' "$recorded")
decision() { # decision UID OUTCOME [RULES]
    printf '{"time":"2026-11-20T08:00:00Z","phase":"mutate","uid":"%s","outcome":"%s"%s}\n' "$1" \
        "$2" "${3:+,\"rules\":\"$3\"}"
}
{
    decision other denied p/tag
    decision "$uid" allowed
} >decisions
expect "as it was decided" 0 "1 review: 0 changed" \
    "$proctor" replay --log decisions -p old.yaml "$recorded"
decision "$uid" patched p/one >decisions
expect "otherwise than decided" 1 "patched -> allowed" \
    "$proctor" replay --log decisions -p old.yaml "$recorded"
also "the rules that acted" "p/one"
decision other allowed >decisions
expect "of which nothing was decided" 2 "no decision of --log has its uid" \
    "$proctor" replay --log decisions -p old.yaml "$recorded"
echo nonsense >>decisions
expect "a broken log" 2 "decisions:2: error:" \
    "$proctor" replay --log decisions -p old.yaml "$recorded"
: >decisions
expect "an empty log" 2 "no decision of --log has its uid" \
    "$proctor" replay --log decisions -p old.yaml "$recorded"
expect "no log" 2 "missing: error: cannot be opened: No such file" \
    "$proctor" replay --log missing -p old.yaml "$recorded"

# ---- what cannot be replayed is named, and the rest is
expect "nothing to compare with" 2 "either --against POLICIES, or --log FILE" \
    "$proctor" replay -p old.yaml reviews.json
expect "or too much" 2 "either --against POLICIES" \
    "$proctor" replay -p old.yaml --against old.yaml --log decisions reviews.json
expect "a manifest" 2 "all.yaml:1: error: no recorded AdmissionReview" \
    "$proctor" replay --against old.yaml -p same.yaml all.yaml reviews.json
also "the others are compared" "4 reviews: 0 changed"
also "and it is said" "4 problems: the result is incomplete"
echo '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}' >half.json
expect "half a review" 2 "half.json:1: error:" \
    "$proctor" replay --against old.yaml -p same.yaml half.json
echo '{' >broken.json
expect "broken JSON" 2 "broken.json:2" "$proctor" replay --against old.yaml -p same.yaml broken.json
expect "no policies" 2 "nowhere" "$proctor" replay --against nowhere -p same.yaml reviews.json
sed 's/max: 3/maxx: 3/' old.yaml >typo.yaml
expect "broken policies" 2 "did you mean" "$proctor" replay --against old.yaml -p typo.yaml reviews.json
expect "a wrong clock" 2 "--now:" "$proctor" replay --against old.yaml --now soon reviews.json

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
