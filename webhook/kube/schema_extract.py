#!/usr/bin/env python3
"""Makes schema_source.json: what an API server and its Go types say of the kinds that we know.

    schema_extract.py --version v1.36.3 --openapi DIR --api DIR --apimachinery DIR > schema_source.json

--openapi       a folder with the OpenAPI v3 documents of one API server, one file a group version:
                for p in api/v1 apis/apps/v1 apis/batch/v1 apis/autoscaling/v1 apis/autoscaling/v2 \\
                         apis/policy/v1 apis/networking.k8s.io/v1 apis/discovery.k8s.io/v1; do
                    kubectl get --raw /openapi/v3/$p > DIR/$(echo $p | tr / _).json
                done
--api           the sources of the Go module k8s.io/api of the same release
--apimachinery  the same for k8s.io/apimachinery (`go mod download -json MODULE@VERSION` tells where)

OpenAPI has the types, enums, required members and lists' keys.  It does not say which zero values
Go leaves out when it writes an object, so the tags of the Go structs are read as well: a member
that is a pointer keeps a zero, one with omitempty or omitzero and without a pointer loses it.

Needed only when Kubernetes moves on; the build uses the committed schema_source.json.
"""
import argparse
import glob
import json
import os
import re
import sys

# (group, version, kinds); the order within a group is newest version first.
KINDS = [
    ("", "v1", ["ConfigMap", "Endpoints", "Namespace", "PersistentVolumeClaim", "Pod",
                "ReplicationController", "Secret", "Service", "ServiceAccount"]),
    ("apps", "v1", ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("autoscaling", "v2", ["HorizontalPodAutoscaler"]),
    ("autoscaling", "v1", ["HorizontalPodAutoscaler", "Scale"]),
    ("batch", "v1", ["CronJob", "Job"]),
    ("discovery.k8s.io", "v1", ["EndpointSlice"]),
    ("networking.k8s.io", "v1", ["Ingress", "NetworkPolicy"]),
    ("policy", "v1", ["PodDisruptionBudget"]),
]

# Types that write themselves: their Go structs say nothing of the wire.
SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int_string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration": "duration",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
}

STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.M | re.S)
MEMBER = re.compile(r'^\t(?:(\w+)[ \t]+)?([*\[\]\w.]+)[ \t]+`[^`]*?json:"([^"]*)"', re.M)


def read_structs(api, apimachinery):
    """{"core.v1": {"Pod": [(name, type, json tag)]}}; name is None for an embedded type."""
    packages = {"meta.v1": apimachinery + "/pkg/apis/meta/v1"}
    for group, version, _ in KINDS:
        group = group.split(".")[0] or "core"
        packages["%s.%s" % (group, version)] = "%s/%s/%s" % (api, group, version)
    structs = {}
    for package, folder in packages.items():
        structs[package] = {}
        for path in glob.glob(folder + "/*types.go"):
            with open(path, encoding="utf-8") as file:
                for name, body in STRUCT.findall(file.read()):
                    structs[package][name] = MEMBER.findall(body)
    return structs


def go_members(structs, package, name):
    """{member: (is a pointer, is left out when zero)}, the embedded structs' included."""
    members = {}
    for go_name, go_type, tag in structs[package][name]:
        json_name, *options = tag.split(",")
        if not go_name or "inline" in options:
            where, what = package, go_type.lstrip("*")
            if "." in what:
                where, what = {"metav1": "meta.v1", "v1": "core.v1"}[what.split(".")[0]], what.split(".")[1]
            members.update(go_members(structs, where, what) if not json_name else
                           {json_name: (go_type.startswith("*"), options)})
        elif json_name != "-":
            members[json_name] = (go_type.startswith("*"), options)
    return {k: v if isinstance(v[1], bool) else
            (v[0], "omitempty" in v[1] or "omitzero" in v[1]) for k, v in members.items()}


def go_place(schema_name):
    """io.k8s.api.core.v1.Pod -> (core.v1, Pod)."""
    parts = schema_name.split(".")
    return ".".join(parts[-3:-1]), parts[-1]


