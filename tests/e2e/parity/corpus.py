"""The manifests that parity is about: see compare.py.

corpus() gives (name, manifest) of new objects, changes() (name, stored, changed) of those that are
there already.  A manifest is a dict, or YAML text where its spelling is the point.  Each object's
name is student-2024001-NAME, so that a student may have what the policies do not refuse.
"""
import copy

PREFIX = "student-2024001-"


def project(name):
    return PREFIX + name


# ---- shapes


def container(**more):
    return {"name": "app", "image": "registry.hydrosim.edu/student-2024001:v1",
            "ports": [{"containerPort": 8000}], **more}


def template(name, spec=None, labels=None, **more):
    return {"metadata": {"labels": labels or {"app": project(name)}},
            "spec": {"containers": [container(**more)], **(spec or {})}}


def of(api, kind, name, **members):
    meta = {"name": project(name), **members.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **members}


def workload(kind, name, spec=None, pod=None, more=None, metadata=None):
    """A workload; spec: members of its spec, pod: of its pod spec, more: of its container."""
    own = {"template": template(name, pod, **(more or {}))}
    api = "apps/v1"
    labels = {"app": project(name)}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": kind, "metadata": {
            "name": project(name), "labels": labels, **(metadata or {})},
                "spec": own["template"]["spec"]}
    if kind in ("Job", "CronJob"):
        api = "batch/v1"
        own["template"]["spec"].setdefault("restartPolicy", "Never")
    elif kind == "ReplicationController":
        api, own["selector"] = "v1", labels
    else:
        own["selector"] = {"matchLabels": labels}
    if kind == "CronJob":
        own = {"schedule": "@hourly", "jobTemplate": {"spec": own}}
    own.update(spec or {})
    return of(api, kind, name, metadata={"labels": labels, **(metadata or {})}, spec=own)


def deployment(name, spec=None, pod=None, more=None, metadata=None):
    return workload("Deployment", name, spec, pod, more, metadata)


def service(name, **spec):
    return of("v1", "Service", name, spec={
        "selector": {"app": project(name)}, "ports": [{"port": 80, "targetPort": 8000}], **spec})


def ingress(name, spec=None, path=None, metadata=None):
    backend = {"service": {"name": project(name), "port": {"number": 80}}}
    rule = {"host": "student-2024001.project.hydrosim.edu", "http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": backend, **(path or {})}]}}
    return of("networking.k8s.io/v1", "Ingress", name, metadata=metadata or {},
              spec={"rules": [rule], **(spec or {})})


def claim(name, **spec):
    return of("v1", "PersistentVolumeClaim", name, spec={
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec})


def scaler(name, version="v2", **spec):
    return of("autoscaling/" + version, "HorizontalPodAutoscaler", name, spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": project(name)},
        "maxReplicas": 1, **spec})


def slice_of(name, **more):
    return of("discovery.k8s.io/v1", "EndpointSlice", name, addressType="IPv4",
              endpoints=[{"addresses": ["10.1.2.3"]}], **more)


def volume(source):
    """A Deployment's pod spec with that volume, mounted."""
    return {"volumes": [{"name": "v", **source}]}


MOUNT = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}


# ---- each kind, with as little as it can have, and with more


