#!/usr/bin/env python3
"""What the manifests say, without a cluster.  tests/e2e/install/run calls this:

    rendered.py KUBECTL HELM BIN

KUBECTL and HELM are programs, BIN the folder of the built ones.  Prints a line for each thing that is
wrong, and "passed N failed N" at the end.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

KUBECTL, HELM, BIN = sys.argv[1:]
TREE = Path(__file__).resolve().parents[3]
# The same objects come out of each pair.
PAIRS = {
    "base": [],
    "overlays/k3s": ["replicas=1", "recorder=sqlite"],
    "overlays/postgres": ["recorder=postgres"],
    "overlays/audit": ["replicas=1", "recorder=sqlite", "mode=audit"],
    "overlays/cert-manager": ["certificates=cert-manager"],
}
SYSTEM, STUDENTS = "hydrosim-system", "hydrosim-students"
ACCOUNT = ("ServiceAccount", SYSTEM, "proctor-recorder")
KEPT = {"Namespace", "LimitRange", "ResourceQuota"}
RECORDED = ("overlays/k3s", "overlays/postgres", "overlays/audit")
counts = {"passed": 0, "failed": 0}


def check(what, wrong):
    """Wrong is what speaks against it: a text, a list, a set; empty: it holds."""
    counts["failed" if wrong else "passed"] += 1
    if wrong:
        print(f"  FAILED  {what}: {wrong}")


def output(*command, stdin=None):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=TREE)
    if done.returncode != 0:
        sys.exit(f"rendered.py: {' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def objects(yaml):
    """Kubectl reads YAML and prints JSON, one object after the other, without asking anybody."""
    text = output(KUBECTL, "label", "--local", "-f", "-", "-o", "json", "no-such-label-", stdin=yaml)
    found, at, decoder = [], 0, json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        one, at = decoder.raw_decode(text, at)
        found.append(one)
    return found


def key(one):
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def is_recorders(one):
    """The account is there without it, since the portal's policies name it."""
    return one["metadata"]["name"].startswith("proctor-recorder") and key(one) != ACCOUNT


def kustomize(folder):
    return objects(output(KUBECTL, "kustomize", f"manifests/{folder}"))


def chart(values):
    sets = [argument for value in values for argument in ("--set", value)]
    return objects(output(HELM, "template", "proctor", "manifests/chart", "--namespace", "kube-system",
                          "--kube-version", "1.30.0", *sets))


def pod_of(one):
    if one["kind"] == "CronJob":
        return one["spec"]["jobTemplate"]["spec"]["template"]
    return one["spec"]["template"] if one["kind"] in ("Deployment", "Job") else None


def selects(selector, labels):
    """A label selector against labels."""
    def holds(term):
        value, values = labels.get(term["key"]), term.get("values", [])
        return {"In": value in values, "NotIn": value not in values, "Exists": value is not None,
                "DoesNotExist": value is None}[term["operator"]]
    return (all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())
            and all(map(holds, selector.get("matchExpressions", []))))


def same_as_chart(folder, found):
    theirs = chart(PAIRS[folder])
    ours, theirs_by_key = {key(o): o for o in found}, {key(o): o for o in theirs}
    check(f"{folder}: no object twice", [len(found), len(theirs)] if
          len(found) != len(ours) or len(theirs) != len(theirs_by_key) else "")
    check(f"{folder}: the chart has the same objects", set(ours) ^ set(theirs_by_key))
    check(f"{folder}: and they say the same",
          [k for k in ours if k in theirs_by_key and ours[k] != theirs_by_key[k]])


