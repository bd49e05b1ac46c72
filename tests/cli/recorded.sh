#!/bin/sh
# What the shipped packs say to every recorded review, against tests/cases/recorded/verdicts.txt.
#
#     tests/cli/recorded.sh [--update]      --update writes the file anew: read its difference
#
# One line a review: VERSION/NAME VERDICT RULES; +policy/rule changed the object, -policy/rule
# refuses it, ~policy/rule only warns.  PROCTOR names the program (default build/bin/proctor).
proctor=${PROCTOR:-build/bin/proctor}
case $proctor in */*) proctor=$(realpath "$proctor") ;; esac
[ -x "$(command -v "$proctor")" ] || { echo "there is no program at $proctor" >&2; exit 2; }
cd "$(dirname "$0")/../.." || exit 2
expected=tests/cases/recorded/verdicts.txt
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

for phase in mutat validat; do
    "$proctor" review --policies policies --phase "${phase}e" --now 2026-11-21T12:00:00Z -o json \
        tests/reviews/*/*."${phase}"ing.json >"$work/$phase.json" || [ $? -eq 1 ] || exit 2
done
python3 - "$work/mutat.json" "$work/validat.json" >"$work/verdicts.txt" <<'PYTHON' || exit 2
import json, sys
lines = []
for path in sys.argv[1:]:
    for item in json.load(open(path)):
        mark = {"deny": "-", "warn": "~", "audit": "?"}
        rules = {"+%s/%s" % (edit["policy"], edit["rule"]) for edit in item["edits"] if "rule" in edit}
        rules |= {mark[v["effect"]] + "%s/%s" % (v["policy"], v["rule"]) for v in item["violations"]}
        name = item["file"].replace("tests/reviews/", "").replace(".json", "")
        lines.append(" ".join([name, item["verdict"]] + sorted(rules)))
print("\n".join(sorted(lines)))
PYTHON

if [ "$1" = --update ]; then
    cp "$work/verdicts.txt" "$expected"
    echo "wrote $expected"
    exit 0
fi
diff -u "$expected" "$work/verdicts.txt"
wrong=$(diff "$expected" "$work/verdicts.txt" | grep -c '^>')
all=$(wc -l <"$work/verdicts.txt")
if ! cmp -s "$expected" "$work/verdicts.txt" && [ "$wrong" -eq 0 ]; then
    wrong=1
fi
[ "$all" -gt 100 ] || wrong=1
echo "$((all - wrong)) passed, $wrong failed"
[ "$wrong" -eq 0 ]
