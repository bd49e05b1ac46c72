#!/usr/bin/env python3
"""Documents that have gone stale: README's output, paths that are not there, limits untested,
a schema table that its generator would make otherwise, make targets that do not exist."""
import glob
import os
import re
import subprocess
import sys

MACRO = re.compile(r"^#define (LIMIT_\w+)", re.M)
TICKED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)\"")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def git_files(*patterns):
    return run("git", "ls-files", "--", *patterns).stdout.split()


def prose(text):
    """The text without fenced blocks: those are programs' output and files to be written."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def paths_not_there(document, top):
    """Backticked paths below the checkout's top level, and relative links."""
    text = prose(read(document))
    folder = os.path.dirname(document)
    for match in TICKED.finditer(text):
        word = match.group(1).split()[0]
        first = word.split("/")[0]
        if first not in top or re.search(r"[<>$*{}…:]|[A-Z]{3}", word.replace("README", "")):
            continue
        if first != word and not os.path.exists(word.rstrip("/")):
            yield f"{document}: `{word}` is not there"
    for match in LINK.finditer(text):
        link = match.group(1) or match.group(2)
        if "://" not in link and not os.path.exists(os.path.join(folder, link)):
            yield f"{document}: the link to {link} leads nowhere"


def targets_not_there(document, targets):
    for match in re.finditer(r"(?:`|^)(?:[A-Z]+=\S+ )?make ([a-z][a-z0-9-]*)", read(document), re.M):
        if match.group(1) not in targets:
            yield f"{document}: there is no `make {match.group(1)}`"


def limits_untested():
    tests = "".join(map(read, git_files("tests/unit")))
    for name in MACRO.findall(read("webhook/base/limits.h")):
        if name != "LIMIT_MIB" and not re.search(rf"\b{name}\b", tests):
            yield f"webhook/base/limits.h: no unit test names {name}"


def fails(*command):
    """The output of a checker, if it is not content."""
    done = run(*command)
    if done.returncode != 0:
        yield f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


def main():
    documents = git_files("*.md")
    top = {path.split("/")[0] for path in git_files()}
    makefiles = "".join(map(read, git_files("Makefile", "*.mk")))
    targets = set(re.findall(r"^([a-z][a-z0-9 -]*):", makefiles, re.M))
    targets = {name for names in targets for name in names.split()}
    wrong = []
    for document in documents:
        wrong += paths_not_there(document, top)
        wrong += targets_not_there(document, targets)
    wrong += limits_untested()
    wrong += fails("tests/tools/readme", "--check")
    for generator in sorted(glob.glob("webhook/*/*_generate.py")):
        wrong += fails("python3", generator, "--check")
    print("\n".join(wrong))
    sys.exit(1 if wrong or not documents else 0)


main()