def places(folder, found):
    allowed = {SYSTEM, STUDENTS, ""}
    check(f"{folder}: everything lies in our namespaces", [k for k in map(key, found) if k[1] not in allowed])
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass",
                    "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
    check(f"{folder}: what lives in a namespace says so",
          [k for k in map(key, found) if (k[0] in cluster_wide) != (k[1] == "")])
    check(f"{folder}: everything says whose it is",
          [key(o) for o in found if o["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "proctor"])


def references(folder, found):
    names = {key(o) for o in found}

    def missing(*wanted):
        return [] if wanted in names else [wanted]

    secrets = {name for o in found if o["kind"] == "Role" for rule in o["rules"]
               if rule["resources"] == ["secrets"] for name in rule.get("resourceNames", [])}
    secrets |= {o["spec"]["secretName"] for o in found if o["kind"] == "Certificate"}
    for one in found:
        where, space = f"{folder}: {one['kind']} {one['metadata']['name']}", one["metadata"].get("namespace", "")
        if space:
            check(f"{where}: its namespace is there", missing("Namespace", "", space))
        if one["kind"].endswith("RoleBinding"):
            role = one["roleRef"]
            check(f"{where}: its role is there",
                  missing(role["kind"], space if role["kind"] == "Role" else "", role["name"]))
            for subject in one["subjects"]:
                if subject["kind"] == "Group":
                    check(f"{where}: its group is one of ours", {subject["name"]} - {"students", "teachers"})
                else:
                    check(f"{where}: its account is there, and not among the students",
                          missing("ServiceAccount", subject["namespace"], subject["name"])
                          or {subject["namespace"]} - {SYSTEM})
        pod = pod_of(one)
        if pod:
            spec = pod["spec"]
            check(f"{where}: its account is there", missing("ServiceAccount", space, spec["serviceAccountName"]))
            if "priorityClassName" in spec:
                check(f"{where}: its priority is there", missing("PriorityClass", "", spec["priorityClassName"]))
            for volume in spec.get("volumes", []):
                if "configMap" in volume:
                    check(f"{where}: its settings are there", missing("ConfigMap", space, volume["configMap"]["name"]))
                if "persistentVolumeClaim" in volume:
                    check(f"{where}: its volume is there",
                          missing("PersistentVolumeClaim", space, volume["persistentVolumeClaim"]["claimName"]))
                if "secret" in volume:
                    check(f"{where}: somebody makes its Secret", {volume["secret"]["secretName"]} - secrets)
            mounted = {m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])}
            check(f"{where}: each mount has its volume", mounted ^ {v["name"] for v in spec.get("volumes", [])})
        for hook in one.get("webhooks", []):
            service = hook["clientConfig"]["service"]
            check(f"{where}: {hook['name']}: its Service is there",
                  missing("Service", service["namespace"], service["name"]))


def network(folder, found, name="proctor-webhook"):
    by = {key(o): o for o in found}
    deployment = by[("Deployment", SYSTEM, name)]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {p["name"] for p in container["ports"]}
    service = by[("Service", SYSTEM, name)]["spec"]
    policies = [o["spec"] for o in found if o["kind"] == "NetworkPolicy"]
    selectors = [deployment["spec"]["selector"], {"matchLabels": service["selector"]},
                 by[("PodDisruptionBudget", SYSTEM, name)]["spec"]["selector"]]
    selectors += [p["podSelector"] for p in policies]
    selectors += [c["labelSelector"] for c in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]]
    check(f"{folder}: every selector finds the pods of {name}, and says something",
          [s for s in selectors if not s.get("matchLabels") or not selects(s, labels)])
    others = [o for o in found if pod_of(o) and o["kind"] != "Deployment"
              and any(selects(s, pod_of(o)["metadata"]["labels"]) for s in selectors)]
    check(f"{folder}: and nobody else's", list(map(key, others)))
    wanted = {p["targetPort"] for p in service["ports"]}
    wanted |= {p["port"] for policy in policies for rule in policy["ingress"] for p in rule["ports"]}
    wanted |= {container[p]["httpGet"]["port"] for p in ("startupProbe", "readinessProbe", "livenessProbe")}
    check(f"{folder}: every port that is named is one of the container's", wanted ^ ports)
    served = {p["port"] for p in service["ports"]}
    check(f"{folder}: the API server asks at the Service's port",
          [h["name"] for o in found for h in o.get("webhooks", [])
           if h["clientConfig"]["service"].get("port", 443) not in served])


