#!/usr/bin/env python3
"""A member of the JSON on stdin, as a shell's test compares it.

    member.py PATH          such as status, items[0].actor.user, items[-1], items[*].number,
                            items[number=3].status

Texts as they are, true, false, null, numbers and the rest as JSON; of [*] all, with blanks between.
A member that is not there is `absent`.
"""
import json
import re
import sys


def members(value, steps):
    if not steps:
        yield value
    elif steps[0] == "*":
        for one in value:
            yield from members(one, steps[1:])
    elif isinstance(value, list) and "=" in steps[0]:
        name, _, wanted = steps[0].partition("=")
        found = [one for one in value if text(one.get(name)) == wanted]
        yield from members(found[0], steps[1:]) if found else ["absent"]
    elif isinstance(value, list) and re.fullmatch(r"-?\d+", steps[0]):
        try:
            yield from members(value[int(steps[0])], steps[1:])
        except IndexError:
            yield "absent"
    elif isinstance(value, dict) and steps[0] in value:
        yield from members(value[steps[0]], steps[1:])
    else:
        yield "absent"


def text(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


try:
    whole = json.load(sys.stdin)
except ValueError as error:
    sys.exit(f"no JSON: {error}")
print(" ".join(map(text, members(whole, re.findall(r"[^.\[\]]+", sys.argv[1])))))
