#!/usr/bin/env python3
"""What the API server's audit log says of the last request of that kind.

    tests/e2e/audited.py LOG WHO VERB RESOURCE[/SUBRESOURCE] NAME KEY...

A line for each KEY: code, message, causes (their fields), or the name of an annotation; empty, if
the event lacks it.  NAME may be empty: a new object whose name the request does not say.
"""
import json
import sys


def find(log, who, verb, resource, name):
    resource, _, subresource = resource.partition("/")
    found = None
    with open(log, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            what = event.get("objectRef", {})
            if (event["user"]["username"], event["verb"], what.get("resource"),
                    what.get("subresource", ""), what.get("name", "")) == (
                        who, verb, resource, subresource, name):
                found = event
    return found or sys.exit(f"audited: no {verb} of {resource} {name} by {who}")


def main(log, who, verb, resource, name, *keys):
    event = find(log, who, verb, resource, name)
    status = event.get("responseStatus", {})
    causes = status.get("details", {}).get("causes", [])
    own = {
        "code": status.get("code", ""),
        "message": status.get("message", ""),
        "causes": " ".join(cause.get("field", "") for cause in causes),
    }
    for key in keys:
        print(own[key] if key in own else event.get("annotations", {}).get(key, ""))


main(*sys.argv[1:])
