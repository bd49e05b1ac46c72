"""The reviews that are measured, made of recorded ones (tests/reviews)."""
import copy
import json
import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RECORDED = ROOT + "/tests/reviews/v1.36.3/"


def shipped_policies(folder):
    """The policies as the cluster gets them: the ConfigMap's files, without cases and suites."""
    mount = os.path.join(folder, "policies")
    os.mkdir(mount)
    with open(ROOT + "/policies/kustomization.yaml", encoding="utf-8") as file:
        files = re.findall(r"^ *- (\S+\.yaml)=(\S+)$", file.read(), re.M)
    for name, path in files:
        shutil.copy(os.path.join(ROOT, "policies", path), os.path.join(mount, name))
    assert files
    return mount


def recorded(name):
    """A recorded review, as the platform's own registry and its owner would have it."""
    with open(RECORDED + name + ".json", encoding="utf-8") as file:
        text = file.read()
    return json.loads(text.replace("student-2024010", "student-2024001")
                      .replace("registry.example", "registry.hydrosim.edu"))


def text_of(review):
    """As the API server writes it."""
    return json.dumps(review, separators=(",", ":"), ensure_ascii=False)


def apply_patch(document, patch):
    """What add and replace do, with the paths that the webhook sends."""
    for operation in patch:
        *way, last = [step.replace("~1", "/").replace("~0", "~")
                      for step in operation["path"].split("/")[1:]]
        at = document
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list) and operation["op"] == "add":
            at.insert(len(at) if last == "-" else int(last), operation["value"])
        else:
            at[int(last) if isinstance(at, list) else last] = operation["value"]
    return document


def judged(proctor, policies, review, folder):
    """`proctor review`'s own words on it."""
    path = os.path.join(folder, "judged.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text_of(review))
    done = subprocess.run([proctor, "review", "--policies", policies, "--phase", "mutate",
                           "-o", "json", path], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)[0]


def conforming(proctor, policies, folder):
    """One that the policies neither change nor refuse: after its own patch.  It has no
    managedFields, which are only parsed: DESIGN's targets are for 4.7 KB."""
    review = recorded("04-apply-probes-prestop.validating")
    del review["request"]["object"]["metadata"]["managedFields"]
    apply_patch(review["request"]["object"],
                judged(proctor, policies, review, folder)["patch"])
    return review


def twelve_operations(review):
    """Breaks a conforming one in ways that the policies mend, with twelve operations."""
    broken = copy.deepcopy(review)
    metadata, spec = (broken["request"]["object"][key] for key in ("metadata", "spec"))
    container = spec["template"]["spec"]["containers"][0]
    metadata["annotations"].pop("proctor.dev/policy-changes")
    spec["replicas"] = 5
    spec["strategy"]["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%"}
    del spec["minReadySeconds"]
    del spec["template"]["spec"]["automountServiceAccountToken"]
    container["resources"] = {"limits": {"cpu": "500m", "memory": "512Mi"}}
    container["env"] = [{"name": "GREETING", "value": "hello"}]
    del container["readinessProbe"], container["lifecycle"]
    return broken


def update(review):
    """A new image on a conforming one."""
    review = copy.deepcopy(review)
    request = review["request"]
    request["operation"] = "UPDATE"
    request["oldObject"] = copy.deepcopy(request["object"])
    container = request["object"]["spec"]["template"]["spec"]["containers"][0]
    container["image"] = container["image"].replace(":v1", ":v2")
    request["options"]["kind"] = "UpdateOptions"
    return review


def of_size(review, kib):
    """A conforming one with so many environment variables that it has about that size."""
    review = copy.deepcopy(review)
    container = review["request"]["object"]["spec"]["template"]["spec"]["containers"][0]
    missing = kib * 1024 - len(text_of(review))
    container["env"] += [{"name": "SETTING_%06d" % i, "value": "value %d" % i}
                         for i in range(max(0, missing) // 48)]
    return review


def small(review):
    """The least that is a Deployment, about 1 KiB."""
    review = copy.deepcopy(review)
    request = review["request"]
    request["object"]["metadata"] = {key: request["object"]["metadata"][key]
                                     for key in ("name", "namespace", "labels")
                                     if key in request["object"]["metadata"]}
    request["userInfo"].pop("extra", None)
    container = request["object"]["spec"]["template"]["spec"]["containers"][0]
    for key in ("livenessProbe", "startupProbe", "ports", "terminationMessagePath",
                "terminationMessagePolicy"):
        container.pop(key, None)
    return review


def cases(proctor, policies, folder):
    """name -> (the webhook's path, the review, what its answer must contain)."""
    good = conforming(proctor, policies, folder)
    twelve = twelve_operations(good)
    twelve["request"]["object"]["metadata"]["managedFields"] = (
        recorded("04-apply-probes-prestop.validating")["request"]["object"]["metadata"]
        ["managedFields"])  # and so it has the same 4.7 KB
    operations = len(judged(proctor, policies, twelve, folder)["patch"])
    assert operations == 12, operations
    return {"validate conforming": ("/validate", good, '"allowed":true'),
            "validate refused": ("/validate", recorded("01-create-plain.validating"),
                                 '"allowed":false'),
            "update conforming": ("/validate", update(good), '"allowed":true'),
            "mutate 12 operations": ("/mutate", twelve, '"patch":')}