def kinds():
    yield "config", of("v1", "ConfigMap", "config", data={"a": "1"}, binaryData={"b": "AAE="})
    yield "config-empty", of("v1", "ConfigMap", "config-empty")
    yield "config-immutable", of("v1", "ConfigMap", "config-immutable", immutable=True)
    yield "endpoints", of("v1", "Endpoints", "endpoints", subsets=[
        {"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}])
    yield "endpoints-empty", of("v1", "Endpoints", "endpoints-empty")
    yield "claim", claim("claim")
    yield "claim-full", claim("claim-full", volumeMode="Block", storageClassName="",
                              accessModes=["ReadWriteOnce", "ReadOnlyMany"],
                              selector={"matchLabels": {"a": "b"}},
                              resources={"requests": {"storage": "1024Mi"},
                                         "limits": {"storage": "2048Mi"}})
    for kind in ("Pod", "ReplicationController", "ReplicaSet", "StatefulSet", "DaemonSet",
                 "Deployment", "Job", "CronJob"):
        name = kind.lower()
        yield name, workload(kind, name)
        yield name + "-full", workload(
            kind, name + "-full",
            {"Deployment": {"replicas": 1, "revisionHistoryLimit": 3, "paused": True},
             "StatefulSet": {"serviceName": project("s"), "volumeClaimTemplates": [
                 {"metadata": {"name": "data"}, "spec": claim("x")["spec"]}]},
             "DaemonSet": {"minReadySeconds": 3, "updateStrategy": {"type": "OnDelete"}},
             "ReplicaSet": {"replicas": 0}, "ReplicationController": {"replicas": 3},
             "Job": {"parallelism": 2, "backoffLimit": 0, "ttlSecondsAfterFinished": 0},
             "CronJob": {"timeZone": "Europe/Berlin", "suspend": True,
                         "startingDeadlineSeconds": 0}}.get(kind),
            pod={"nodeSelector": {"a": "b"}, "hostname": "h", "subdomain": "s",
                 "securityContext": {"runAsUser": 1000, "fsGroup": 0, "runAsNonRoot": True}},
            more={"command": ["a"], "args": [], "workingDir": "/", "tty": True, "stdin": True,
                  "resources": {"limits": {"cpu": "0.25", "memory": "262144Ki"}}})
    yield "secret", of("v1", "Secret", "secret", data={"a": "MQ=="})
    yield "secret-plain", of("v1", "Secret", "secret-plain", stringData={"a": "1", "b": ""},
                             data={"a": "Mg=="})
    yield "secret-docker", of("v1", "Secret", "secret-docker",
                              type="kubernetes.io/dockerconfigjson",
                              stringData={".dockerconfigjson": "{}"})
    yield "service", service("service")
    yield "serviceaccount", of("v1", "ServiceAccount", "serviceaccount")
    yield "serviceaccount-full", of("v1", "ServiceAccount", "serviceaccount-full",
                                    automountServiceAccountToken=False,
                                    imagePullSecrets=[{"name": "x"}], secrets=[{"name": "y"}])
    yield "scaler", scaler("scaler")
    yield "scaler-full", scaler("scaler-full", minReplicas=1, metrics=[
        {"type": "Resource", "resource": {"name": "memory", "target": {
            "type": "AverageValue", "averageValue": "1024Mi"}}},
        {"type": "ContainerResource", "containerResource": {
            "name": "cpu", "container": "app",
            "target": {"type": "Utilization", "averageUtilization": 50}}},
        {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {
            "type": "AverageValue", "averageValue": "1000m"}}},
        {"type": "External", "external": {"metric": {"name": "m"}, "target": {
            "type": "Value", "value": 100}}},
        {"type": "Object", "object": {"metric": {"name": "m"}, "describedObject": {
            "kind": "Service", "name": "s", "apiVersion": "v1"}, "target": {
                "type": "Value", "value": "2k"}}}])
    yield "scaler-behavior", scaler("scaler-behavior", behavior={"scaleUp": {}, "scaleDown": {
        "stabilizationWindowSeconds": 0, "policies": [
            {"type": "Pods", "value": 1, "periodSeconds": 60}]}})
    yield "scaler-behavior-empty", scaler("scaler-behavior-empty", behavior={})
    yield "scaler-v1", scaler("scaler-v1", "v1")
    yield "scaler-v1-cpu", scaler("scaler-v1-cpu", "v1", targetCPUUtilizationPercentage=50,
                                  minReplicas=1)
    yield "slice", slice_of("slice", ports=[{}, {"name": "b", "port": 1, "protocol": "UDP"}])
    yield "slice-bare", slice_of("slice-bare")
    yield "ingress", ingress("ingress")
    yield "ingress-full", ingress("ingress-full", {
        "ingressClassName": "nginx", "tls": [{
            "hosts": ["student-2024001.project.hydrosim.edu"], "secretName": project("tls")}]},
        {"path": "/a", "pathType": "Exact"})
    yield "ingress-backend", of("networking.k8s.io/v1", "Ingress", "ingress-backend", spec={
        "defaultBackend": {"resource": {"apiGroup": "a.b", "kind": "C", "name": "d"}}})
    yield "network", of("networking.k8s.io/v1", "NetworkPolicy", "network", spec={
        "podSelector": {}})
    yield "network-full", of("networking.k8s.io/v1", "NetworkPolicy", "network-full", spec={
        "podSelector": {"matchLabels": {"a": "b"}},
        "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}},
                              {"namespaceSelector": {}}],
                     "ports": [{"port": 80}, {"port": "web", "protocol": "UDP"},
                               {"port": 1, "endPort": 5}, {}]}],
        "egress": [{}]})
    yield "budget", of("policy/v1", "PodDisruptionBudget", "budget", spec={
        "minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}})
    yield "budget-percent", of("policy/v1", "PodDisruptionBudget", "budget-percent", spec={
        "maxUnavailable": "50%", "unhealthyPodEvictionPolicy": "AlwaysAllow"})
    yield "budget-empty", of("policy/v1", "PodDisruptionBudget", "budget-empty")
    yield "room", of("v1", "Namespace", "room")
    yield "room-labelled", of("v1", "Namespace", "room-labelled", metadata={
        "labels": {"a": "b", "kubernetes.io/metadata.name": project("room-labelled")}})


# ---- each default of the table that the kinds above do not reach


def defaults():
    def rolling(name, value):
        return deployment(name, {"strategy": {"rollingUpdate": value}})

    yield "rolling-none", rolling("rolling-none", {})
    yield "rolling-surge", rolling("rolling-surge", {"maxSurge": "10%"})
    yield "rolling-unavailable", rolling("rolling-unavailable", {"maxUnavailable": 0})
    yield "recreate", deployment("recreate", {"strategy": {"type": "Recreate"}})
    yield "daemon-surge", workload("DaemonSet", "daemon-surge", {
        "updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}})
    yield "stateful-partition", workload("StatefulSet", "stateful-partition", {
        "updateStrategy": {"rollingUpdate": {"partition": 2}}})
    yield "stateful-rolling", workload("StatefulSet", "stateful-rolling", {
        "updateStrategy": {"rollingUpdate": {}}})
    yield "stateful-type", workload("StatefulSet", "stateful-type", {
        "updateStrategy": {"type": "RollingUpdate"}})
    yield "stateful-delete", workload("StatefulSet", "stateful-delete", {
        "updateStrategy": {"type": "OnDelete"}, "podManagementPolicy": "Parallel"})
    yield "stateful-retention", workload("StatefulSet", "stateful-retention", {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"},
        "ordinals": {"start": 2}, "minReadySeconds": 2})
    yield "job-completions", workload("Job", "job-completions", {"completions": 3})
    yield "job-indexed", workload("Job", "job-indexed", {
        "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1})
    yield "job-failures", workload("Job", "job-failures", {"podFailurePolicy": {"rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 2]}}]}})
    yield "job-labels", workload("Job", "job-labels", {"suspend": True}, metadata={"labels": None})
    yield "job-manual", workload("Job", "job-manual", {
        "manualSelector": True,
        "selector": {"matchLabels": {"app": project("job-manual")}}})
    yield "job-success", workload("Job", "job-success", {
        "completions": 2, "completionMode": "Indexed",
        "successPolicy": {"rules": [{"succeededIndexes": "0"}]}})
    probes = {"exec": {"command": ["true"]}, "grpc": {"port": 8000}, "tcpSocket": {"port": 8000},
              "httpGet": {"port": 8000}}
    for way, action in probes.items():
        name = "probe-" + way.lower()
        yield name, deployment(name, more={"readinessProbe": {way: action},
                                           "livenessProbe": {way: action, "timeoutSeconds": 0},
                                           "startupProbe": {way: action, "periodSeconds": 7}})
    yield "probe-named", deployment("probe-named", more={
        "ports": [{"name": "web", "containerPort": 8000}], "readinessProbe": {
            "httpGet": {"port": "web", "path": "", "scheme": "", "httpHeaders": [
                {"name": "A", "value": ""}]}}})
    yield "probe-grace", deployment("probe-grace", more={"livenessProbe": {
        "tcpSocket": {"port": "8000"}, "terminationGracePeriodSeconds": 9}})
    yield "hooks", deployment("hooks", more={"lifecycle": {
        "postStart": {"httpGet": {"port": 8000}}, "preStop": {"exec": {"command": ["true"]}}}})
    yield "hook-sleep", deployment("hook-sleep", more={"lifecycle": {
        "preStop": {"sleep": {"seconds": 5}}}})
    sources = {
        "none": {},
        "empty-dir": {"emptyDir": {"medium": "Memory", "sizeLimit": "65536Ki"}},
        "host-path": {"hostPath": {"path": "/x"}},
        "secret": {"secret": {"secretName": "x", "items": [{"key": "a", "path": "b"}]}},
        "config-map": {"configMap": {"name": "x", "optional": False}},
        "downward": {"downwardAPI": {"items": [
            {"path": "a", "fieldRef": {"fieldPath": "metadata.name"}},
            {"path": "b", "mode": 256, "resourceFieldRef": {
                "containerName": "app", "resource": "limits.cpu", "divisor": "1m"}}]}},
        "projected": {"projected": {"sources": [
            {"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "x"}},
            {"secret": {"name": "y"}},
            {"downwardAPI": {"items": [
                {"path": "a", "fieldRef": {"fieldPath": "metadata.name"}}]}}]}},
        "claim": {"persistentVolumeClaim": {"claimName": project("c")}},
        "ephemeral": {"ephemeral": {"volumeClaimTemplate": {"spec": claim("x")["spec"]}}},
        "azure-disk": {"azureDisk": {"diskName": "a", "diskURI": "https://b.blob.core.windows.net/c/d.vhd"}},
        "azure-file": {"azureFile": {"secretName": "a", "shareName": "b"}},
        "iscsi": {"iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:a",
                            "lun": 0}},
        "rbd": {"rbd": {"monitors": ["10.0.0.1"], "image": "x"}},
        "scale-io": {"scaleIO": {"gateway": "https://x", "system": "s", "volumeName": "n",
                                 "secretRef": {"name": "x"}}},
        "nfs": {"nfs": {"server": "s", "path": "/"}},
        "csi": {"csi": {"driver": "a.b", "readOnly": False}},
        "git": {"gitRepo": {"repository": "https://example.org/x"}},
    }
    for way, source in sources.items():
        yield "volume-" + way, deployment("volume-" + way, pod=volume(source), more=MOUNT)
    for way, source in {"secret": "secretKeyRef", "config": "configMapKeyRef"}.items():
        yield "env-" + way, deployment("env-" + way, more={"env": [
            {"name": "A", "valueFrom": {source: {"name": "x", "key": "k"}}}]})
    yield "env-field", deployment("env-field", more={
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
                {"name": "C"}, {"name": "D", "value": ""}],
        "envFrom": [{"configMapRef": {"name": "x"}}, {"prefix": "P", "secretRef": {"name": "y"}}]})
    for name, spec in {
            "node-port": {"type": "NodePort"}, "balanced": {"type": "LoadBalancer"},
            "sticky": {"sessionAffinity": "ClientIP"},
            "sticky-short": {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {
                "clientIP": {"timeoutSeconds": 60}}},
            "headless": {"clusterIP": "None"},
            "external-name": {"type": "ExternalName", "externalName": "a.b", "ports": None,
                              "selector": None},
            "external-ips": {"externalIPs": ["192.0.2.9"]},
            "local": {"type": "NodePort", "externalTrafficPolicy": "Local"},
            "no-target": {"ports": [{"port": 80}]},
            "named-target": {"ports": [{"name": "a", "port": 80, "targetPort": "web"},
                                       {"name": "b", "port": 81, "protocol": "UDP",
                                        "targetPort": 0}]},
            "balancer-lean": {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False,
                              "loadBalancerClass": "a.b/c"},
            "traffic-policy": {"internalTrafficPolicy": "Local",
                               "publishNotReadyAddresses": True}}.items():
        yield "service-" + name, service("service-" + name, **spec)
    yield "controller-no-selector", {**workload("ReplicationController", "controller-no-selector", {
        "selector": None}), "metadata": {"name": project("controller-no-selector")}}
    yield "scaler-metrics-note", {**scaler("scaler-metrics-note", "v1"), "metadata": {
        "name": project("scaler-metrics-note"), "annotations": {
            "autoscaling.alpha.kubernetes.io/metrics":
                '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"1"}}]'}}}
    for index, image in enumerate((
            "a", "a:latest", "a:v1", "a@sha256:" + 64 * "0", "r.io:5000/a", "a:latest@sha256:"
            + 64 * "0", "A/b:c", "docker.io/library/a:1.0")):
        yield f"image-{index}", deployment(f"image-{index}", more={"image": image})
    yield "pod-host", workload("Pod", "pod-host", pod={
        "hostNetwork": True, "terminationGracePeriodSeconds": -1}, more={
            "resources": {"limits": {"cpu": 1}, "requests": {"memory": "1Mi"}}})
    yield "pod-account", workload("Pod", "pod-account", pod={
        "serviceAccountName": "default", "automountServiceAccountToken": False,
        "enableServiceLinks": False, "tolerations": [{"operator": "Exists"}]})
    yield "account-old", deployment("account-old", pod={"serviceAccount": "a"})
    yield "account-both", deployment("account-both", pod={
        "serviceAccount": "a", "serviceAccountName": "b"})
    yield "network-egress", of("networking.k8s.io/v1", "NetworkPolicy", "network-egress", spec={
        "podSelector": {}, "policyTypes": ["Egress"], "egress": []})
    yield "claim-source", claim("claim-source", dataSource={
        "kind": "PersistentVolumeClaim", "name": "x"})
    yield "template-notes", {**deployment("template-notes"), "spec": {
        **deployment("template-notes")["spec"], "template": {
            **template("template-notes"), "metadata": {
                "labels": {"app": project("template-notes")},
                "annotations": {"pod.beta.kubernetes.io/init-containers": "[]"}}}}}
    yield "rollback-note", deployment("rollback-note", metadata={
        "annotations": {"deprecated.deployment.rollback.to": ""}})


# ---- several containers, and containers of other sorts


def containers():
    def second(**more):
        return {"name": "second", "image": "registry.hydrosim.edu/x:v2", **more}

    yield "two", deployment("two", pod={"containers": [container(), second()]})
    yield "three", deployment("three", pod={"containers": [
        container(), second(resources={"limits": {"cpu": "2"}}),
        {"name": "third", "image": "nginx"}]})
    yield "init", deployment("init", pod={"initContainers": [second()]})
    yield "sidecar", deployment("sidecar", pod={"initContainers": [
        second(restartPolicy="Always", readinessProbe={"tcpSocket": {"port": 1}})]})
    yield "init-two", workload("Pod", "init-two", pod={"initContainers": [
        second(resources={"limits": {"cpu": "100m"}}),
        second(name="third", restartPolicy="Always")]})
    yield "same-env", deployment("same-env", more={"env": [
        {"name": "A", "value": "1"}, {"name": "A", "value": "2"}]})
    yield "same-port", deployment("same-port", more={"ports": [
        {"containerPort": 8000}, {"containerPort": 8000, "protocol": "UDP"},
        {"containerPort": 8000, "name": "again"}]})
    yield "same-tolerations", deployment("same-tolerations", pod={"tolerations": [
        {"key": "a", "operator": "Exists"}, {"key": "a", "operator": "Exists"},
        {"key": "b", "value": "c", "effect": "NoExecute", "tolerationSeconds": 0}]})
    yield "same-pull-secrets", deployment("same-pull-secrets", pod={
        "imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]})
    yield "aliases", deployment("aliases", pod={"hostAliases": [
        {"ip": "10.0.0.1", "hostnames": ["a", "a"]}]})
    yield "spread", deployment("spread", pod={"topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"},
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
         "labelSelector": {"matchLabels": {"a": "b"}}, "minDomains": 2}]})
    yield "affinity", deployment("affinity", pod={"affinity": {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [
                {"key": "a", "operator": "Exists"}]}]}},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "podAffinityTerm": {"topologyKey": "zone"}}]}}})
    yield "hostile", deployment("hostile", pod={
        "hostPID": True, "hostIPC": False, "hostNetwork": True, "nodeName": "",
        "shareProcessNamespace": False, "priority": 0}, more={"securityContext": {
            "privileged": True, "allowPrivilegeEscalation": True,
            "capabilities": {"add": ["NET_ADMIN"], "drop": []}}})
    yield "hardened", deployment("hardened", pod={
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
                            "supplementalGroups": [1], "sysctls": []}}, more={
            "securityContext": {"allowPrivilegeEscalation": False, "runAsUser": 0,
                                "readOnlyRootFilesystem": True, "capabilities": {
                                    "drop": ["ALL"]}}})


