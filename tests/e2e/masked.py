#!/usr/bin/env python3
"""A transcript with what changes from run to run made the same, and its tables in line again.

    masked.py <TRANSCRIPT

Ages and times, the random ends of pods' names, generations; what a program says of its progress is
left out.  Cells are what two blanks or more divide; lines one after the other with as many cells
are a table.  Events of the same second come in any order, and pods by the random part of their
names, so they are sorted.
"""
import re
import sys

SAME = [
    (r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "2026-11-21T08:00:00Z"),
    (r"\b\d\d:\d\d:\d\d(?=  )", "08:00:00"),
    (r"(?<![\w.-])(\d+m)?\d+(\.\d+)?s(?= ago\b|  |,|$|\))", "20s"),
    (r"(?<= )\d+ \(\d+s ago\)", "4 (20s ago)"),
    (r"after (\d+m)?\d+s", "after 20s"),
    (r"\b(student-\d{7}-)[0-9a-z]{8,10}-[0-9a-z]{5}\b", r"\g<1>7d4b9c6f5-x8z2q"),
    (r"\b(student-\d{7}-)(?!7d4b9c6f5)[0-9a-z]{8,10}\b", r"\g<1>7d4b9c6f5"),
    (r"operation \d+", "operation 1"),
    (r"generation \d+", "generation 2"),
    (r"revision \d+", "revision 2"),
    (r"Scaled up replica set (\S+) to", r"Scaled up replica set \1 from 0 to"),
    (r"\(\d+ times\)", "(5 times)"),
]


PROGRESS = re.compile(r"deployment/\S+: (?!completed)|(accepted|written)[;,]|version \d+: ")


def cells(line):
    indent = re.match(" *", line)[0]
    return indent, re.split(r" {2,}", line.strip())


def in_line(lines):
    """The lines of one table, each column as wide as its widest cell."""
    rows = [cells(line) for line in lines]
    if rows[0][1][0] in ("AGE", "NAME"):
        rows[1:] = sorted(rows[1:])
    widths = [max(len(row[i]) for _, row in rows) for i in range(len(rows[0][1]))]
    for indent, row in rows:
        yield (indent + "  ".join(map(str.ljust, row, widths))).rstrip()


def main():
    table = []
    for line in [*sys.stdin.read().splitlines(), ""]:
        for pattern, same in SAME:
            line = line if line.startswith("$ ") else re.sub(pattern, same, line)
        if PROGRESS.match(line):
            continue
        if table and len(cells(line)[1]) != len(cells(table[0])[1]):
            print("\n".join(in_line(table)))
            table = []
        if len(cells(line)[1]) > 2:
            table.append(line)
        else:
            print(line)


main()