def settings_of(program):
    help_text = output(f"{BIN}/{program}", "--help")
    return {"PROCTOR_" + name.replace("-", "_").upper() for name in re.findall(r"^  --([a-z-]+)\b", help_text, re.M)}


def settings(folder, found):
    known = settings_of("proctor-webhook")
    deployment = next(o for o in found if o["kind"] == "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    environment = {e["name"]: e["value"] for e in spec["containers"][0]["env"]}
    check(f"{folder}: the webhook knows every setting", set(environment) - known)
    drain, quiet = int(environment["PROCTOR_DRAIN_SECONDS"]), int(environment["PROCTOR_DRAIN_QUIET_SECONDS"])
    grace = spec["terminationGracePeriodSeconds"]
    check(f"{folder}: it may drain to the end before it is killed",
          "" if quiet < drain < grace else [quiet, drain, grace])
    mounts = {m["mountPath"] for m in spec["containers"][0]["volumeMounts"]}
    check(f"{folder}: it reads what is mounted",
          {environment["PROCTOR_POLICIES"], environment["PROCTOR_TLS_DIR"]} ^ mounts)
    limits = (TREE / "webhook/base/limits.h").read_text()
    beside = int(re.search(r"LIMIT_CHECK_DATA_BYTES +\((\d+) \* LIMIT_MIB\)", limits).group(1))
    memory = spec["containers"][0]["resources"]["limits"]["memory"]
    check(f"{folder}: there is memory for the server and for a check of policies beside it",
          "" if int(memory.removesuffix("Mi")) >= 64 + beside else memory)
    check(f"{folder}: an update starts the new pod first",
          "" if deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1} else "no")


def ground_rules(folder, found):
    for one in found:
        pod = pod_of(one)
        if not pod:
            continue
        where, spec = f"{folder}: {one['kind']} {one['metadata']['name']}", pod["spec"]
        security = spec.get("securityContext", {})
        check(f"{where}: not root, filtered, and of user 65532",
              "" if security.get("runAsNonRoot") is True and security.get("runAsUser") == 65532
              and security.get("seccompProfile") == {"type": "RuntimeDefault"} else security)
        check(f"{where}: nothing of the node",
              [k for k in ("hostNetwork", "hostPID", "hostIPC", "nodeName") if k in spec]
              + [v["name"] for v in spec.get("volumes", [])
                 if not {"configMap", "secret", "persistentVolumeClaim"} & set(v)])
        check(f"{where}: a token for whoever asks the API server, and not for the webhook",
              "" if spec.get("automountServiceAccountToken") is (one["metadata"]["name"] != "proctor-webhook")
              else "else")
        for container in spec["containers"] + spec.get("initContainers", []):
            inner = container.get("securityContext", {})
            check(f"{where}: no way to more rights",
                  "" if inner.get("allowPrivilegeEscalation") is False and inner.get("readOnlyRootFilesystem") is True
                  and inner.get("capabilities") == {"drop": ["ALL"]}
                  and not {"privileged", "runAsUser", "runAsNonRoot"} & set(inner) else inner)
            resources = container["resources"]
            check(f"{where}: it says what it needs", "" if {"cpu", "memory"} <= set(resources["requests"])
                  and "memory" in resources["limits"] else resources)
    accounts = {o["metadata"]["name"]: o for o in found if o["kind"] == "ServiceAccount"}
    check(f"{folder}: no account of ours hands out tokens by itself",
          [n for n, o in accounts.items() if n != "portal-backend-sa" and o.get("automountServiceAccountToken") is not False])