# ---- fields that came late, and such as are on their way out


def old_and_new():
    yield "pod-resources", deployment("pod-resources", pod={
        "resources": {"limits": {"cpu": "500m"}}})
    yield "apparmor", deployment("apparmor", pod={
        "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}})
    yield "apparmor-note", {**deployment("apparmor-note"), "spec": {
        **deployment("apparmor-note")["spec"], "template": {
            **template("apparmor-note"), "metadata": {
                "labels": {"app": project("apparmor-note")}, "annotations": {
                    "container.apparmor.security.beta.kubernetes.io/app": "runtime/default"}}}}}
    yield "image-volume", deployment("image-volume", pod=volume({"image": {"reference": "a:v1"}}),
                                     more=MOUNT)
    yield "resize", deployment("resize", more={"resizePolicy": [
        {"resourceName": "cpu", "restartPolicy": "NotRequired"}]})
    yield "stop-signal", deployment("stop-signal", pod={"os": {"name": "linux"}}, more={
        "lifecycle": {"stopSignal": "SIGTERM"}})
    yield "restart-rules", deployment("restart-rules", more={
        "restartPolicy": "Never", "restartPolicyRules": [
            {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]})
    yield "hostname-override", deployment("hostname-override", pod={"hostnameOverride": "h"})
    yield "user-namespace", deployment("user-namespace", pod={"hostUsers": False})
    yield "recursive", deployment("recursive", pod=volume({"configMap": {"name": "x"}}), more={
        "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True,
                          "recursiveReadOnly": "IfPossible", "subPath": ""}]})
    yield "groups-policy", deployment("groups-policy", pod={
        "securityContext": {"supplementalGroupsPolicy": "Merge"}})
    yield "replacement", deployment("replacement", {"podReplacementPolicy": "TerminationStarted"})
    yield "distribution", service("distribution", trafficDistribution="PreferClose")
    yield "gates", workload("Pod", "gates", pod={
        "schedulingGates": [{"name": "a.b/c"}], "readinessGates": [{"conditionType": "a.b/d"}]})
    yield "spread-keys", deployment("spread-keys", pod={"topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
         "labelSelector": {}, "nodeTaintsPolicy": "Honor", "matchLabelKeys": ["a"]}]})
    yield "scaler-tolerance", scaler("scaler-tolerance", behavior={
        "scaleUp": {"tolerance": "50m"}})
    yield "claim-attributes", claim("claim-attributes", volumeAttributesClassName="x")
    yield "job-managed", workload("Job", "job-managed", {"managedBy": "a.b/c"})
    yield "old-api", {**deployment("old-api"), "apiVersion": "extensions/v1beta1"}
    yield "old-cron", {**workload("CronJob", "old-cron"), "apiVersion": "batch/v1beta1"}
    yield "status", {**deployment("status"), "status": {"replicas": 5, "availableReplicas": 5}}
    yield "meta", deployment("meta", metadata={
        "generation": 7, "creationTimestamp": None, "selfLink": "/x", "finalizers": [],
        "annotations": {"a": "", "b.c/d": "e"}, "ownerReferences": []})
    yield "owned", deployment("owned", metadata={"ownerReferences": [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]})
    yield "finalized", deployment("finalized", metadata={"finalizers": ["hydrosim.edu/keep"]})


