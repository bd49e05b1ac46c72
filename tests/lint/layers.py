#!/usr/bin/env python3
"""A file includes only its own layer or a lower one.

The order is base < kube < policy < admit < net, client < history < recorder,
cli.  certs/ stands beside the
programs: it may use base, and only cli (and the mains and tests) may use it.
Within cli each folder has its place too: what several commands share is below them.
"""
import re
import subprocess
import sys

LEVEL = {"base": 0, "kube": 1, "policy": 2, "admit": 3, "net": 4, "client": 4, "history": 5,
         "recorder": 6, "cli": 6}
ROOMS = {"": 0, "output": 1, "cluster": 1, "review": 2, "explain": 2, "live": 3,
         "test": 3, "native": 3}
ROOM_OF_COMMANDS = 4
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def layer_of(path):
    """The layer of a source file, None for the mains and tests, which may include anything."""
    parts = path.split("/")
    if parts[0] == "certs":
        return "certs"
    if parts[0] == "webhook" and len(parts) > 2:
        return parts[1]
    return None


def room_of(path):
    """A file's folder in cli, "" for its frame."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def room_allowed(room, other):
    return room == other or ROOMS.get(other, ROOM_OF_COMMANDS) < ROOMS.get(room, ROOM_OF_COMMANDS)


def allowed(layer, other):
    if layer == other:
        return True
    if layer == "certs":
        return other == "base"
    if other == "certs":
        return layer == "cli"
    return LEVEL[other] < LEVEL[layer]


def wrong_includes(path, text):
    layer = layer_of(path)
    if layer is None:
        return
    if layer != "certs" and layer not in LEVEL:
        yield f"{path}: the layer {layer}/ is not in the order of layers"
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        other = found.group(1).split("/")[0]
        if "/" not in found.group(1) or (other != "certs" and other not in LEVEL):
            yield f'{path}:{number}: "{found.group(1)}": name the layer, as in "base/err.h"'
        elif not allowed(layer, other):
            yield f"{path}:{number}: {layer} includes {found.group(1)}, which is not below it"
        elif layer == other == "cli" and not room_allowed(room_of(path.split("/", 1)[1]),
                                                          room_of(found.group(1))):
            yield f"{path}:{number}: its folder is not above {found.group(1)}'s"


def main():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h"], check=True, capture_output=True,
                           text=True).stdout.split()
    wrong = 0
    for path in files:
        with open(path, encoding="utf-8") as file:
            for message in wrong_includes(path, file.read()):
                print(message)
                wrong += 1
    sys.exit(1 if wrong or not files else 0)


main()
