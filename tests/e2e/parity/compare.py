#!/usr/bin/env python3
"""What the cluster says of a manifest, and what `proctor review` says of it, are held together.

    compare.py SERVER CA KEYS PROCTOR POLICIES WORK

Every manifest of corpus.py goes to the API server as `kubectl create --dry-run=server` sends it,
and every change of it as `kubectl replace --dry-run=server` does; once as a student, whom the
policies are for, and once as the administrator, whom they let pass.  The same bytes go through one
`proctor review`.  Then, object by object:

- the cluster accepts: review does too, with the same warnings, and its object afterwards is the
  cluster's, but for what the cluster alone can know (AFTERWARDS);
- a policy refuses: review refuses in the same words, and names no refusal of Kubernetes;
- Kubernetes refuses: review says that it would, and names one of the fields that Kubernetes names;
  or it is one of UNFORESEEN, which has to be true: what review foresees may not stand there.

Prints "pass" or "fail" and what it is about, a line each.
"""
import concurrent.futures
import copy
import http.client
import json
import os
import re
import ssl
import subprocess
import sys

import corpus

SPACE = "hydrosim-students"
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../webhook/kube")
PEOPLE = {"s2024001": ["students", "system:authenticated"],
          "admin": ["system:masters", "system:authenticated"]}


def load(name):
    with open(os.path.join(SCHEMA, name), encoding="utf-8") as file:
        return json.load(file)


SOURCE = load("schema_source.json")
OBJECTS = SOURCE["objects"]
RESOURCES = {(k["group"] + "/" + k["version"] if k["group"] else k["version"], k["kind"]): k
             for k in SOURCE["kinds"]}


# ---- what only the cluster can know

# Refusals of Kubernetes that review does not foresee, and why.
UNFORESEEN = {
    "service-ip": "which addresses Services have is the cluster's",
    "pod-no-account": "which accounts there are is the cluster's",
    "pod-class": "which classes there are is the cluster's",
}
# The same of one version of Kubernetes: the table is the newest one's, and what came with it an
# older server does not know.
NEWER = {
    "pod-resources": 32, "image-volume": 31, "stop-signal": 33, "restart-rules": 34,
    "hostname-override": 34, "groups-policy": 31, "scaler-tolerance": 33,
    "service-name": 35,  # this one was refused before: RelaxedServiceNameValidation
}
# What the newest refuses, and an older one takes, though nothing can come of it: review says what
# the newest says.  1.30 looks at a StatefulSet's pods only when they are made.
STRICTER = {
    "stateful-no-image": 31, "stateful-two-names": 31, "stateful-port": 31, "stateful-pull": 31,
    "stateful-claim": 31,
}
# Members that a server knows, and takes away as long as their feature gate is off: the version
# from which it is on.
GATED = {
    "job-success": (31, "spec.successPolicy"),  # JobSuccessPolicy
    "job-managed": (32, "spec.managedBy"),  # JobManagedBy
    "distribution": (31, "spec.trafficDistribution"),  # ServiceTrafficDistribution
    "recursive": (31, "spec.template.spec.containers.*.volumeMounts.*.recursiveReadOnly"),
    "resize": (33, "spec.template.spec.containers.*.resizePolicy"),  # InPlacePodVerticalScaling
    "user-namespace": (33, "spec.template.spec.hostUsers"),  # UserNamespacesSupport
    "claim-attributes": (34, "spec.volumeAttributesClassName"),  # VolumeAttributesClass
    "stop-signal": (99, "spec.template.spec.containers.*.lifecycle"),  # ContainerStopSignals
}
# Defaults of the table that no manifest reaches.
UNREACHED = {
    "FileKeySelector.optional": "its gate EnvFiles is off",
    # A pod gets these by its subresource ephemeralcontainers, and never in a manifest.
    "EphemeralContainer.terminationMessagePath": "not in a manifest",
    "EphemeralContainer.terminationMessagePolicy": "not in a manifest",
}
# What the webhook refuses because of what was put into the object between both phases.
BETWEEN = {
    "Pod": r"spec\.volumes\[\d\]: Invalid value: \"projected\"",  # the account's token
    "Service": r"spec\.ports\[\d\]\.nodePort: ",  # allocated
}
# The registration asks only about what lives in a namespace (manifests/base/admission.yaml).
NOT_ASKED = ("Namespace",)