class Extractor:
    def __init__(self, schemas, structs):
        self.schemas, self.structs, self.objects = schemas, structs, {}

    def node(self, schema):
        if "allOf" in schema or "$ref" in schema:
            name = schema.get("$ref", schema.get("allOf", [{}])[0].get("$ref")).split("/")[-1]
            if name in SCALARS:
                return {"type": SCALARS[name]}
            target = self.schemas[name]
            if target.get("type") == "object" and "properties" in target:
                self.object(name)
                return {"type": "object", "object": name}
            return self.node(target)
        kind = schema.get("type")
        if kind == "array":
            node = {"type": "list", "item": self.node(schema["items"])}
            keys = schema.get("x-kubernetes-list-map-keys")
            if not keys and "x-kubernetes-patch-merge-key" in schema:
                keys = [schema["x-kubernetes-patch-merge-key"]]
            if keys and schema.get("x-kubernetes-list-type") != "atomic":
                node["merge_keys"] = keys
            return node
        if kind == "object":
            if "additionalProperties" in schema:
                return {"type": "map", "item": self.node(schema["additionalProperties"])}
            return {"type": "any"}
        node = {"type": {"string": "string", "boolean": "bool", "integer": "int",
                         "number": "number"}.get(kind, "any")}
        if "enum" in schema:
            node["enum"] = schema["enum"]
        return node

    def object(self, name):
        if name in self.objects:
            return
        schema = self.schemas[name]
        self.objects[name] = fields = {}
        members = go_members(self.structs, *go_place(name))
        for field, value in sorted(schema["properties"].items()):
            row = self.node(value)
            row["pointer"], row["omit"] = members.pop(field)
            # OpenAPI also states Go's own zeros; the generator knows those from the two marks.
            if isinstance(value.get("default"), (str, int)) and (value["default"] or row["pointer"]):
                row["default"] = value["default"]
            if field in schema.get("required", []):
                row["required"] = True
            fields[field] = row
        if members:
            sys.exit("%s: Go has %s, OpenAPI has not" % (name, ", ".join(members)))


def read_paths(documents, known):
    """Every resource and subresource of our kinds' resources, with the kind that it carries."""
    rows, resources = {}, {}
    for document in documents:
        for path, item in document["paths"].items():
            parts = path.strip("/").split("/")
            group, version = ("", parts[1]) if parts[0] == "api" else (parts[1], parts[2]) \
                if len(parts) > 2 else (None, None)
            rest = parts[2:] if parts[0] == "api" else parts[3:]
            namespaced = rest[:2] == ["namespaces", "{namespace}"]
            if namespaced:
                rest = rest[2:]
            if "watch" in rest[:1] or len(rest) < 2 or rest[1] != "{name}":
                continue
            for verb in "put", "post", "patch", "get":
                if verb in item and "x-kubernetes-group-version-kind" in item[verb]:
                    kind = item[verb]["x-kubernetes-group-version-kind"]
                    key = (group, rest[0], version, rest[2] if len(rest) > 2 else "")
                    gvk = (kind["group"], kind["version"], kind["kind"])
                    rows[key] = gvk if gvk in known else None
                    if len(rest) == 2 and gvk in known:
                        resources[gvk] = (rest[0], namespaced)
                    break
    served = {(gvk[0], resource, gvk[1]) for gvk, (resource, _) in resources.items()}
    return {k: v for k, v in rows.items() if k[:3] in served}, resources


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in "version", "openapi", "api", "apimachinery":
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    documents = []
    for path in sorted(glob.glob(os.path.join(args.openapi, "*.json"))):
        with open(path, encoding="utf-8") as file:
            documents.append(json.load(file))
    schemas = {}
    for document in documents:
        schemas.update(document["components"]["schemas"])
    roots = {}
    for name, schema in schemas.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            roots[(kind["group"], kind["version"], kind["kind"])] = name
    known = {(group, version, kind) for group, version, kinds in KINDS for kind in kinds}
    rows, resources = read_paths(documents, known)

    extractor = Extractor(schemas, read_structs(args.api, args.apimachinery))
    kinds = []
    for gvk in ((group, version, kind) for group, version, names in KINDS for kind in names):
        extractor.object(roots[gvk])
        resource, namespaced = resources.get(gvk, ("", True))  # Scale is a subresource only
        kinds.append({"group": gvk[0], "version": gvk[1], "kind": gvk[2], "resource": resource,
                      "namespaced": namespaced, "object": roots[gvk]})
    source = {
        "kubernetes": args.version,
        "kinds": kinds,
        "resources": [{"group": k[0], "resource": k[1], "version": k[2], "subresource": k[3],
                       "kind": list(v) if v else None} for k, v in sorted(rows.items())],
        "objects": dict(sorted(extractor.objects.items())),
    }
    # One field a line: short, and a new release shows as a readable diff.
    def line(value):
        return json.dumps(value, sort_keys=True)
    out = ['{\n"kubernetes": %s,\n"kinds": [' % line(source["kubernetes"])]
    out.append(",\n".join(line(k) for k in source["kinds"]) + '\n],\n"resources": [')
    out.append(",\n".join(line(r) for r in source["resources"]) + '\n],\n"objects": {')
    out.append(",\n".join('%s: {\n%s\n}' % (line(name), ",\n".join(
        "  %s: %s" % (line(f), line(v)) for f, v in fields.items()))
        for name, fields in source["objects"].items()) + "\n}\n}")
    print("\n".join(out))


if __name__ == "__main__":
    main()