def rights(folder, found):
    rules = [(o, rule) for o in found if o["kind"] in ("Role", "ClusterRole") for rule in o["rules"]]
    check(f"{folder}: no right is a wildcard",
          [(key(o), r) for o, r in rules if "*" in r["apiGroups"] + r["resources"] + r["verbs"]])
    check(f"{folder}: rights in the whole cluster only over our own registration",
          [r for o, r in rules if o["kind"] == "ClusterRole" and r.get("resourceNames") != ["proctor"]])
    check(f"{folder}: Secrets here only by name, but for making them",
          [r for o, r in rules if o["metadata"].get("namespace") == SYSTEM and "secrets" in r["resources"]
           and r["verbs"] != ["create"] and not r.get("resourceNames")])
    student = next(o for o, _ in rules if o["metadata"]["name"] == "student-project-manager")
    check(f"{folder}: a student reads no Secret",
          [r for r in student["rules"] if "secrets" in r["resources"] and {"get", "list", "watch"} & set(r["verbs"])])


def registration(folder, found):
    configurations = [o for o in found if "webhooks" in o]
    hooks = [h for o in configurations for h in o["webhooks"]]
    check(f"{folder}: five entries", sorted(h["name"] for h in hooks) if len(hooks) != 5 else "")
    check(f"{folder}: nobody's caBundle", [h["name"] for h in hooks if "caBundle" in h["clientConfig"]])
    closed = [h for h in hooks if h["failurePolicy"] == "Fail"]
    check(f"{folder}: only the policies' own entry lets things pass when nobody answers",
          {h["name"] for h in hooks} - {h["name"] for h in closed} ^ {"policies.proctor.dev"})
    check(f"{folder}: all with no side effects, five seconds, and what lives in a namespace",
          [h["name"] for h in hooks if h["sideEffects"] != "None" or h["timeoutSeconds"] != 5
           or any(r["scope"] != "Namespaced" for r in h["rules"])])
    check(f"{folder}: whoever corrects does so again after others",
          [h["name"] for h in configurations[0]["webhooks"] if h["reinvocationPolicy"] != "IfNeeded"])
    operations = {o["kind"]: {tuple(r["operations"]) for h in o["webhooks"] for r in h["rules"] if h in closed}
                  for o in configurations}
    check(f"{folder}: every operation is judged", "" if operations == {
        "MutatingWebhookConfiguration": {("CREATE", "UPDATE")},
        "ValidatingWebhookConfiguration": {("CREATE", "UPDATE", "DELETE", "CONNECT")}} else operations)
    system = [SYSTEM, "kube-system", "kube-public", "kube-node-lease", "default"]
    for labelled in ({}, {"proctor.dev/supervised": "true"}, {"proctor.dev/supervised": "false"}):
        for name in system + [STUDENTS, "student-2024001", "elsewhere"]:
            labels = {"kubernetes.io/metadata.name": name, **labelled}
            asked = sorted(h["name"].split(".")[0] for h in closed if selects(h["namespaceSelector"], labels))
            wanted = []
            if name == STUDENTS:
                wanted = ["mutate", "validate"]
            elif name not in system and labelled.get("proctor.dev/supervised") == "true":
                wanted = ["mutate-supervised", "validate-supervised"]
            check(f"{folder}: {labels} is asked about by the right entries", "" if asked == wanted else asked)
    conditions = [h["matchConditions"] for h in closed]
    check(f"{folder}: every entry leaves out the same", "" if all(c == conditions[0] for c in conditions) else "no")
    said = json.loads(output(f"{BIN}/proctor", "export", "match-conditions", "-p", "policies", "-o", "json"))
    check(f"{folder}: which is what the policies leave out (manifests/match-conditions)",
          [c for c in said if c not in conditions[0]] + [c for c in conditions[0] if c not in said])
    check(f"{folder}: in the policies' order", "" if said == conditions[0] else "no")


def versions(folder, found):
    version = output(f"{BIN}/proctor", "version").split()[1]
    images = [c["image"] for o in found if pod_of(o) for c in pod_of(o)["spec"]["containers"]]
    check(f"{folder}: every image is of this version", [i for i in images if not i.endswith(f":{version}")])
    jobs = [o["metadata"]["name"] for o in found if o["kind"] == "Job"]
    names = {f"{name}-{version.replace('.', '-')}" for name in ("proctor-certs", "proctor-recorder-certs")}
    check(f"{folder}: and the Jobs", set(jobs) - names)
    said = re.findall(r"(?m)^(?:version|appVersion): (\S+)$", (TREE / "manifests/chart/Chart.yaml").read_text())
    check(f"{folder}: and the chart", said if said != [version] * 2 else "")