# Members of an object afterwards that the API server fills in when all webhooks were asked, and
# that hang on the cluster: on the moment, on what is allocated, on what its plugins add.
AFTERWARDS = {
    "*": ["metadata.uid", "metadata.creationTimestamp", "metadata.generation",
          "metadata.managedFields", "metadata.resourceVersion", "metadata.selfLink", "status",
          "spec.template.metadata.creationTimestamp"],  # 1.30 writes that as null
    "Service": ["spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy",
                "spec.ports.*.nodePort", "spec.healthCheckNodePort"],
    # With the uid, which the selector needs, the labels that are made of it.
    "Job": ["spec.selector", "spec.template.metadata.labels", "metadata.labels"],
    "CronJob": ["spec.jobTemplate.metadata.creationTimestamp",
                "spec.jobTemplate.spec.template.metadata.creationTimestamp"],
    "StatefulSet": ["spec.volumeClaimTemplates.*.metadata.creationTimestamp",
                    "spec.volumeClaimTemplates.*.status"],
    # The admission plugins ServiceAccount, Priority and DefaultTolerationSeconds.
    "Pod": ["spec.priority", "spec.preemptionPolicy", "spec.tolerations", "spec.serviceAccount",
            "spec.serviceAccountName", "spec.volumes", "spec.containers.*.volumeMounts",
            "spec.initContainers.*.volumeMounts"],
    "Namespace": ["spec.finalizers"],
    # Of dataSource and dataSourceRef, the one is made of the other.
    "PersistentVolumeClaim": ["metadata.finalizers", "spec.dataSourceRef", "spec.dataSource"],
    # It counts the versions of the template; before it is stored there is none.
    "DaemonSet": ["metadata.annotations.deprecated\\.daemonset\\.template\\.generation"],
}


def forget(value, path):
    if not path or not isinstance(value, (dict, list)):
        return
    step, rest = path[0].replace("\\", ""), path[1:]
    if isinstance(value, list):
        for item in value:
            forget(item, rest)
    elif not rest:
        value.pop(step, None)
    elif step in value:
        forget(value[step], rest)


def lasting(manifest, name, minor):
    paths = AFTERWARDS["*"] + AFTERWARDS.get(manifest["kind"], [])
    since, gated = GATED.get(name, (0, None))
    for path in paths + [gated] * (minor < since):
        forget(manifest, re.findall(r"(?:\\.|[^.])+", path))
    return manifest


def differences(ours, theirs, path=""):
    """Each place where two values differ, with both."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(set(ours) | set(theirs)):
            yield from differences(ours.get(key), theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{path}[{index}]")
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{path[1:]}: review {json.dumps(ours)}, cluster {json.dumps(theirs)}"


# ---- the cluster


class Cluster:
    def __init__(self, server, authority, keys, person):
        context = ssl.create_default_context(cafile=authority)
        context.load_cert_chain(os.path.join(keys, person + ".crt"),
                                os.path.join(keys, person + ".key"))
        self.connection = http.client.HTTPSConnection(server, context=context, timeout=60)

    def ask(self, method, path, body=None):
        kind = "application/json" if not body or body.startswith(b"{") else "application/yaml"
        self.connection.request(method, path, body, {"Content-Type": kind})
        answer = self.connection.getresponse()
        warnings = [re.fullmatch(r'299 - "((?:[^"\\]|\\.)*)"', text).group(1)
                    for text in answer.headers.get_all("Warning", [])]
        text = answer.read()
        if answer.headers.get("Content-Type") != "application/json":
            text = json.dumps({"message": text.decode()})
        return {"status": answer.status, "object": json.loads(text),
                "warnings": [re.sub(r"\\(.)", r"\1", warning) for warning in warnings]}


def place(manifest):
    """The path of a kind's collection; of a kind that the table does not know, a guess."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    row = RESOURCES.get((version, kind), {"resource": kind.lower() + "s", "namespaced": True})
    space = f"/namespaces/{SPACE}" if row["namespaced"] else ""
    return ("/apis/" if "/" in version else "/api/") + version + space + "/" + row["resource"]


def path_of(manifest):
    if manifest["kind"] == "Scale":
        manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": manifest["metadata"]}
        return path_of(manifest) + "/scale"
    return place(manifest) + "/" + manifest["metadata"]["name"]


DRY = "?dryRun=All&fieldValidation=Strict&fieldManager=kubectl"


# ---- what is sent


class Case:
    """A manifest, or with `old` a change of what is stored: the bytes that both are given."""

    def __init__(self, name, text, manifest, old=None):
        self.name, self.text, self.manifest, self.old = name, text, manifest, old


def as_kubectl_reads(texts, folder):
    """What kubectl makes of YAML before it sends it: all of them in one call."""
    os.makedirs(folder)
    for name, text in texts:
        with open(os.path.join(folder, name + ".yaml"), "w", encoding="utf-8", newline="") as file:
            file.write(text)
    done = subprocess.run(["kubectl", "-n", SPACE, "create", "--dry-run=client", "--validate=false",
                           "-o", "json", "-f", folder], stdout=subprocess.PIPE, check=True)
    rest, decoder, found = done.stdout.decode().strip(), json.JSONDecoder(), {}
    while rest:
        manifest, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()
        found[manifest["metadata"]["name"]] = manifest
    return found