# ---- spellings: YAML, as somebody may write it

QUANTITIES = ("1", '"1"', "0.1", '".5"', "500000u", "1e3", '"1E3"', "1e-1", "0.0001", "-0", '"+1"',
              "0", '"0"', "1.50", "100m", "1000m", "1n", "3.0", "1E", '"1Ei"')
MEMORIES = ("134217728", "128Mi", "0.5Gi", "524288Ki", "1e8", "1.5e8", "100M", "100000k",
            '"128974848000m"', "1073741825", '"1T"', "9223372036854775807")

SHAPE = """apiVersion: apps/v1
kind: Deployment
metadata: {name: student-2024001-%(name)s, labels: {app: student-2024001-%(name)s}}
spec:
  selector: {matchLabels: {app: student-2024001-%(name)s}}
%(spec)s  template:
    metadata: {labels: {app: student-2024001-%(name)s}}
    spec:
%(pod)s      containers:
      - name: app
        image: registry.hydrosim.edu/student-2024001:v1
%(more)s"""


def written(name, spec="", pod="", more=""):
    def lines(text, indent):
        return "".join(" " * indent + line + "\n" for line in text.splitlines())
    return SHAPE % {"name": name, "spec": lines(spec, 2), "pod": lines(pod, 6),
                    "more": lines(more, 8)}