def recorder(folder, found):
    by = {key(o): o for o in found}
    shared = folder == "overlays/postgres"
    deployment = by[("Deployment", SYSTEM, "proctor-recorder")]["spec"]
    spec = deployment["template"]["spec"]
    container = spec["containers"][0]
    environment = {e["name"]: e.get("value", "") for e in container["env"]}
    check(f"{folder}: the recorder knows every setting", set(environment) - settings_of("proctor-recorder"))
    mounts = [m["mountPath"] for m in container["volumeMounts"]]
    named = [environment[f"PROCTOR_{n}"] for n in ("POLICIES", "TLS_DIR", "RECORD_SECRET", *[[], ["DATABASE", "BACKUP"]][not shared])]
    check(f"{folder}: it reads what is mounted, and writes nowhere else",
          [n for n in named if not any(f"{n}/".startswith(f"{m}/") for m in mounts)]
          + [m for m in mounts if not any(f"{n}/".startswith(f"{m}/") for n in named)])
    check(f"{folder}: only what is told by the portal counts as said for others",
          environment["PROCTOR_TRUSTED"] != f"system:serviceaccount:{SYSTEM}:portal-backend-sa")
    claims = [k for k in by if k[0] == "PersistentVolumeClaim"]
    kind, replicas = deployment["strategy"]["type"], deployment["replicas"]
    if shared:
        check(f"{folder}: two, one after the other, without a volume",
              "" if (kind, replicas, claims) == ("RollingUpdate", 2, []) else [kind, replicas, claims])
        url = container["env"][0].get("valueFrom", {}).get("secretKeyRef", {})
        check(f"{folder}: its database is a Secret's, which nobody here makes",
              url != {"name": "proctor-recorder-database", "key": "url"} or
              [k for k in by if k[0] == "Secret"])
    else:
        check(f"{folder}: never two on one file",
              "" if (kind, replicas, len(claims)) == ("Recreate", 1, 1) else [kind, replicas, claims])
    policies = [o["spec"] for o in found if o["kind"] == "NetworkPolicy"]
    entered = {p["port"] for policy in policies for rule in policy["ingress"] for p in rule["ports"]}
    check(f"{folder}: on one node no pod gets at the port of the changes",
          entered != {"api", "metrics", *(["record"] if shared else [])})
    left = {p["port"] for policy in policies for rule in policy.get("egress", []) for p in rule["ports"]}
    check(f"{folder}: and it goes nowhere without need", left != {53, 443, 6443, *([5432] if shared else [])})
    hooks = [h for o in found for h in o.get("webhooks", [])]
    check(f"{folder}: the registration fails open, in a second, and has no effect on a dry run",
          [h for h in hooks if (h["failurePolicy"], h["timeoutSeconds"], h["sideEffects"])
           != ("Ignore", 1, "NoneOnDryRun")] or len(hooks) != 1)
    check(f"{folder}: it carries neither caBundle nor path, which applying it again would take away",
          [h for h in hooks if {"caBundle", "url"} & set(h["clientConfig"]) or "path" in h["clientConfig"]["service"]])
    rules = [(o, r) for o in found if o["kind"] in ("Role", "ClusterRole") for r in o["rules"]]
    check(f"{folder}: it deletes nothing",
          [r for o, r in rules if {"delete", "deletecollection", "escalate", "bind", "impersonate"} & set(r["verbs"])])
    check(f"{folder}: of the cluster it may ask who is who",
          [r for o, r in rules if key(o) == ("ClusterRole", "", "proctor-recorder") and (r["verbs"] != ["create"]
           or r["resources"] not in (["tokenreviews"], ["subjectaccessreviews"]))])
    check(f"{folder}: no Secret of the students",
          [r for o, r in rules if o["metadata"].get("namespace") != SYSTEM and "secrets" in r["resources"]])