def new_objects(work):
    cases = list(corpus.corpus())
    read = as_kubectl_reads([(name, text) for name, text in cases if isinstance(text, str)],
                            os.path.join(work, "written"))
    for name, manifest in cases:
        if isinstance(manifest, dict):
            yield Case(name, json.dumps(manifest), manifest)
        else:
            yield Case(name, manifest, read[corpus.project(name)])


def changes(cluster):
    """Each with the object as it is stored: made by the administrator, once."""
    made = {}
    for name, stored, changed in corpus.changes():
        key = changed["kind"] + stored["metadata"]["name"]
        if key not in made:
            made[key] = cluster.ask("POST", place(stored), json.dumps(stored).encode())["object"]
            if changed["kind"] == "Scale":
                made[key] = cluster.ask("GET", path_of(changed))["object"]
            made[key].pop("status", None)
            made[key]["metadata"].pop("managedFields", None)
        yield Case("change-" + name, json.dumps(changed), changed, made[key])


def send(cluster, case):
    if case.old is not None:
        return cluster.ask("PUT", path_of(case.manifest) + DRY, json.dumps(case.manifest).encode())
    # Of a key that stands there twice kubectl takes the last; the API server, asked in YAML, says so.
    twice = case.name.startswith("twice")
    body = case.text if twice else json.dumps(case.manifest)
    return cluster.ask("POST", place(case.manifest) + DRY, body.encode())


# ---- what review says


