#!/usr/bin/env python3
"""What `proctor schema` prints is a schema, and it judges as the loader does.

    tests/schema/check.py PROCTOR [--verbs]      # only what needs no validator

Every policy, exception and suite that ships is valid.  Of tests/cases/policy-errors (each with what
the loader says of it, in the .txt beside it) those with an error of structure are not valid, and
all others are: what the schema cannot know it lets pass.
"""
import glob
import json
import re
import subprocess
import sys
import tempfile

VERBS_ONLY = "--verbs" in sys.argv
if not VERBS_ONLY:
    import jsonschema
    import yaml

# What can be told from one document's keys and types alone.
STRUCTURE = {"bad-api-version", "bad-choice", "bad-id", "bad-kind", "deny-alone", "glob-in-exclude",
             "missing-key", "missing-verb", "unknown-key", "useless-dial", "wide-exclude",
             "wrong-type"}
# Not YAML at all: nothing to be judged.
UNREADABLE = {"bad-yaml"}
CODE = re.compile(r": error: .*\[([a-z-]+)\]$", re.M)


def loader():
    """As the YAML language server reads: YAML 1.2, where a date is a text and yes a word."""
    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [(tag, pattern) for tag, pattern in resolvers
                    if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
    return Loader


passed = failed = 0


def check(holds, words):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAILED {words}")


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [one for one in yaml.load_all(file, loader()) if one is not None]


def errors(validator, path):
    """The first of each document's errors, deepest first: what an editor would underline."""
    found = []
    for document in documents(path):
        error = jsonschema.exceptions.best_match(validator.iter_errors(document))
        if error is not None:
            found.append(f"{error.json_path}: {error.message}")
    return found


def check_one(validator, document, valid, words):
    check(validator.is_valid(document) == valid, f"{words}: valid is not {valid}")


def check_shapes(validator):
    """What no file shows: each of these differs from a right rule by one thing."""
    def policy(rule, **spec):
        return {"apiVersion": "proctor.dev/v1", "kind": "Policy", "metadata": {"name": "p"},
                "spec": {"match": {"resources": ["*"]}, "rules": [rule], **spec}}
    right = {"id": "a", "why": {"en": "Because.", "zh": "因為"}, "field": "spec.replicas", "max": 1}
    check_one(validator, policy(right), True, "a rule")
    check_one(validator, policy({"id": "a", "why": "W.", "deny": True}), True, "deny")
    check_one(validator, policy({**right, "deny": True}), False, "deny beside a field")
    check_one(validator, policy({**right, "outside": "clamp"}), True, "outside with max")
    check_one(validator, policy({**right, "max": [1]}), False, "a list as a bound")
    check_one(validator, policy({**right, "immutable": "twice"}), False, "immutable: twice")
    check_one(validator, policy({**right, "when": [{"field": "x"}]}), False, "an empty condition")
    check_one(validator, policy({**right, "when": [{"field": "x", "min": 1}]}), True, "a condition")
    check_one(validator, policy({**right, "when": [{"field": "x", "set": 1}]}), False, "set in when")
    check_one(validator, policy(right, match={"names": ["a"]}), False, "no resources")
    check_one(validator, policy(right, colour="red"), False, "an unknown key of spec")
    check_one(validator, {**policy(right), "kind": "PolicySuite"}, False, "a policy called a suite")


def check_verbs(schema):
    """Every verb that the loader knows stands in the schema: it names them all in its message."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: {name: p}\n"
                   "spec: {match: {resources: ['*']}, rules: [{id: a, why: W., "
                   "field: metadata.name, required: true, when: [{field: metadata.name}]}]}\n")
        file.flush()
        text = subprocess.run([sys.argv[1], "lint", "-o", "json", file.name], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    words = next(one["message"] for one in json.loads(text)
                 if one["message"].startswith("an entry of when says"))
    named = set(re.findall(r"\w+", words.split(":", 1)[1])) - {"or"}
    known = set(schema["definitions"]["condition"]["properties"]) - {"field"}
    check(named == known, f"in when: {sorted(named ^ known)}")
    check(known - {"exists"} < set(schema["definitions"]["rule"]["properties"]), "verbs of rules")


def check_files(schema):
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    shipped = [path for path in sorted(glob.glob("policies/*/*.yaml"))]
    check(len(shipped) >= 10, "the shipped policies are not found")
    for path in shipped:
        found = errors(validator, path)
        check(not found, f"{path} ships and is not valid: {found}")
    kinds = set()
    for path in sorted(glob.glob("tests/cases/policy-errors/*.yaml")):
        with open(path[:-len("yaml")] + "txt", encoding="utf-8") as file:
            codes = set(CODE.findall(file.read()))
        if codes & UNREADABLE:
            continue
        found = errors(validator, path)
        if codes & STRUCTURE:
            check(found, f"{path} is valid, and the loader says {sorted(codes & STRUCTURE)}")
        else:
            check(not found, f"{path} is not valid, and the loader says {sorted(codes)}: {found}")
        kinds |= {one.get("kind") for one in documents(path) if isinstance(one, dict)}
    check("Exception" in kinds, "no exception was judged")
    check_shapes(validator)


def main():
    schema = json.loads(subprocess.check_output([sys.argv[1], "schema"]))
    check_verbs(schema)
    if not VERBS_ONLY:
        check_files(schema)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