def spellings():
    for index, text in enumerate(QUANTITIES):
        name = f"cpu-{index}"
        yield name, written(name, more=f"resources: {{limits: {{cpu: {text}}}}}")
    for index, text in enumerate(MEMORIES):
        name = f"memory-{index}"
        yield name, written(name, more=f"resources: {{limits: {{memory: {text}}}}}")
    for name, spec in {
            "null-replicas": "replicas: null", "tilde": "replicas: ~", "nothing": "replicas:",
            "float": "replicas: 1.0", "exponent": "replicas: 1e0", "hexadecimal": "replicas: 0x1",
            "octal": "minReadySeconds: 010", "null-strategy": "strategy: null",
            "empty-strategy": "strategy: {}", "null-rolling": "strategy: {rollingUpdate: null}",
            "percent": "strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: '1%'}}",
            "number-text": "strategy: {rollingUpdate: {maxSurge: '1', maxUnavailable: 0}}",
            "bools": "paused: no", "bools-on": "paused: on", "zeros": "minReadySeconds: 0",
            "long-history": "revisionHistoryLimit: 2147483647"}.items():
        yield name, written(name, spec)
    for name, pod in {
            "null-members": "volumes: null\nnodeSelector: ~\ninitContainers: []",
            "null-security": "securityContext: null\nhostNetwork: null",
            "empty-texts": "schedulerName: ''\ndnsPolicy: ''\nrestartPolicy: ''",
            "zero-grace": "terminationGracePeriodSeconds: 0",
            "null-labels": "nodeSelector: {a: null}",
            "null-element": "tolerations: [null]",
            "anchors": "nodeSelector: &x {a: b}\nsecurityContext: {runAsUser: 1000.0}"}.items():
        yield name, written(name, pod=pod)
    for name, more in {
            "env-null": "env: [{name: A, value: null}, {name: B, value: ''}]",
            "env-quoted": "env: [{name: A, value: \"1\"}, {name: B, value: 'yes'}]",
            "folded": "command: [sh, -c]\nargs:\n- |\n  a\n  b\n- >-\n  c\n  d",
            "unicode": "env: [{name: A, value: \"\\u00e4\\U0001f600 \\\"<&>\\\\\"}]",
            "timestamps": "env: [{name: A, value: '2026-11-21'}]",
            "null-resources": "resources: {limits: {cpu: null}}",
            "empty-resources": "resources: {limits: {}, requests: null}",
            "null-probe": "readinessProbe: null\nlifecycle: {}",
            "empty-port-name": "ports: [{containerPort: 8000, name: '', hostPort: 0}]",
            "port-float": "ports: [{containerPort: 8000.0}]"}.items():
        yield name, written(name, more=more)
    yield "crlf", written("crlf").replace("\n", "\r\n")
    yield "bom", "\ufeff" + written("bom")
    yield "comments", "# one\n" + written("comments").replace("spec:\n", "spec: # two\n", 1)
    yield "merged", written("merged").replace("metadata: {labels: {app", "metadata: {annotations: "
                                              "{long: \"" + 300 * "x " + "\"}, labels: {app", 1)


# ---- what Kubernetes refuses