class Review:
    def __init__(self, program, policies, person):
        self.command = [program, "review", "-p", policies, "-n", SPACE, "--as", person]
        for group in PEOPLE[person]:
            self.command += ["--as-group", group]

    def run(self, *arguments, **more):
        done = subprocess.run([*self.command, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, **more)
        if done.returncode not in (0, 1, 2):
            sys.exit(f"proctor review ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def judge(self, cases, folder):
        """Each case's item of -o json, with the object afterwards as "object"."""
        os.makedirs(folder)
        for case in cases:
            with open(os.path.join(folder, case.name + ".yaml"), "w", encoding="utf-8",
                      newline="") as file:
                file.write(case.text)
        items = {}
        for case in cases:
            if case.old is not None:
                path, old = os.path.join(folder, case.name + ".yaml"), os.path.join(folder, "old")
                with open(old, "w", encoding="utf-8") as file:
                    json.dump(case.old, file)
                items.update(self.one([path], "--old", old))
        files = [os.path.join(folder, case.name + ".yaml") for case in cases if case.old is None]
        items.update(self.one(files))
        return items

    def one(self, files, *flags):
        listed = json.loads(self.run("-o", "json", *flags, *files))
        after = self.run("-o", "yaml", *flags, *files)
        # -o request of what is filled in already changes nothing: YAML to JSON.
        requests = self.run("-o", "request", "-", input=after).splitlines()
        items = {}
        for item in listed:
            name = os.path.basename(item["file"])[:-len(".yaml")]
            items[name] = item
            if item["verdict"] != "error" and "undecodable" not in item:
                item["object"] = json.loads(requests.pop(0))["request"]["object"]
        if requests:
            sys.exit(f"{len(requests)} objects of review belong to nothing")
        return items


# ---- both


def is_ours(warning):
    return re.search(r"\([a-z0-9-]+(/[a-z0-9+-]+)?\)$", warning)


def refusal_of_webhook(answer):
    match = re.match(r'admission webhook "[a-z.-]+" denied the request: (.*)',
                     answer["object"].get("message", ""), re.S)
    return match and match.group(1)


def points(message):
    """What a refusal names, one or several, in any order: theirs is the document's, and that is
    the file's here and the API server's own there."""
    head, *several = re.split(r"\n\* ", message or "")
    return several or [re.sub(r"^[A-Za-z]+ [^ ]+: ", "", head)]


def differ(what, ours, theirs):
    """Only what one of them has."""
    more = [text for text in ours if text not in theirs]
    less = [text for text in theirs if text not in ours]
    if more or less:
        yield f"{what}: only review: {more}, only the cluster: {less}"


def is_near(one, other):
    """Whether one of two fields is the other, or stands in it."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and (len(short) == len(long) or not short or
                                       long[len(short)] in ".[")


def compare(case, answer, item, minor):
    """What is not the same: nothing, if all is well."""
    kubernetes = item.get("kubernetes", [])
    stricter = minor < STRICTER.get(case.name, 0)
    ours = [text for text in answer["warnings"] if is_ours(text)]
    if stricter and not kubernetes:
        yield "review does not name it; take it off STRICTER"
    if answer["status"] < 300 and not stricter:
        if item["verdict"] not in ("allowed", "patched", "not-judged"):
            yield f"the cluster takes it, review: {item['verdict']}, {item.get('message')}"
            return
        if case.manifest["kind"] not in NOT_ASKED:
            yield from differ("warnings", item["warnings"], ours)
        yield from differences(lasting(item["object"], case.name, minor),
                               lasting(answer["object"], case.name, minor))
    elif refusal_of_webhook(answer) is not None:
        between = BETWEEN.get(case.manifest["kind"], "$.")
        yield from differ("refusal", *(
            [text for text in points(message) if not re.match(between, text)]
            for message in (item.get("message"), refusal_of_webhook(answer))))
        if kubernetes and not stricter:
            yield f"only the policies refuse it; review also names {kubernetes}"
        yield from differ("warnings", item["warnings"], ours)
    elif answer["status"] >= 300:
        yield from compare_refusals(case, answer, item, minor)


def compare_refusals(case, answer, item, minor):
    said = answer["object"].get("message", "")
    causes = (answer["object"].get("details") or {}).get("causes", [])
    fields = [cause["field"] for cause in causes if "field" in cause]
    foreseen = [row["field"] for row in item.get("kubernetes", [])]
    is_foreseen = item["verdict"] == "error" or foreseen and (not fields or any(
        is_near(one, other) for one in foreseen for other in fields))
    reason = case.name in UNFORESEEN or minor < NEWER.get(case.name, 0)
    if is_foreseen and reason:
        yield f"it is foreseen: {foreseen}; take it off UNFORESEEN"
    elif not is_foreseen and not reason:
        yield f"the cluster refuses: {answer['status']} {said}; review: {item['verdict']} {foreseen}"
    for row in foreseen:
        if fields and not any(is_near(row, field) for field in fields):
            yield f"review names {row}, the cluster only {fields}"


# ---- that nothing was forgotten


def defaults_of_table():
    for name, members in OBJECTS.items():
        for member, row in members.items():
            if "default" in row:
                yield name, member
    for short, member, _, _ in load("schema_defaults.json")["defaults"]:
        yield next(name for name in OBJECTS if name.endswith("." + short)), member


def filled_in(node, sent, stored):
    """The defaults that the cluster filled in: (object, member) of the table."""
    if node["type"] in ("list", "map") and stored:
        keys = range(len(stored)) if node["type"] == "list" else stored
        for key in keys:
            there = sent and (key in sent if node["type"] == "map" else key < len(sent))
            yield from filled_in(node["item"], sent[key] if there else None, stored[key])
    elif node["type"] == "object" and isinstance(stored, dict):
        sent = sent if isinstance(sent, dict) else {}
        for member, row in OBJECTS[node["object"]].items():
            if member in stored and not sent.get(member):
                yield node["object"], member
            yield from filled_in(row, sent.get(member), stored.get(member))


def forgotten(accepted):
    """Kinds and defaults of the table that no accepted manifest has."""
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest, _ in accepted}
    for version, kind in RESOURCES:
        if (version, kind) not in kinds:
            yield f"no manifest of {version} {kind}"
    filled = set()
    for manifest, stored in accepted:
        row = RESOURCES[(manifest["apiVersion"], manifest["kind"])]
        filled.update(filled_in({"type": "object", "object": row["object"]}, manifest, stored))
    for name, member in defaults_of_table():
        short = name.rsplit(".", 1)[1] + "." + member
        if ((name, member) in filled) == (short in UNREACHED):
            yield f"{short} is filled in by the cluster in no manifest, or stands in UNREACHED"


def hold_together(person, cluster, cases, review, folder):
    """The lines of one person."""
    minor = int(cluster.ask("GET", "/version")["object"]["minor"])
    items, accepted = review.judge(cases, folder), []
    for case in cases:
        if person != "admin" and case.manifest["kind"] in NOT_ASKED:
            continue  # nor may a student make one
        answer = send(cluster, case)
        if answer["status"] < 300:
            accepted.append((case.manifest, copy.deepcopy(answer["object"])))
        found = json.dumps("; ".join(compare(case, answer, items[case.name], minor)))[1:-1]
        yield f"fail {person} {case.name}: {found}" if found else f"pass {person} {case.name}"
    if person == "admin" and SOURCE["kubernetes"].startswith(f"v1.{minor}."):
        for text in forgotten(accepted):
            yield "fail " + text


def main(server, authority, keys, program, policies, work):
    clusters = {person: Cluster(server, authority, keys, person) for person in PEOPLE}
    cases = [*new_objects(work), *changes(clusters["admin"])]

    def lines(person):
        review = Review(program, policies, person)
        return list(hold_together(person, clusters[person], cases, review,
                                  os.path.join(work, person)))

    # Both at once: most of it is waiting for the API server.
    with concurrent.futures.ThreadPoolExecutor() as people:
        for found in people.map(lines, PEOPLE):
            print("\n".join(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
