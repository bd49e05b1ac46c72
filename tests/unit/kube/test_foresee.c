/* What Kubernetes would refuse: each check by what it says, and silence about everything that a
 * real API server let through to its validating webhooks.  tests/e2e/parity asks the API server
 * itself.
 */
#include "base/limits.h"
#include "base/yaml.h"
#include "kube/foresee.h"
#include "tests/unit/test.h"

#include <dirent.h>

static struct arena arena;

static void begin(void)
{
    static bool ready;
    if (!ready)
        arena_install_cjson_hooks();
    ready = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    arena_use(&arena);
}

static const struct schema_kind *kind_of(const cJSON *object)
{
    const char *version = json_get_string(object, "apiVersion");
    const char *slash = strchr(version, '/');
    const char *group =
        slash == NULL ? "" : arena_strndup(&arena, version, (size_t)(slash - version));
    return schema_kind_find(group, slash == NULL ? version : slash + 1,
                            json_get_string(object, "kind"));
}

static cJSON *read(const char *text)
{
    struct err err;
    struct yaml_documents documents;
    if (yaml_parse(&arena, text, strlen(text), YAML_KUBECTL, &documents, &err) < 0)
        TEST_FAIL("%s in %s", err.text, text);
    CHECK(documents.count == 1);
    return documents.roots[0];
}

/* "field: text" of each, with " | " between. */
static const char *lines_of(const struct foresight *foresight)
{
    struct buf lines;
    buf_init(&lines, &arena, LIMIT_MIB);
    for (const struct foreseen *row = foresight->first; row != NULL; row = row->next)
        buf_printf(&lines, "%s%s: %s", lines.length > 0 ? " | " : "", row->field, row->text);
    return lines.data;
}

static const char *foresee(cJSON *object, cJSON *old)
{
    struct foresight foresight = {.arena = &arena};
    struct err err;
    const struct schema_kind *kind = kind_of(object);
    CHECK(kind != NULL);
    foresee_decoding(kind, object, &foresight);
    if (!foresight.undecodable) {
        CHECK(schema_default(&arena, kind, object, &err) == 0);
        CHECK(old == NULL || schema_default(&arena, kind, old, &err) == 0);
        foresee_storing(kind, object, old, &foresight);
    }
    return lines_of(&foresight);
}

static void check(const char *manifest, const char *wanted)
{
    begin();
    const char *found = foresee(read(manifest), NULL);
    if (strcmp(found, wanted) != 0)
        TEST_FAIL("%s\n  found  %s\n  wanted %s", manifest, found, wanted);
}

static void check_change(const char *old, const char *manifest, const char *wanted)
{
    begin();
    cJSON *before = read(old);
    const char *found = foresee(read(manifest), before);
    if (strcmp(found, wanted) != 0)
        TEST_FAIL("%s\n  to %s\n  found  %s\n  wanted %s", old, manifest, found, wanted);
}

/* A Deployment with further members of its spec, its pod and its container. */
#define DEPLOYMENT(spec, pod, container)                                                           \
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {" spec                    \
    "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {" pod          \
    "containers: [{name: c, " container "image: 'x:v1'}]}}}}"
#define IN_POD        "spec.template.spec."
#define IN_APP        IN_POD "containers[0]."
#define SERVICE(spec) "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {" spec "}}"
#define OF(version, kind, members)                                                                 \
    "{apiVersion: " version ", kind: " kind ", metadata: {name: o}, " members "}"

TEST(nothing_is_foreseen_of_what_is_right)
{
    check(DEPLOYMENT("", "", ""), "");
    check(SERVICE("ports: [{port: 80}]"), "");
    check(OF("v1", "ConfigMap", "data: {a: b}"), "");
}