def certificate_jobs(folder, found):
    pods = [pod_of(o)["spec"] for o in found if o["kind"] in ("Job", "CronJob")]
    if folder == "overlays/cert-manager":
        left = [key(o) for o in found if o["metadata"]["name"].startswith("proctor-certs")]
        check(f"{folder}: nothing is left of our own certificates", left)
        notes = [o["metadata"].get("annotations", {}).get("cert-manager.io/inject-ca-from") for o in found
                 if "webhooks" in o]
        certificates = {f"{o['metadata']['namespace']}/{o['metadata']['name']}": o["spec"] for o in found
                        if o["kind"] == "Certificate"}
        check(f"{folder}: both configurations get the caBundle of a certificate of ours",
              [n for n in notes if n not in certificates or certificates[n].get("isCA")])
        issuers = {o["metadata"]["name"] for o in found if o["kind"] == "Issuer"}
        check(f"{folder}: each certificate has its issuer",
              {c["issuerRef"]["name"] for c in certificates.values()} - issuers)
    else:
        check(f"{folder}: install and renewal run the same", "" if len(pods) == 2 and pods[0] == pods[1] else "no")
        help_text = output(f"{BIN}/proctor", "certs", "renew", "--help")
        flags = [a.split("=")[0] for a in pods[0]["containers"][0]["args"] if a.startswith("--")]
        check(f"{folder}: with flags that there are", [f for f in flags if f not in help_text])


def uninstall(found):
    left = kustomize("uninstall")
    base = {key(o) for o in found}
    # What is open to all on several nodes is there only then.
    base |= {("NetworkPolicy", SYSTEM, "proctor-recorder-record")}
    kept = {k for k in base if k[0] in KEPT | {"PersistentVolumeClaim"} or k[::2] in (("ServiceAccount", "portal-backend-sa"),
                                                         ("ServiceAccount", "proctor-recorder"))}
    check("uninstall: takes all away but what is the people's", base - {key(o) for o in left} ^ kept)
    check("uninstall: and nothing that was not installed", {key(o) for o in left} - base)
    check("uninstall: webhooks first", [o["kind"] for o in left[:2] if "webhooks" not in o])
    check("uninstall: Helm keeps the same",
          {key(o) for o in found
           if o["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"} ^ kept)


def main():
    for folder in PAIRS:
        found = kustomize(folder)
        recorders = [o for o in found if is_recorders(o)]
        webhooks = [o for o in found if not is_recorders(o)]
        for judge in (same_as_chart, places, references, ground_rules, versions):
            judge(folder, found)
        for judge in (network, settings, rights, registration, certificate_jobs):
            judge(folder, webhooks)
        if folder in RECORDED:
            recorder(folder, recorders)
            network(folder, recorders, "proctor-recorder")
            certificate_jobs(folder, recorders)
        check(f"{folder}: the recorder is there where it is to be", (folder in RECORDED) != bool(recorders))
    uninstall(kustomize("overlays/k3s"))
    by = {folder: {key(o): o for o in kustomize(folder)} for folder in PAIRS}
    webhook = ("Deployment", SYSTEM, "proctor-webhook")
    check("k3s: one replica", "" if by["overlays/k3s"][webhook]["spec"]["replicas"] == 1 else "no")
    environment = by["overlays/audit"][webhook]["spec"]["template"]["spec"]["containers"][0]["env"]
    check("audit: judges, and does nothing",
          "" if {"name": "PROCTOR_MODE", "value": "audit"} in environment else environment)
    for name in ("overlays/k3s", "overlays/audit"):
        check(f"{name}: is the base but for the webhook", [k for k, o in by[name].items()
                                                          if k != webhook and not is_recorders(o)
                                                          and o != by["base"][k]])
    print(f"passed {counts['passed']} failed {counts['failed']}")


main()