def refused():
    def change(name, *path_and_value, make=deployment):
        """That manifest, with the member at the path changed; without it, if the value is None."""
        manifest = make(name)
        *path, last, value = path_and_value
        at = manifest
        for step in path:
            at = at[step]
        if value is None:
            del at[last]
        else:
            at[last] = value
        return name, manifest

    pod = ("spec", "template", "spec")
    app = (*pod, "containers", 0)
    # types
    yield change("type-replicas", "spec", "replicas", "1")
    yield change("type-fraction", "spec", "replicas", 1.5)
    yield change("type-huge", "spec", "replicas", 2 ** 40)
    yield change("type-bool", "spec", "paused", "true")
    yield change("type-list", *pod, "containers", {"name": "app"})
    yield change("type-text", *app, "image", 5)
    yield change("type-label", "metadata", "labels", {"app": 1})
    yield change("type-object", "spec", "strategy", "RollingUpdate")
    yield change("type-map", *pod, "nodeSelector", ["a"])
    yield change("type-quantity", *app, "resources", {"limits": {"cpu": "much"}})
    yield change("type-quantity-bool", *app, "resources", {"limits": {"cpu": True}})
    yield change("type-port", *app, "readinessProbe", {"httpGet": {"port": True}})
    yield change("type-env", *app, "env", [{"name": "A", "value": 1}])
    yield change("type-env-bool", *app, "env", [{"name": "A", "value": True}])
    yield change("type-time", "metadata", "creationTimestamp", "yesterday")
    # unknown and double members
    yield change("unknown", "spec", "replicaz", 1)
    yield change("unknown-top", "specs", {})
    yield change("unknown-deep", *app, "imagePullPolice", "Always")
    yield change("unknown-case", *app, "Image", "x")
    yield "twice", written("twice", "replicas: 1\nreplicas: 2")
    yield "twice-env", written("twice-env", more="env: [{name: A, value: a, value: b}]")
    # what must be there
    yield change("no-selector", "spec", "selector", None)
    yield change("no-template", "spec", "template", None)
    yield change("no-containers", *pod, "containers", [])
    yield change("no-image", *app, "image", None)
    yield change("no-container-name", *app, "name", None)
    yield change("no-name", "metadata", "name", None)
    yield change("no-labels", "spec", "template", "metadata", None)
    yield change("no-port", *app, "ports", [{}])
    yield change("no-env-name", *app, "env", [{"value": "a"}])
    yield change("no-mount-path", *app, "volumeMounts", [{"name": "v"}])
    yield change("no-probe", *app, "readinessProbe", {"periodSeconds": 3})
    yield change("no-probe-port", *app, "readinessProbe", {"httpGet": {"path": "/"}})
    yield change("no-secret-key", *app, "env", [{"name": "A", "valueFrom": {"secretKeyRef": {
        "name": "x"}}}])
    yield change("no-value-from", *app, "env", [{"name": "A", "valueFrom": {}}])
    yield "no-rules", of("networking.k8s.io/v1", "Ingress", "no-rules", spec={})
    yield "no-ports", service("no-ports", ports=[])
    yield "no-schedule", change("no-schedule", "spec", "schedule", None,
                                make=lambda n: workload("CronJob", n))[1]
    yield "no-max-replicas", scaler("no-max-replicas", maxReplicas=None)
    yield "no-access", claim("no-access", accessModes=[])
    yield "no-storage", claim("no-storage", resources={})
    yield "no-path-type", ingress("no-path-type", path={"pathType": None})
    yield "no-backend", ingress("no-backend", path={"backend": None})
    # names
    yield "Upper", {**deployment("upper"), "metadata": {"name": "Student-2024001"}}
    yield change("bad-label", "metadata", "labels", {"app": "a b"})
    yield change("bad-label-key", "metadata", "labels", {"a b": "c"})
    yield change("bad-container", *app, "name", "App_1")
    yield change("bad-annotation", "metadata", "annotations", {"a/b/c": "x"})
    yield change("bad-volume-name", *pod, "volumes", [{"name": "A_b"}])
    yield change("bad-env-name", *app, "env", [{"name": "", "value": "a"}])
    yield change("bad-port-name", *app, "ports", [{"containerPort": 1, "name": "much-too-long-name"}])
    yield change("long-name", "metadata", "name", PREFIX + 250 * "x")
    yield change("long-label", "metadata", "labels", {"app": 70 * "x"})
    # values
    yield change("enum-strategy", "spec", "strategy", {"type": "Slowly"})
    yield change("enum-pull", *app, "imagePullPolicy", "Sometimes")
    yield change("enum-protocol", *app, "ports", [{"containerPort": 1, "protocol": "HTTP"}])
    yield change("enum-restart", *pod, "restartPolicy", "Perhaps")
    yield change("enum-dns", *pod, "dnsPolicy", "Mine")
    yield change("enum-scheme", *app, "readinessProbe", {"httpGet": {"port": 1, "scheme": "FTP"}})
    yield "enum-service", service("enum-service", type="Magic")
    yield "enum-affinity", service("enum-affinity", sessionAffinity="Sticky")
    yield "enum-path", ingress("enum-path", path={"pathType": "Fuzzy"})
    yield "enum-concurrency", workload("CronJob", "enum-concurrency", {
        "concurrencyPolicy": "Perhaps"})
    yield "enum-access", claim("enum-access", accessModes=["Sometimes"])
    yield "enum-policy-types", of("networking.k8s.io/v1", "NetworkPolicy", "enum-policy-types",
                                  spec={"podSelector": {}, "policyTypes": ["Both"]})
    # bounds
    yield change("negative-replicas", "spec", "replicas", -1)
    yield change("negative-ready", "spec", "minReadySeconds", -1)
    yield change("negative-history", "spec", "revisionHistoryLimit", -1)
    yield change("short-deadline", "spec", "progressDeadlineSeconds", 0)
    yield change("deadline-ready", "spec", "minReadySeconds", 700)
    yield change("port-zero", *app, "ports", [{"containerPort": 0}])
    yield change("port-high", *app, "ports", [{"containerPort": 70000}])
    yield change("probe-port", *app, "readinessProbe", {"tcpSocket": {"port": 70000}})
    yield change("probe-negative", *app, "readinessProbe", {
        "tcpSocket": {"port": 1}, "periodSeconds": -1})
    yield change("live-twice", *app, "livenessProbe", {
        "tcpSocket": {"port": 1}, "successThreshold": 2})
    yield change("negative-cpu", *app, "resources", {"limits": {"cpu": "-1"}})
    yield change("request-above", *app, "resources", {
        "limits": {"cpu": "1"}, "requests": {"cpu": "2"}})
    yield change("odd-resource", *app, "resources", {"limits": {"cores": "1"}})
    yield change("negative-grace", *pod, "terminationGracePeriodSeconds", -5)
    yield change("mode", *pod, "volumes", [{"name": "v", "secret": {
        "secretName": "x", "defaultMode": 1000}}])
    yield change("both-zero", "spec", "strategy", {
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}})
    yield change("percent-high", "spec", "strategy", {
        "rollingUpdate": {"maxUnavailable": "150%"}})
    yield change("percent-odd", "spec", "strategy", {"rollingUpdate": {"maxSurge": "some"}})
    yield "service-port", service("service-port", ports=[{"port": 0}])
    yield "service-port-high", service("service-port-high", ports=[{"port": 65536}])
    yield "service-same-names", service("service-same-names", ports=[
        {"name": "a", "port": 1}, {"name": "a", "port": 2}])
    yield "service-no-names", service("service-no-names", ports=[{"port": 1}, {"port": 2}])
    yield "service-name", {**service("x"), "metadata": {"name": "2024001"}}
    yield "service-ip", service("service-ip", clusterIP="192.0.2.1")
    yield "node-port-low", service("node-port-low", type="NodePort", ports=[
        {"port": 80, "nodePort": 80}])
    yield "cron-odd", workload("CronJob", "cron-odd", {"schedule": "often"})
    yield "scaler-bounds", scaler("scaler-bounds", minReplicas=5, maxReplicas=2)
    yield "scaler-zero", scaler("scaler-zero", maxReplicas=0)
    yield "ingress-path", ingress("ingress-path", path={"path": "a"})
    yield "ingress-host", change("ingress-host", "spec", "rules", 0, "host", "A_b", make=ingress)[1]
    yield "budget-both", of("policy/v1", "PodDisruptionBudget", "budget-both", spec={
        "minAvailable": 1, "maxUnavailable": 1})
    yield "secret-key", of("v1", "Secret", "secret-key", data={"a b": "MQ=="})
    yield "secret-text", of("v1", "Secret", "secret-text", data={"a": "not base64!"})
    yield "config-key", of("v1", "ConfigMap", "config-key", data={"a/b": "x"})
    yield "config-dots", of("v1", "ConfigMap", "config-dots", data={"..a": "x"})
    yield "config-both", of("v1", "ConfigMap", "config-both", data={"a": "x"},
                            binaryData={"a": "AAE="})
    # what does not fit together
    yield change("selector-other", "spec", "selector", {"matchLabels": {"app": "other"}})
    yield change("selector-empty", "spec", "selector", {})
    yield change("recreate-rolling", "spec", "strategy", {
        "type": "Recreate", "rollingUpdate": {"maxSurge": 1}})
    yield change("restart-never", *pod, "restartPolicy", "Never")
    yield "job-no-completions", workload("Job", "job-no-completions", {
        "completionMode": "Indexed", "parallelism": 2})
    yield "job-always", workload("Job", "job-always", pod={"restartPolicy": "Always"})
    yield change("two-names", *pod, "containers", [container(), container()])
    yield change("init-name", *pod, "initContainers", [container()])
    yield change("no-such-volume", *app, "volumeMounts", [{"name": "v", "mountPath": "/v"}])
    yield "same-mount", deployment("same-mount", pod=volume({"emptyDir": {}}), more={
        "volumeMounts": [{"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/v"}]})
    yield change("same-volume", *pod, "volumes", [{"name": "v"}, {"name": "v"}])
    yield change("two-sources", *pod, "volumes", [{
        "name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}])
    yield change("two-actions", *app, "readinessProbe", {
        "tcpSocket": {"port": 1}, "exec": {"command": ["a"]}})
    yield change("value-twice", *app, "env", [{"name": "A", "value": "a", "valueFrom": {
        "secretKeyRef": {"name": "x", "key": "k"}}}])
    yield change("same-port-name", *app, "ports", [
        {"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}])
    yield change("host-port", *pod, "hostNetwork", True)
    yield change("privilege", *app, "securityContext", {
        "privileged": True, "allowPrivilegeEscalation": False})
    yield change("sleep-long", *app, "lifecycle", {"preStop": {"sleep": {"seconds": 60}}})
    yield change("init-probe", *pod, "initContainers", [
        {"name": "i", "image": "a:v1", "readinessProbe": {"tcpSocket": {"port": 1}}}])
    yield change("ephemeral", *pod, "ephemeralContainers", [{"name": "e", "image": "a:v1"}])
    yield "pod-ephemeral", workload("Pod", "pod-ephemeral", pod={
        "ephemeralContainers": [{"name": "e", "image": "a:v1"}]})
    yield "pod-no-account", workload("Pod", "pod-no-account", pod={"serviceAccountName": "nobody"})
    yield "pod-class", workload("Pod", "pod-class", pod={"priorityClassName": "none"})
    yield "headless-balanced", service("headless-balanced", clusterIP="None", type="LoadBalancer")
    yield "versioned", deployment("versioned", metadata={"resourceVersion": "5"})


# ---- what looks wrong, and Kubernetes takes: it is as silent about it as it has to be


def tolerated():
    def stateful(name, spec=None, pod=None, more=None):
        return name, workload("StatefulSet", name, spec, pod, more)

    claims = [{"metadata": {"name": "data"}, "spec": claim("x")["spec"]}]
    yield stateful("stateful-mount", {"volumeClaimTemplates": claims}, more={
        "volumeMounts": [{"name": "data", "mountPath": "/v"}]})
    yield stateful("stateful-no-image", pod={"containers": [{"name": "app"}]})
    yield stateful("stateful-two-names", pod={"containers": [container(), container()]})
    yield stateful("stateful-port", more={"ports": [{"containerPort": 70000}]})
    yield stateful("stateful-pull", more={"imagePullPolicy": "Sometimes"})
    yield stateful("stateful-claim", {"volumeClaimTemplates": [
        {"metadata": {"name": "Data_1"}, "spec": {}}]})
    yield "annotation-case", deployment("annotation-case", metadata={
        "annotations": {"Example.COM/Key": "x", "A_b.c": ""}})
    yield "same-port-names", deployment("same-port-names", pod={"containers": [
        container(ports=[{"name": "web", "containerPort": 1}]),
        {"name": "second", "image": "a:v1", "ports": [{"name": "web", "containerPort": 1}]}]})
    yield "config-data", of("v1", "ConfigMap", "config-data", data={
        ".b": "", "c..d": "y", "E_F-g.h": "z"})
    yield "dotted", {**deployment("dotted"), "metadata": {"name": project("a.b.c-d")}}
    yield "empty-env", deployment("empty-env", more={"env": [
        {"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "with.dot-and_under", "value": "x"}]})
    yield "expressions", deployment("expressions", {"selector": {
        "matchExpressions": [{"key": "app", "operator": "Exists"}]}})
    yield "extra-labels", deployment("extra-labels", {"template": template(
        "extra-labels", labels={"app": project("extra-labels"), "more": "", "a.b/c": "D"})})
    yield "host-any", ingress("host-any", {"rules": [{"host": "*.a.b", "http": {"paths": [
        {"pathType": "ImplementationSpecific", "backend": {
            "service": {"name": "x", "port": {"name": "web"}}}}]}}, {}]})
    yield "surge-high", deployment("surge-high", {"strategy": {"rollingUpdate": {
        "maxSurge": "300%", "maxUnavailable": "0%"}}})
    yield "cron-names", workload("CronJob", "cron-names", {
        "schedule": "*/5 0-3 1,15 JAN-MAR ?", "timeZone": "Etc/UTC"})
    yield "job-bare", workload("Job", "job-bare", {"completionMode": "NonIndexed"}, pod={
        "restartPolicy": "OnFailure"})
    yield "init-always", deployment("init-always", pod={"initContainers": [
        {"name": "i", "image": "a:v1", "restartPolicy": "Always", "lifecycle": {
            "preStop": {"exec": {"command": ["a"]}}}, "startupProbe": {"grpc": {"port": 1}}}]})
    yield "extended", deployment("extended", more={"resources": {
        "limits": {"example.com/gpu": "1", "hugepages-2Mi": "4Mi", "memory": "1Gi"}}})
    yield "unmounted", deployment("unmounted", pod={"volumes": [
        {"name": "a-1"}, {"name": "b", "configMap": {"name": "Not-A-Name"}}]})
    yield "no-command", deployment("no-command", more={"readinessProbe": {
        "exec": {"command": ["a"]}, "initialDelaySeconds": 0}})
    yield "budget-full", of("policy/v1", "PodDisruptionBudget", "budget-full", spec={
        "maxUnavailable": "100%"})
    yield "scaler-same", scaler("scaler-same", minReplicas=1, maxReplicas=1, metrics=[])
    yield "service-same-ports", service("service-same-ports", ports=[
        {"name": "a", "port": 80}, {"name": "b", "port": 80, "protocol": "UDP"}])
    yield "slice-named", slice_of("slice-named", ports=[{"name": "", "port": 1}])
    yield "long-numbers", deployment("long-numbers", pod={
        "terminationGracePeriodSeconds": 2 ** 33, "securityContext": {"runAsUser": 2 ** 31 - 1},
        "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute",
                         "tolerationSeconds": 2 ** 40}]})


def corpus():
    for part in (tolerated, kinds, defaults, containers, old_and_new, spellings, refused):
        yield from part()


# ---- changes of what is there


def changes():
    """(name, what is stored, what comes): stored by the administrator, past the policies."""
    def changed(manifest, *path_and_value):
        after = copy.deepcopy(manifest)
        *path, last, value = path_and_value
        at = after
        for step in path:
            at = at[step]
        at[last] = value
        return after

    base = deployment("stored", {"replicas": 0, "strategy": {"type": "Recreate"}})
    yield "same", base, base
    yield "replicas", base, changed(base, "spec", "replicas", 4)
    yield "image", base, changed(base, "spec", "template", "spec", "containers", 0, "image",
                                 "registry.hydrosim.edu/student-2024001:v2")
    yield "bad-image", base, changed(base, "spec", "template", "spec", "containers", 0, "image",
                                     "nginx")
    yield "note", base, changed(base, "metadata", "annotations", {"a": "b"})
    other = changed(base, "spec", "selector", {"matchLabels": {"app": project("other")}})
    yield "selector", base, changed(other, "spec", "template", "metadata", "labels",
                                    {"app": project("other")})
    yield "strategy", base, changed(base, "spec", "strategy", {
        "rollingUpdate": {"maxSurge": 2}})
    for replicas in (0, 1, 4):
        yield f"scale-{replicas}", base, {
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": project("stored"), "namespace": "hydrosim-students"},
            "spec": {"replicas": replicas}}
    yield "generation", base, changed(base, "metadata", "generation", 70)
    frozen = of("v1", "ConfigMap", "stored-frozen", data={"a": "1"}, immutable=True)
    yield "stored-frozen", frozen, changed(frozen, "data", {"a": "2"})
    yield "thawed", frozen, changed(frozen, "immutable", False)
    sealed = of("v1", "Secret", "stored-sealed", stringData={"a": "1"})
    yield "secret-type", sealed, changed(sealed, "type", "x/y")
    yield "secret-data", sealed, changed(sealed, "stringData", {"a": "2"})
    served = service("stored-served")
    yield "service-port", served, changed(served, "spec", "ports", 0, "port", 8080)
    held = claim("stored-held")
    yield "claim-mode", held, changed(held, "spec", "volumeMode", "Block")
    job = workload("Job", "stored-job", {"suspend": True})
    yield "job-template", job, changed(job, "spec", "template", "spec", "containers", 0, "image",
                                       "registry.hydrosim.edu/student-2024001:v2")
    yield "job-mode", job, changed(job, "spec", "completionMode", "Indexed")
    stateful = workload("StatefulSet", "stored-stateful", {"replicas": 0})
    yield "stateful-name", stateful, changed(stateful, "spec", "serviceName", "x")
    yield "stateful-replicas", stateful, changed(stateful, "spec", "replicas", 0)
    daemon = workload("DaemonSet", "stored-daemon", pod={"nodeSelector": {"no": "node"}})
    yield "daemon-image", daemon, changed(daemon, "spec", "template", "spec", "containers", 0,
                                          "image", "registry.hydrosim.edu/student-2024001:v2")