TEST(members_of_another_type)
{
    check(DEPLOYMENT("replicas: '1', paused: 1, ", "", "env: [{name: A, value: 1}], "),
          "spec.replicas: is string, must be whole number | "
          "spec.paused: is number, must be boolean | " IN_APP
          "env[0].value: is number, must be string");
    check(DEPLOYMENT("replicas: 1099511627776, ", "", ""),
          "spec.replicas: is too large, must be at most 2147483647");
    check(DEPLOYMENT("", "terminationGracePeriodSeconds: 1099511627776, ", ""), "");
    check(DEPLOYMENT("", "nodeSelector: {a: 1}, ", ""),
          IN_POD "nodeSelector[a]: is number, must be string");
    check(DEPLOYMENT("", "", "resources: {limits: {cpu: much}}, "),
          IN_APP "resources.limits[cpu]: is string, must be quantity");
    check(OF("v1", "Pod", "status: {startTime: yesterday}"),
          "status.startTime: is no time such as 2026-11-21T12:00:00Z");
}

TEST(unknown_members)
{
    check(DEPLOYMENT("replicaz: 1, ", "", "Image: x, "),
          "spec.replicaz: unknown field, did you mean replicas? | " IN_APP
          "Image: unknown field, did you mean image?");
    check(DEPLOYMENT("nothingLikeIt: 1, ", "", ""), "spec.nothingLikeIt: unknown field");
    check(DEPLOYMENT("\"a\\e[2Jb\": 1, ", "", ""), "spec.a?[2Jb: unknown field");
}

