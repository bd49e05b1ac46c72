#!/bin/sh
# proctor log against the built program.  Usage: tests/cli/log.sh [PROCTOR]
# shellcheck source=tests/cli/lib disable=SC1091
. "$(dirname "$0")/lib"

# decision TIME PHASE OUTCOME USER NAME [RULES]
decision() {
    printf '{"time":"%s","phase":"%s","uid":"u","operation":"CREATE","kind":"Deployment",' "$1" "$2"
    printf '"resource":"deployments.apps","namespace":"course","name":"%s","user":"%s",' "$5" "$4"
    printf '"outcome":"%s","allowed":true,"violations":0%s,"digest":"d","microseconds":9}\n' \
        "$3" "${6:+,\"rules\":\"$6\"}"
}
{
    decision 2026-11-20T08:00:00.000001Z mutate patched s1 one 'p/cpu p/memory'
    decision 2026-11-20T08:00:00.000009Z validate allowed s1 one
    echo '{"time":"2026-11-20T08:00:01Z","level":"info","message":"policies loaded"}'
    decision 2026-11-21T09:00:00.000001Z validate denied s2 two 'p/tag'
    decision 2026-11-21T10:00:00.000001Z validate denied s1 three 'p/tag q/host'
    echo
} >decisions

expect "a line each, then the sums" 0 "4 of 4 decisions: 1 allowed, 1 patched, 2 denied" \
    "$proctor" log decisions
also "with what matters" "2026-11-21T09:00:00.000001Z  denied      validate s2 CREATE Deployment course/two  p/tag"
cat >wanted <<'TEXT'
3 of 4 decisions: 1 allowed, 2 denied

RULE    ALL  ALLOWED  PATCHED  DENIED  NOT JUDGED  ERROR
p/tag   2    -        -        2       -           -
q/host  1    -        -        1       -           -

USER  ALL  ALLOWED  PATCHED  DENIED  NOT JUDGED  ERROR
s1    2    1        -        1       -           -
s2    1    -        -        1       -           -
TEXT
"$proctor" log --summary --phase validate decisions >out 2>err
if diff wanted out && [ ! -s err ]; then fine; else wrong "the summary"; fi

expect "by user" 0 "3 of 4 decisions" "$proctor" log --user s1 decisions
expect "by one of two" 0 "4 of 4 decisions" "$proctor" log --user s1 --user 's[2]' --user '?2' decisions
expect "by rule" 0 "1 of 4 decisions: 1 denied" "$proctor" log --rule 'q/*' decisions
never "and no other" "course/two"
expect "by verdict" 0 "1 of 4 decisions: 1 patched" "$proctor" log --verdict patched decisions
expect "by namespace" 0 "0 of 4 decisions" "$proctor" log -n other decisions
expect "since" 0 "2 of 4 decisions" "$proctor" log --since 2026-11-21 decisions
expect "until, which is not in it" 0 "3 of 4 decisions" \
    "$proctor" log --until 2026-11-21T10:00:00.000001Z decisions
decision "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)" validate allowed s1 latest >recent
expect "so long ago" 0 "1 of 5 decisions" "$proctor" log --since 1h decisions recent
expect "no time" 2 "--since: \"soon\" is no time" "$proctor" log --since soon decisions
expect "no such verdict" 2 "allowed|patched|denied" "$proctor" log --verdict maybe decisions

# as kubectl gives it
sed 's|^{|[pod/proctor-webhook-7d4b/webhook] {|' decisions >prefixed
sed 's|^{|2026-11-21T10:00:00.123456789Z {|' decisions >stamped
expect "with --prefix" 0 "4 of 4 decisions" "$proctor" log prefixed
expect "with --timestamps" 0 "4 of 4 decisions" "$proctor" log stamped
"$proctor" log <decisions >out 2>err
also "stdin" "4 of 4 decisions"

"$proctor" log -o json --verdict denied decisions >out 2>err
if python3 - out <<'PYTHON'
import json, sys
log = json.load(open(sys.argv[1]))
assert [d["name"] for d in log["decisions"]] == ["two", "three"], log
assert log["decisions"][0]["digest"] == "d", log
assert log["summary"]["read"] == 4 and log["summary"]["matched"] == 2, log
assert log["summary"]["verdicts"]["denied"] == 2, log
assert log["summary"]["rules"][0] == {"name": "p/tag", "allowed": 0, "patched": 0, "denied": 2,
                                      "not_judged": 0, "error": 0}, log
PYTHON
then fine; else wrong "-o json"; fi
"$proctor" log -o json --summary --user nobody decisions >out 2>err
if python3 -c 'import json, sys; log = json.load(open("out")); assert list(log) == ["summary"], log
assert log["summary"]["matched"] == 0'
then fine; else wrong "-o json --summary"; fi
"$proctor" log -o json --user nobody decisions >out 2>err
if python3 -c 'import json; assert json.load(open("out"))["decisions"] == []'
then fine; else wrong "-o json of nothing"; fi

# what is broken is named and counted, and the rest is there
{
    head -n 1 decisions
    head -c 100 decisions
    printf '\nnot json at all\n{"a":1}\n[1]\na\0b\n'
    tail -n 2 decisions
} >broken
expect "broken lines" 2 "broken:2: error:" "$proctor" log broken
also "no JSON" "broken:3: error:"
also "another's JSON" "broken:4: error: no line of the webhook"
also "a list" "broken:5: error: no JSON object"
also "a NUL" "broken:6: error: there is a NUL byte in it"
also "are counted" "5 broken lines or files: the result is incomplete"
also "the rest is there" "2 of 2 decisions"
{
    printf '{"phase":"'
    head -c 2000000 /dev/zero | tr '\0' x
    echo '"}'
    cat decisions
} >long
expect "a line without an end" 2 "long:1: error: the line is longer than 1 MiB" "$proctor" log long
also "what follows is read" "4 of 4 decisions"
yes nonsense | head -n 50 >much
expect "not all of them are named" 2 "50 broken lines" "$proctor" log much
never "the eleventh" "much:11:"
expect "no such file" 2 "missing: error: cannot be opened: No such file" "$proctor" log missing decisions
expect "a folder" 2 "error: Is a directory" "$proctor" log .
decision 2026-11-20T08:00:00Z validate allowed "$(printf 's\\u001b[2J')" one >control
expect "control characters stay harmless" 0 "validate s?[2J CREATE" "$proctor" log control

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
