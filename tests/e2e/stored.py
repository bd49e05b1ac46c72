#!/usr/bin/env python3
"""What is stored in the students' room: a line for each object of every kind.

    curl -K kinds | tests/e2e/stored.py [NUMBER...]   without what belongs to other students than
                                                      these, if any are named

Reads the API server's lists.  Left out are the reports of controllers: status (but the address
that a Service or an Ingress claims), who owns which field, resourceVersion, and what follows from
a Service by itself.
"""
import json
import re
import sys

MANAGED = "endpointslice.kubernetes.io/managed-by"


def is_theirs(meta, numbers):
    number = re.search(r"(?:^|[-.])(3\d{6})", meta["name"])
    return numbers and number is not None and number.group(1) not in numbers


def follows(kind, meta, services):
    return (kind == "EndpointsList" and meta["name"] in services or
            kind == "EndpointSliceList" and MANAGED in meta.get("labels", {}))


def line(kind, item):
    for key in ("managedFields", "resourceVersion"):
        item["metadata"].pop(key, None)
    address = item.pop("status", {}).get("loadBalancer")
    if address:
        item["status"] = address
    return kind + " " + json.dumps(item, sort_keys=True)


def main(numbers):
    lists = [json.loads(text) for text in sys.stdin if text.strip()]
    if not lists or any(one["kind"] == "Status" for one in lists):
        sys.exit(f"stored.py: the API server does not answer: {lists}")
    services = {item["metadata"]["name"] for one in lists if one["kind"] == "ServiceList"
                for item in one["items"]}
    for one in lists:
        for item in one.get("items", [one]):
            meta = item["metadata"]
            if not is_theirs(meta, numbers) and not follows(one["kind"], meta, services):
                print(line(one["kind"], item))


main(sys.argv[1:])