TEST(versions_that_are_gone)
{
    static const struct {
        const char *group, *version, *kind, *text;
    } rows[] = {
        {"extensions", "v1beta1", "Deployment",
         "apiVersion: no Deployment in version extensions/v1beta1: it is apps/v1"},
        {"batch", "v1beta1", "CronJob",
         "apiVersion: no CronJob in version batch/v1beta1: it is batch/v1"},
        {"", "v1beta3", "Pod", "apiVersion: no Pod in version v1beta3: it is v1"},
        {"serving.knative.dev", "v1", "Service", ""},
        {"example.com", "v1", "Widget", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        struct foresight foresight = {.arena = &arena};
        foresee_kind(rows[i].group, rows[i].version, rows[i].kind, &foresight);
        CHECK_STRING(lines_of(&foresight), rows[i].text);
        CHECK(foresight.undecodable == (rows[i].text[0] != '\0'));
    }
}

TEST(what_must_be_there)
{
    check(OF("apps/v1", "Deployment", "spec: {}"),
          "spec.selector: Required value | spec.template.spec.containers: Required value");
    check("{apiVersion: v1, kind: ConfigMap}",
          "metadata.name: Required value: name or generateName is required");
    check("{apiVersion: v1, kind: ConfigMap, metadata: {generateName: a-}}", "");
    check(OF("v1", "Pod", "spec: {containers: [{}]}"),
          "spec.containers[0].name: Required value | spec.containers[0].image: Required value");
    check(OF("v1", "Pod", "a: b"), "a: unknown field | spec.containers: Required value");
    check(DEPLOYMENT("", "", "ports: [{}], env: [{value: a}], volumeMounts: [{}], "), IN_APP
          "ports[0].containerPort: Invalid value: 0: must be between 1 and 65535 | " IN_APP
          "env[0].name: Required value | " IN_APP "volumeMounts[0].name: Required value | " IN_APP
          "volumeMounts[0].mountPath: Required value");
    check(DEPLOYMENT("", "", "readinessProbe: {periodSeconds: 3}, "),
          IN_APP "readinessProbe: Required value: one of exec, grpc, httpGet, tcpSocket");
    check(DEPLOYMENT("", "", "env: [{name: A, valueFrom: {}}], "),
          IN_APP "env[0].valueFrom: Required value: one of configMapKeyRef, fieldRef, fileKeyRef, "
                 "resourceFieldRef, secretKeyRef");
    check(SERVICE("selector: {a: b}"), "spec.ports: Required value");
    check(SERVICE("ports: [{port: 1}, {name: b, port: 2}]"),
          "spec.ports[0].name: Required value: there are several");
    check(SERVICE("type: ExternalName"), "spec.externalName: Required value: type is ExternalName");
    check(OF("v1", "PersistentVolumeClaim", "spec: {}"),
          "spec.accessModes: Required value | "
          "spec.resources: Required value: how much storage is requested");
    check(OF("networking.k8s.io/v1", "Ingress", "spec: {rules: [{http: {paths: [{}]}}]}"),
          "spec.rules[0].http.paths[0].pathType: Required value | "
          "spec.rules[0].http.paths[0].path: Invalid value: must begin with / | "
          "spec.rules[0].http.paths[0].backend: Required value: one of resource, service");
    check(OF("batch/v1", "Job",
             "spec: {completionMode: Indexed, parallelism: 2, template: {spec: {restartPolicy: "
             "Never, "
             "containers: [{name: c, image: x}]}}}"),
          "spec.completions: Required value: completionMode is Indexed");
    check(OF("v1", "Secret", "type: kubernetes.io/tls, data: {tls.crt: MQ==}"),
          "data[tls.key]: Required value: the type wants it");
}

TEST(names)
{
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: A}}",
          "metadata.name: Invalid value: must be lower-case letters, digits, - and ., at most 253, "
          "with a letter or digit at both ends");
    static const char *const good[] = {"a", "a.b-c.d", "0"};
    static const char *const bad[] = {"-a", "a-", "a..b", ".a", "a_b", "a.-b"};
    char manifest[200];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        snprintf(manifest, sizeof manifest,
                 "{apiVersion: v1, kind: ConfigMap, metadata: {name: '%s'}}", good[i]);
        check(manifest, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(manifest, sizeof manifest,
                 "{apiVersion: v1, kind: ConfigMap, metadata: {name: '%s'}}", bad[i]);
        begin();
        if (foresee(read(manifest), NULL)[0] == '\0')
            TEST_FAIL("%s passes", bad[i]);
    }
    check("{apiVersion: v1, kind: Service, metadata: {name: a.b}, spec: {ports: [{port: 1}]}}",
          "metadata.name: Invalid value: must be lower-case letters, digits and -, at most 63, "
          "with a letter or digit at both ends");
    check("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {'a b': c, d: 'e f'}, "
          "annotations: {Example.COM/x: '', 'a/b/c': d}}}",
          "metadata.labels: Invalid value: \"a b\": it is no key of a label | "
          "metadata.labels: Invalid value: \"e f\": it is no value of a label | "
          "metadata.annotations: Invalid value: \"a/b/c\": it is no key of an annotation");
    check(DEPLOYMENT("", "hostname: A, ", "ports: [{containerPort: 1, name: '80'}], "),
          IN_POD "hostname: Invalid value: \"A\": must be lower-case letters, digits and -, "
                 "at most 63 | " IN_APP
                 "ports[0].name: Invalid value: \"80\": must be lower-case letters, digits and -, "
                 "at most 15, with a letter");
    check(OF("v1", "ConfigMap", "data: {..a: '', .b: '', 'c/d': ''}, binaryData: {.b: ''}"),
          "data[..a]: Invalid value: it must be letters, digits, -, _ and . | "
          "data[c/d]: Invalid value: it must be letters, digits, -, _ and . | "
          "data[.b]: Invalid value: the key stands in binaryData too");
    check(OF("networking.k8s.io/v1", "Ingress",
             "spec: {rules: [{host: '*.a.b'}, {host: A_b}], defaultBackend: {service: {}}}"),
          "spec.rules[1].host: Invalid value: \"A_b\": must be a DNS name | "
          "spec.defaultBackend.service.name: Required value");
}

