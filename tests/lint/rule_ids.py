#!/usr/bin/env python3
"""Every policy/rule that documents and tests mention is a rule of that pack in policies/.

A test may carry a policy of its own under a pack's name; then the rule counts if its id stands in
a file of the same folder (or, for C, in the same file).
"""
import os
import re
import subprocess
import sys

# In YAML `id: one-replica`, in a C string or JSON "id": "one-replica".
ID = re.compile(r'\bid\\?"?:\s*\\?"?([a-z0-9][a-z0-9-]*)')
WHERE = ("*.md", "tests", "policies", "manifests", ".github")
SKIP = ("tests/reviews/", "tests/lint/")  # what clusters said, and these checks themselves


def git_files(*patterns):
    """Regular files: git lists a link to a folder too, and what has been removed meanwhile."""
    paths = subprocess.run(["git", "ls-files", "--", *patterns], check=True, capture_output=True,
                           text=True).stdout.split()
    return list(filter(os.path.isfile, paths))


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def packs():
    """{pack: its rule ids}, from the policy files of each folder in policies/."""
    rules = {}
    for path in git_files("policies"):
        parts = path.split("/")
        if len(parts) > 2 and path.endswith((".yaml", ".yml")) and parts[2] not in ("cases",
                                                                                   "suite.yaml"):
            rules.setdefault(parts[1], set()).update(ID.findall(read(path)))
    return rules


def main():
    rules = packs()
    if not rules:
        sys.exit("policies/ holds no pack")
    mention = re.compile(r"(?<![\w/.-])(" + "|".join(map(re.escape, sorted(rules))) +
                         r")/(ID(?:\+ID(?![\w-]*/))*)(?![\w/.-]*\.(?:ya?ml|md|json)|/)".replace(
                             "ID", "[a-z0-9]+(?:-[a-z0-9]+)*"))
    own = {}
    wrong = mentions = 0
    for path in git_files(*WHERE):
        if path.startswith(SKIP):
            continue
        text = read(path)
        folder = path if path.endswith((".c", ".h")) else os.path.dirname(path)
        for number, line in enumerate(text.splitlines(), 1):
            for pack, ids in mention.findall(line):
                for rule in ids.rstrip("+").split("+"):
                    if rule in ("cases", "policy", "suite") and not path.endswith(".yaml"):
                        continue
                    mentions += 1
                    if rule in rules[pack]:
                        continue
                    if folder not in own:
                        texts = [text] if folder == path else map(read, git_files(folder + "/*"))
                        own[folder] = {rule for one in texts for rule in ID.findall(one)}
                    if rule not in own[folder]:
                        print(f"{path}:{number}: there is no rule {pack}/{rule}")
                        wrong += 1
    print(f"{mentions} mentions of {sum(map(len, rules.values()))} rules")
    sys.exit(1 if wrong or not mentions else 0)


main()
