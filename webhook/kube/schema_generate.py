#!/usr/bin/env python3
"""Turns schema_source.json and schema_defaults.json into schema_table.c.

    schema_generate.py           writes schema_table.c beside this script
    schema_generate.py --check   exits 1 if schema_table.c is not what it would write

Standard library only, no network, the same text every time.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
API, META = "io.k8s.api.", "io.k8s.apimachinery.pkg.apis."
ZEROS = {"string": '""', "bool": "false", "int": "0", "number": "0", "int_string": "0",
         "quantity": '"0"', "object": "{}"}
# The members that lead to the pod spec of each workload.
POD_PATHS = {
    "Pod": ["spec"],
    "CronJob": ["spec", "jobTemplate", "spec", "template", "spec"],
}
POD_OWNERS = ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet", "Job", "ReplicationController"]


def fail(*words):
    sys.exit("schema_generate: " + " ".join(str(w) for w in words))


def load(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return json.load(file)


def c_string(text):
    return json.dumps(text)  # our names and defaults are ASCII: JSON's escapes are C's


class Table:
    """Collects what is shared (lists of strings, item nodes) while objects are written."""

    def __init__(self, source, extra):
        self.objects = source["objects"]
        self.index = {name: i for i, name in enumerate(sorted(self.objects))}
        self.string_lists, self.nodes = {}, {}
        self.defaults, self.fills, self.unions = {}, {}, {}
        for short, field, value, _ in extra["defaults"]:
            self.put(self.defaults, (self.full(short, field), field), value)
        for short, function, _ in extra["fills"]:
            self.put(self.fills, self.full(short), function)
        groups = {}
        for short, fields in extra["unions"]:
            name = self.full(short, *fields)
            groups[name] = groups.get(name, 0) + 1
            for field in fields:
                self.put(self.unions, (name, field), groups[name])

    @staticmethod
    def put(rows, key, value):
        if key in rows:
            fail("two rows for", key)
        rows[key] = value

    def full(self, short, *fields):
        for prefix in (API, META):
            if prefix + short in self.objects:
                for field in fields:
                    if field not in self.objects[prefix + short]:
                        fail(short, "has no member", field)
                return prefix + short
        fail("no object", short)

    def strings(self, words):
        if not words:
            return "NULL"
        return "names_%d" % self.string_lists.setdefault(tuple(words), len(self.string_lists))

    def node(self, row):
        obj = "&objects[%d]" % self.index[row["object"]] if "object" in row else "NULL"
        item = "NULL"
        if "item" in row:
            text = self.node(row["item"])
            item = "&nodes[%d]" % self.nodes.setdefault(text, len(self.nodes))
        return "{SCHEMA_%s, %s, %s, %s, %s}" % (
            row["type"].upper(), obj, item, self.strings(row.get("merge_keys")),
            self.strings(row.get("enum")))

    def default(self, name, field, row):
        written = self.defaults.get((name, field), row.get("default"))
        zero = None if row["pointer"] else ZEROS.get(row["type"])
        if written is not None:
            return c_string(json.dumps(written, separators=(",", ":")))
        keeps_zero = not row["omit"] or row["type"] in ("object", "int_string", "quantity")
        return c_string(zero) if zero is not None and keeps_zero else "NULL"

    def field(self, name, field, row):
        # A member without pointer but with a default: its zero becomes the default, omitempty or not.
        absent = (row["omit"] or (name, field) in self.defaults) and not row["pointer"] and \
            row["type"] not in ("object", "int_string", "quantity")
        return "    {%s, %s, %s, %s, %s, %d}," % (
            c_string(field), self.node(row), self.default(name, field, row),
            str(absent).lower(), str(row.get("required", False)).lower(),
            self.unions.get((name, field), 0))

    def object(self, name):
        fields = sorted(self.objects[name].items())
        rows = [self.field(name, field, row) for field, row in fields]
        return "static const struct schema_field fields_%d[] = { /* %s */\n%s\n};\n" % (
            self.index[name], name, "\n".join(rows))

    def object_row(self, name):
        fill = "schema_fill_" + self.fills[name] if name in self.fills else "NULL"
        return "    {%s, fields_%d, %d, %s}," % (
            c_string(name), self.index[name], len(self.objects[name]), fill)


def kind_rows(table, kinds):
    for kind in kinds:
        path = POD_PATHS.get(kind["kind"])
        if kind["kind"] in POD_OWNERS:
            path = ["spec", "template", "spec"]
        yield "    {%s, %s, %s, %s, %s, %s, %s}," % (
            c_string(kind["group"]), c_string(kind["version"]), c_string(kind["kind"]),
            c_string(kind["resource"]), str(kind["namespaced"]).lower(),
            table.node({"type": "object", "object": kind["object"]}), table.strings(path))


def resource_rows(source):
    """One row a resource; where a group has it in two versions, the newer version's kind."""
    order = [(k["group"], k["version"], k["kind"]) for k in source["kinds"]]
    best = {}
    for row in source["resources"]:
        key = (row["group"], row["resource"], row["subresource"])
        kind = order.index(tuple(row["kind"])) if row["kind"] else len(order)
        best[key] = min(best.get(key, len(order)), kind)
    for key, kind in sorted(best.items()):
        yield "    {%s, %s, %s, %s}," % (
            *map(c_string, key), "&schema_kinds[%d]" % kind if kind < len(order) else "NULL")


def generate():
    source = load("schema_source.json")
    table = Table(source, load("schema_defaults.json"))
    names = sorted(table.objects)
    objects = [table.object(name) for name in names]
    kinds = list(kind_rows(table, source["kinds"]))
    resources = list(resource_rows(source))
    out = ["/* Generated by schema_generate.py from schema_source.json (Kubernetes %s) and\n"
           " * schema_defaults.json; change those, not this. */" % source["kubernetes"],
           "/* clang-format off */", '#include "kube/schema.h"', '#include "kube/schema_table.h"', ""]
    for words, number in table.string_lists.items():
        out.append("static const char *const names_%d[] = {%s, NULL};" % (
            number, ", ".join(map(c_string, words))))
    out += ["", "static const struct schema_object objects[%d];" % len(names), "",
            "static const struct schema_node nodes[%d] = {" % len(table.nodes)]
    out += ["    %s, /* %d */" % (text, number) for text, number in table.nodes.items()]
    out += ["};", ""] + objects
    out += ["static const struct schema_object objects[%d] = {" % len(names)]
    out += [table.object_row(name) for name in names]
    out += ["};", "", "const struct schema_kind schema_kinds[] = {"] + kinds + ["};", "",
            "const size_t schema_kind_count = sizeof(schema_kinds) / sizeof(schema_kinds[0]);", "",
            "/* Sorted by group, resource, subresource. */",
            "const struct schema_resource schema_resources[] = {"] + resources + ["};", "",
            "const size_t schema_resource_count = "
            "sizeof(schema_resources) / sizeof(schema_resources[0]);"]
    return "\n".join(out) + "\n"


def main():
    path = os.path.join(HERE, "schema_table.c")
    text = generate()
    if sys.argv[1:] == ["--check"]:
        with open(path, encoding="utf-8") as file:
            if file.read() != text:
                fail("schema_table.c is stale: run schema_generate.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