TEST(values_and_bounds)
{
    check(DEPLOYMENT("strategy: {type: Slowly}, ", "dnsPolicy: Mine, ", ""),
          "spec.strategy.type: Unsupported value: \"Slowly\": supported values: \"Recreate\", "
          "\"RollingUpdate\" | " IN_POD
          "dnsPolicy: Unsupported value: \"Mine\": supported values: \"ClusterFirst\", "
          "\"ClusterFirstWithHostNet\", \"Default\", \"None\"");
    check(DEPLOYMENT("replicas: -1, ", "", "ports: [{containerPort: 70000}], "),
          "spec.replicas: Invalid value: -1: must be 0 or more | " IN_APP
          "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535");
    check(DEPLOYMENT("minReadySeconds: 600, ", "", ""),
          "spec.progressDeadlineSeconds: Invalid value: must be greater than minReadySeconds");
    check(DEPLOYMENT("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}, ", "", ""),
          "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: not together with "
          "maxSurge 0");
    check(DEPLOYMENT("strategy: {rollingUpdate: {maxSurge: 300%, maxUnavailable: 101%}}, ", "", ""),
          "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be more "
          "than 100%");
    check(DEPLOYMENT("strategy: {rollingUpdate: {maxSurge: '1', maxUnavailable: -1}}, ", "", ""),
          "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"1\": must be a whole number or a "
          "percentage | spec.strategy.rollingUpdate.maxUnavailable: Invalid value: -1: must be 0 "
          "or more");
    check(DEPLOYMENT("", "", "livenessProbe: {tcpSocket: {port: '8000'}, successThreshold: 2}, "),
          IN_APP "livenessProbe.successThreshold: Invalid value: must be 1 | " IN_APP
                 "livenessProbe.tcpSocket.port: Invalid value: \"8000\": must be lower-case "
                 "letters, digits and -, at most 15, with a letter");
    check(DEPLOYMENT("", "", "resources: {limits: {cpu: -1, cores: 1}, requests: {memory: 1}}, "),
          IN_APP "resources.limits[cores]: Invalid value: no resource of a container has this "
                 "name | " IN_APP
                 "resources.limits[cpu]: Invalid value: \"-1\": must not be negative");
    check(DEPLOYMENT("", "", "resources: {limits: {cpu: 1}, requests: {cpu: 1001m}}, "),
          IN_APP "resources.requests: Invalid value: \"1001m\": must be less than or equal to the "
                 "cpu limit of 1");
    check(OF("autoscaling/v2", "HorizontalPodAutoscaler",
             "spec: {scaleTargetRef: {kind: a, name: b}, minReplicas: 3, maxReplicas: 2}"),
          "spec.maxReplicas: Invalid value: must be greater than or equal to minReplicas");
    check(OF("batch/v1", "CronJob",
             "spec: {schedule: often, jobTemplate: {spec: {template: {spec: {restartPolicy: "
             "Always, containers: [{name: c, image: x}]}}}}}"),
          "spec.schedule: Invalid value: a schedule has five columns | "
          "spec.jobTemplate.spec.template.spec.restartPolicy: Unsupported value: \"Always\": "
          "supported values: \"OnFailure\", \"Never\"");
    check(OF("v1", "PersistentVolumeClaim",
             "spec: {accessModes: [Now], resources: {requests: {storage: 1}}}"),
          "spec.accessModes[0]: Unsupported value: \"Now\": supported values: \"ReadOnlyMany\", "
          "\"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"");
    check(OF("v1", "Secret", "data: {a: 'no!', b: MQ==, c: MQ=, d: M===}"),
          "data[a]: is not base64 | data[c]: is not base64 | data[d]: is not base64");
}

TEST(what_does_not_fit_together)
{
    check("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: "
          "{matchLabels: {a: c}}, template: {metadata: {labels: {a: b}}, spec: {restartPolicy: "
          "Never, ephemeralContainers: [{name: e}], containers: [{name: c, image: x}]}}}}",
          "spec.template.metadata.labels: Invalid value: the selector wants a: c | " IN_POD
          "restartPolicy: Unsupported value: supported values: \"Always\" | " IN_POD
          "ephemeralContainers: Forbidden: not in a template");
    check("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: d}, spec: {selector: {}, "
          "template: {spec: {containers: [{name: c, image: x}]}}}}",
          "spec.selector: Invalid value: it is empty");
    check(DEPLOYMENT("strategy: {type: Recreate, rollingUpdate: {}}, ", "", ""),
          "spec.strategy.rollingUpdate: Forbidden: only with type RollingUpdate");
    check(DEPLOYMENT("", "initContainers: [{name: c, image: x, lifecycle: {}}], ", ""),
          IN_POD "initContainers[0].name: Duplicate value | " IN_POD
                 "initContainers[0].lifecycle: Forbidden: only if restartPolicy is Always");
    check(DEPLOYMENT("", "volumes: [{name: v}, {name: v}], ",
                     "volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /a}], "),
          IN_POD "volumes[1].name: Duplicate value: \"v\" | " IN_APP
                 "volumeMounts[1].name: Not found: \"w\" | " IN_APP
                 "volumeMounts[1].mountPath: Duplicate value: \"/a\"");
    check(DEPLOYMENT("", "volumes: [{name: v, emptyDir: {}, hostPath: {path: /}}], ", ""),
          IN_POD "volumes[0]: Forbidden: emptyDir and hostPath exclude each other");
    check(DEPLOYMENT("", "tolerations: [{tolerationSeconds: 1}], ", ""),
          IN_POD "tolerations[0].operator: Invalid value: must be Exists without a key | " IN_POD
                 "tolerations[0].effect: Invalid value: must be NoExecute with tolerationSeconds");
    check(DEPLOYMENT("", "", "lifecycle: {preStop: {sleep: {seconds: 31}}}, "),
          IN_APP "lifecycle.preStop.sleep: Invalid value: longer than "
                 "terminationGracePeriodSeconds");
    check(DEPLOYMENT("", "",
                     "securityContext: {privileged: true, allowPrivilegeEscalation: false}, "),
          IN_APP "securityContext: Invalid value: allowPrivilegeEscalation false, and privileged");
    check(OF("v1", "Pod",
             "spec: {containers: [{name: c, image: x}], ephemeralContainers: [{name: e}]}"),
          "spec.ephemeralContainers: Forbidden: not in a new pod");
    check(SERVICE("clusterIP: None, type: NodePort, ports: [{port: 1}]"),
          "spec.clusterIPs: Invalid value: \"None\": not with this type");
    check(OF("networking.k8s.io/v1", "Ingress", "spec: {}"),
          "spec: Invalid value: neither defaultBackend nor rules");
    check("{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: "
          "{matchLabels: {a: b}}, updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: "
          "1}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "
          "x}]}}}}",
          "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: not together with "
          "maxUnavailable");
    check("{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {selector: "
          "{matchLabels: {a: b}}, volumeClaimTemplates: [{metadata: {name: v}, spec: "
          "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1}}}}], template: "
          "{metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x, volumeMounts: "
          "[{name: v, mountPath: /v}]}]}}}}",
          "");
}

TEST(what_cannot_be_changed)
{
    check_change(DEPLOYMENT("", "", ""), DEPLOYMENT("replicas: 3, ", "", ""), "");
    check_change("{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: "
                 "{matchLabels: {c: d}}}}",
                 DEPLOYMENT("", "", ""), "spec.selector: Forbidden: it cannot be changed");
    check_change(OF("v1", "ConfigMap", "immutable: true, data: {a: b}"),
                 OF("v1", "ConfigMap", "immutable: true, data: {a: c}"),
                 "data: Forbidden: immutable is true");
    check_change(OF("v1", "ConfigMap", "immutable: true, data: {a: b}"),
                 OF("v1", "ConfigMap", "data: {a: b}"),
                 "immutable: Forbidden: it cannot be taken back");
    check_change(OF("v1", "Secret", "type: a/b"), OF("v1", "Secret", "type: Opaque"),
                 "type: Forbidden: it cannot be changed");
    check_change(OF("v1", "PersistentVolumeClaim",
                    "spec: {accessModes: [ReadWriteOnce], volumeName: x, "
                    "resources: {requests: {storage: 1}}}"),
                 OF("v1", "PersistentVolumeClaim",
                    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2}}}"),
                 "");
    check_change(OF("v1", "PersistentVolumeClaim",
                    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1}}}"),
                 OF("v1", "PersistentVolumeClaim",
                    "spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1}}}"),
                 "spec: Forbidden: it cannot be changed");
    check_change(OF("batch/v1", "Job",
                    "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "
                    "a}]}}}"),
                 OF("batch/v1", "Job",
                    "spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "
                    "b}]}}}"),
                 "spec.template: Invalid value: it cannot be changed");
}

