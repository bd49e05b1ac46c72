#!/usr/bin/env python3
"""No unfinished marks, no paths of one machine, no conflict markers, no blanks at line ends."""
import os
import re
import subprocess
import sys

MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b|^(<<<<<<<|>>>>>>>) ")
HERE = os.path.realpath(".")
MACHINE = re.compile(r"(?<![\w.$}])/(root|home)/\w[\w.-]*/|" + re.escape(HERE) + r"\b")
LINE_END = re.compile(r"[ \t]+$")
TEXT_AS_IT_CAME = ("LICENSE",)


def lines_of(path):
    with open(path, "rb") as file:
        data = file.read()
    if b"\0" in data or path.endswith(TEXT_AS_IT_CAME):
        return []
    return data.decode("utf-8", errors="replace").split("\n")


def wrong_in(path):
    recorded = path.endswith(".json") or "/cases/" in path
    for number, line in enumerate(lines_of(path), 1):
        if MARKS.search(line):
            yield f"{path}:{number}: an unfinished mark"
        if MACHINE.search(line) and not path.startswith("tests/tools/fresh"):
            yield f"{path}:{number}: a path of one machine"
        if LINE_END.search(line) and not recorded:
            yield f"{path}:{number}: blanks at the line's end"


def main():
    files = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True,
                           text=True).stdout.split("\0")
    wrong = [message for path in files if os.path.isfile(path) for message in wrong_in(path)]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


main()
