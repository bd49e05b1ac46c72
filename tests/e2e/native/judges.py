#!/usr/bin/env python3
"""The webhook and the exported native policies judge the same requests, one after the other.

    judges.py prepare SERVER CA KEYS WORK PROCTOR POLICIES   parity's corpus (../parity/corpus.py);
                                                             what it changes is stored
    judges.py ask SERVER CA KEYS WORK NAME                   sends it all, and keeps the answers
    judges.py compare WORK WEBHOOK NATIVE EXPORT LEAST [objects]
                                                             two NAMEs; "pass" or "fail" a line
    judges.py unexpressed EXPORT                             the rules that it could not express

Each manifest is sent as a student and as the administrator, twice: as it is written (sent), and as
the webhook's rules make it (finished, by `proctor review`, which parity proves to be the webhook).
So policies that only validate are judged on both sides: that they refuse what would have been
changed, and take what is as it should be.

A verdict is taken, refused by policies, or refused by Kubernetes.  It may differ for one reason
only: the webhook refuses by rules that the export itself names as not expressed (EXPORT is its
-o json).  With `objects` also what the API server would store has to be the same, but for
REMARKS.  There are at least LEAST verdicts of each kind.
"""
import copy
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../parity"))
# pylint: disable=wrong-import-position
import compare  # noqa: E402

# Written by the webhook beside its changes, and no rule's.
REMARKS = ["metadata.annotations.proctor\\.dev/policy-changes"]


def keep(work, name, value):
    with open(os.path.join(work, name + ".json"), "w", encoding="utf-8") as file:
        json.dump(value, file)


def kept(work, name):
    with open(os.path.join(work, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def clusters(server, authority, keys):
    return {person: compare.Cluster(server, authority, keys, person) for person in compare.PEOPLE}


def prepare(server, authority, keys, work, program, policies):
    people = clusters(server, authority, keys)
    cases = [*compare.new_objects(work), *compare.changes(people["admin"])]
    student = "s2024001"
    items = compare.Review(program, policies, student).judge(cases, os.path.join(work, student))
    rows = []
    for case in cases:
        rows.append({"name": case.name, "form": "sent", "text": case.text,
                     "manifest": case.manifest, "old": case.old})
        finished = items[case.name].get("object")
        if finished is not None:
            rows.append({"name": case.name, "form": "finished", "text": json.dumps(finished),
                         "manifest": finished, "old": case.old})
    keep(work, "cases", rows)


def verdict(answer):
    """Who said what: taken, policies or kubernetes."""
    if answer["status"] < 300:
        return "taken"
    said = answer["object"].get("message", "")
    native = "ValidatingAdmissionPolicy '" in said
    return "policies" if native or compare.refusal_of_webhook(answer) is not None else "kubernetes"


def ask(server, authority, keys, work, name):
    answers = []
    for person, cluster in clusters(server, authority, keys).items():
        for row in kept(work, "cases"):
            if person != "admin" and row["manifest"]["kind"] in compare.NOT_ASKED:
                continue
            case = compare.Case(row["name"], row["text"], row["manifest"], row["old"])
            if row["form"] == "finished" and case.name.startswith("twice"):
                case.name = "once-" + case.name  # its keys are no longer there twice
            answer = compare.send(cluster, case)
            answers.append({"person": person, "form": row["form"], "name": row["name"],
                            "verdict": verdict(answer), "status": answer["status"],
                            "object": answer["object"]})
    keep(work, name, answers)


def rules_named(message):
    """The rules that a refusal of the webhook names: (policy/rule+rule+policy/rule)."""
    found = set()
    for text in re.findall(r"\(([a-z0-9-]+/[a-z0-9/+-]+)\)", message):
        policy = ""
        for rule in text.split("+"):
            policy = rule.split("/")[0] if "/" in rule else policy
            found.add(policy + "/" + rule.split("/")[-1])
    return found


def is_excused(answer, unexpressed):
    """A refusal of the webhook that the export says it cannot express."""
    named = rules_named(answer["object"].get("message", ""))
    return bool(named) and named <= unexpressed


def lasting(answer):
    manifest = compare.lasting(copy.deepcopy(answer["object"]), answer["name"], 99)
    for path in REMARKS:
        compare.forget(manifest, re.findall(r"(?:\\.|[^.])+", path))
    if not manifest["metadata"].get("annotations"):
        manifest["metadata"].pop("annotations", None)
    return manifest


def differences(webhook, native, unexpressed, objects):
    if webhook["verdict"] != native["verdict"]:
        if webhook["verdict"] == "policies" and is_excused(webhook, unexpressed):
            return
        yield (f"webhook {webhook['verdict']}: {webhook['object'].get('message')}; "
               f"native {native['verdict']}: {native['object'].get('message')}")
    elif objects and webhook["verdict"] == "taken":
        for text in compare.differences(lasting(native), lasting(webhook)):
            yield text.replace(": review ", ": native ").replace(", cluster ", ", webhook ")


def unexpressed_of(export):
    with open(export, encoding="utf-8") as file:
        return {f"{row['policy']}/{row['rule']}" for row in json.load(file)["notExpressed"]}


def hold_together(work, webhook, native, export, least, objects=None):
    unexpressed = unexpressed_of(export)
    counts = {}
    for one, other in zip(kept(work, webhook), kept(work, native), strict=True):
        what = f"{one['person']} {one['form']} {one['name']}"
        found = json.dumps("; ".join(differences(one, other, unexpressed, objects)))[1:-1]
        counts[one["verdict"]] = counts.get(one["verdict"], 0) + 1
        print(f"fail {what}: {found}" if found else f"pass {what}")
    # Of each verdict there were many: else nothing was compared.
    for kind in ("taken", "policies", "kubernetes"):
        few = counts.get(kind, 0) < int(least)
        print(f"{'fail' if few else 'pass'} verdicts {kind}: {counts.get(kind, 0)}")


if __name__ == "__main__":
    {"prepare": prepare, "ask": ask, "compare": hold_together,
     "unexpressed": lambda export: print("\n".join(sorted(unexpressed_of(export))))
     }[sys.argv[1]](*sys.argv[2:])