TEST(the_message_has_a_line_for_each)
{
    begin();
    struct foresight foresight = {.arena = &arena};
    CHECK(foresight_message(&foresight) == NULL);
    cJSON *object = read("{apiVersion: v1, kind: ConfigMap, x: 1}");
    foresee_decoding(kind_of(object), object, &foresight);
    foresee_storing(kind_of(object), object, NULL, &foresight);
    CHECK_STRING(foresight_message(&foresight),
                 "Kubernetes would refuse it, whatever the policies say:\n"
                 "* x: unknown field\n"
                 "* metadata.name: Required value: name or generateName is required");
    CHECK_INT(foresight.count, 2);
}

TEST(of_very_many_the_first_are_named)
{
    begin();
    struct foresight foresight = {.arena = &arena};
    cJSON *object = read("{apiVersion: v1, kind: ConfigMap}");
    for (int i = 0; i < 5000; i++)
        json_add(&arena, object, arena_printf(&arena, "zz%d", i), json_new_int(&arena, i));
    foresee_decoding(kind_of(object), object, &foresight);
    CHECK_INT(foresight.count, 101);
    CHECK_STRING(foresight.first->field, "zz0");
    CHECK_STRING(foresight.last->field, "");
    CHECK_STRING(foresight.last->text, "and more: these are the first 100");
}

/* ---- what real API servers let through ---------------------------------------------------- */

static int looked_at;

static void check_recorded(const char *path)
{
    begin();
    size_t length;
    char *text = test_read_file(path, &length);
    struct err err;
    cJSON *review = NULL;
    CHECK(json_parse(&arena, text, length, &json_limits_review, &review, &err) == 0);
    free(text);
    const cJSON *request = json_get(review, "request");
    const cJSON *object = json_get(request, "object"), *old = json_get(request, "oldObject");
    const struct schema_kind *kind =
        object == NULL || json_get(object, "kind") == NULL ? NULL : kind_of(object);
    /* A subresource changes what the resource itself may not. */
    if (kind == NULL || json_get(request, "subResource") != NULL)
        return;
    struct foresight foresight = {.arena = &arena};
    foresee_decoding(kind, object, &foresight);
    foresee_storing(kind, object, old, &foresight);
    if (foresight.count > 0)
        TEST_FAIL("%s: %s", path, lines_of(&foresight));
    looked_at++;
}

static void check_folder(const char *folder)
{
    static const char end[] = ".validating.json";
    struct dirent **entries;
    const int total = scandir(folder, &entries, NULL, alphasort);
    CHECK(total > 0);
    for (int i = 0; i < total; i++) {
        const size_t length = strlen(entries[i]->d_name);
        if (length > sizeof end - 1 &&
            strcmp(entries[i]->d_name + length - (sizeof end - 1), end) == 0) {
            char path[600];
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            check_recorded(path);
        }
        free(entries[i]);
    }
    free(entries);
}

TEST(nothing_is_foreseen_of_what_was_let_through)
{
    looked_at = 0;
    check_folder("tests/reviews/v1.30.14");
    check_folder("tests/reviews/v1.36.3");
    CHECK(looked_at > 80);
}

TEST_MAIN
