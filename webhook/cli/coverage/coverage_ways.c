/* The requests that do harm.  Each differs from an accepted object in as little as it can, so that
 * only the rule that minds it can close it. */
#include "cli/coverage/coverage.h"

#include <string.h>

#define CREATE  OPERATION_CREATE
#define UPDATE  OPERATION_UPDATE
#define DELETE  OPERATION_DELETE
#define CONNECT OPERATION_CONNECT
#define WRITE   (OPERATION_CREATE | OPERATION_UPDATE)
#define ALL     (OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE)

#define ENV                                                                                        \
    "\"env\":[{\"name\":\"DB_HOST\",\"value\":\"postgres.hydrosim-system.svc.cluster.local\"},"    \
    "{\"name\":\"REDIS_HOST\",\"value\":\"redis.hydrosim-system.svc.cluster.local\"}]"
#define POD_SPEC                                                                                   \
    "\"automountServiceAccountToken\":false,\"terminationGracePeriodSeconds\":30,"                 \
    "\"containers\":[{\"name\":\"app\",\"image\":\"registry.hydrosim.edu/$ME:v1\","                \
    "\"ports\":[{\"containerPort\":8000}],\"resources\":{"                                         \
    "\"limits\":{\"cpu\":\"500m\",\"memory\":\"512Mi\",\"ephemeral-storage\":\"1Gi\"},"            \
    "\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\",\"ephemeral-storage\":\"100Mi\"}},"       \
    "\"readinessProbe\":{\"tcpSocket\":{\"port\":8000},\"initialDelaySeconds\":5,"                 \
    "\"periodSeconds\":5,\"failureThreshold\":3},"                                                 \
    "\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":5}}}," ENV "}]"
#define TEMPLATE(more)                                                                             \
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"$ME\"}},\"spec\":{" more POD_SPEC "}}"
#define META                "\"metadata\":{\"name\":\"$ME\",\"labels\":{\"app\":\"$ME\"}}"
#define SELECTOR            "\"selector\":{\"matchLabels\":{\"app\":\"$ME\"}},"
#define BARE(kind)          "{\"apiVersion\":\"v1\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"$ME\"}"
#define HEAD(version, kind) "{\"apiVersion\":\"" version "\",\"kind\":\"" kind "\"," META
#define SCALE(replicas)     HEAD("autoscaling/v1", "Scale") ",\"spec\":{\"replicas\":" replicas "}}"
#define SCALER(version)                                                                            \
    HEAD("autoscaling/" version, "HorizontalPodAutoscaler")                                        \
    ",\"spec\":{\"minReplicas\":2,\"maxReplicas\":9,\"scaleTargetRef\":"                           \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"name\":\"$ME\"}}}"

static const struct {
    const char *resource, *object;
} objects[] = {
    {"deployments.apps",
     HEAD("apps/v1",
          "Deployment") ",\"spec\":{\"replicas\":1,\"revisionHistoryLimit\":10,"
                        "\"progressDeadlineSeconds\":600,\"minReadySeconds\":5,"
                        "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":"
                        "{\"maxSurge\":1,\"maxUnavailable\":0}}," SELECTOR TEMPLATE("") "}}"},
    {"services", HEAD("v1", "Service") ",\"spec\":{\"type\":\"ClusterIP\",\"selector\":{\"app\":"
                                       "\"$ME\"},\"ports\":[{\"port\":80,\"targetPort\":8000,"
                                       "\"protocol\":\"TCP\"}]}}"},
    {"ingresses.networking.k8s.io",
     HEAD("networking.k8s.io/v1",
          "Ingress") ",\"spec\":{\"ingressClassName\":\"traefik\",\"rules\":[{\"host\":"
                     "\"$ME.project.hydrosim.edu\",\"http\":{\"paths\":[{\"path\":\"/\","
                     "\"pathType\":\"Prefix\",\"backend\":{\"service\":{\"name\":\"$ME\","
                     "\"port\":{\"number\":80}}}}]}}]}}"},
    {"configmaps", BARE("ConfigMap") ",\"data\":{\"a\":\"b\"}}"},
    {"secrets", BARE("Secret") ",\"type\":\"Opaque\",\"data\":{\"a\":\"Yg==\"}}"},
    {"persistentvolumeclaims",
     BARE("PersistentVolumeClaim") ",\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],"
                                   "\"resources\":{\"requests\":{\"storage\":\"1Gi\"}}}}"},
    {"pods", HEAD("v1", "Pod") ",\"spec\":{" POD_SPEC "}}"},
    {"replicasets.apps",
     HEAD("apps/v1", "ReplicaSet") ",\"spec\":{\"replicas\":1," SELECTOR TEMPLATE("") "}}"},
    {"statefulsets.apps", HEAD("apps/v1", "StatefulSet") ",\"spec\":{\"replicas\":1,\"serviceName\""
                                                         ":\"$ME\"," SELECTOR TEMPLATE("") "}}"},
    {"daemonsets.apps", HEAD("apps/v1", "DaemonSet") ",\"spec\":{" SELECTOR TEMPLATE("") "}}"},
    {"replicationcontrollers",
     HEAD("v1", "ReplicationController") ",\"spec\":{\"replicas\":1,\"selector\":{\"app\":"
                                         "\"$ME\"}," TEMPLATE("") "}}"},
    {"jobs.batch",
     HEAD("batch/v1", "Job") ",\"spec\":{" TEMPLATE("\"restartPolicy\":\"Never\",") "}}"},
    {"cronjobs.batch",
     HEAD("batch/v1", "CronJob") ",\"spec\":{\"schedule\":\"* * * * *\",\"jobTemplate\":{"
                                 "\"spec\":{" TEMPLATE("\"restartPolicy\":\"Never\",") "}}}}"},
    {"horizontalpodautoscalers.autoscaling", SCALER("v2")},
    {"poddisruptionbudgets.policy",
     HEAD("policy/v1", "PodDisruptionBudget") ",\"spec\":{\"maxUnavailable\":1,\"selector\":{"
                                              "\"matchLabels\":{\"app\":\"$ME\"}}}}"},
    {"endpoints", HEAD("v1", "Endpoints") ",\"subsets\":[{\"addresses\":[{\"ip\":\"10.9.9.9\"}],"
                                          "\"ports\":[{\"port\":80}]}]}"},
    {"endpointslices.discovery.k8s.io",
     HEAD("discovery.k8s.io/v1", "EndpointSlice") ",\"addressType\":\"IPv4\",\"endpoints\":[{"
                                                  "\"addresses\":[\"10.9.9.9\"]}],\"ports\":[{"
                                                  "\"port\":80}]}"},
    {"networkpolicies.networking.k8s.io",
     HEAD("networking.k8s.io/v1", "NetworkPolicy") ",\"spec\":{\"podSelector\":{},\"ingress\":"
                                                   "[{}],\"egress\":[{}]}}"},
};

const char *coverage_object(const char *resource)
{
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        if (strcmp(objects[i].resource, resource) == 0)
            return objects[i].object;
    return NULL;
}

#define T  "/spec/template"
#define P  "/spec/template/spec"
#define C  "/spec/template/spec/containers/0"
#define SC C "/securityContext"
#define B  "/spec/rules/0/http/paths/0"

/* A Deployment, Service, Ingress with one change. */
#define D(gain, ...)                                                                               \
    {                                                                                              \
        gain, "deployments.apps", .operations = WRITE, .changes = { __VA_ARGS__ }                  \
    }
#define S(gain, ...)                                                                               \
    {                                                                                              \
        gain, "services", .operations = WRITE, .changes = { __VA_ARGS__ }                          \
    }
#define I(gain, ...)                                                                               \
    {                                                                                              \
        gain, "ingresses.networking.k8s.io", .operations = WRITE, .changes = { __VA_ARGS__ }       \
    }
#define VOLUME(more)                                                                               \
    {                                                                                              \
        P "/volumes", "[{\"name\":\"v\"," more "}]"                                                \
    }
#define LABEL                                                                                      \
    {                                                                                              \
        "/metadata/labels/app", "\"$THEM\""                                                        \
    }
#define IMAGE(at)                                                                                  \
    {                                                                                              \
        at "/containers/0/image", "\"registry.hydrosim.edu/$ME:v2\""                               \
    }
#define SMALL                                                                                      \
    "\"image\":\"registry.hydrosim.edu/$ME:v1\",\"resources\":{"                                   \
    "\"limits\":{\"cpu\":\"100m\",\"memory\":\"64Mi\",\"ephemeral-storage\":\"10Mi\"},"            \
    "\"requests\":{\"cpu\":\"100m\",\"memory\":\"64Mi\",\"ephemeral-storage\":\"10Mi\"}}," ENV
#define MINI(name)                                                                                 \
    "{\"name\":\"" name "\"," SMALL ",\"readinessProbe\":{\"tcpSocket\":{\"port\":8000}},"         \
    "\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":5}}}}"
#define INIT(name)  "{\"name\":\"" name "\"," SMALL "}"
#define EMPTY(name) "{\"name\":\"" name "\",\"emptyDir\":{\"sizeLimit\":\"1Mi\"}}"
#define OWNER                                                                                      \
    "[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"$ME\",\"uid\":"                     \
    "\"11111111-1111-1111-1111-111111111111\"}]"

/* Another project's object of a kind that a project is made of. */
#define THEIRS(what, resource, ...)                                                                \
    {"another project's " what " is put there or changed", resource, .operations = WRITE,          \
     .theirs = true, .changes = {__VA_ARGS__}},                                                    \
    {                                                                                              \
        "another project's " what " is deleted", resource, .operations = DELETE, .theirs = true    \
    }

/* A kind that starts pods. */
#define STARTS(what, resource, ...)                                                                \
    {                                                                                              \
        "a program that runs as " what, resource, .operations = WRITE, .changes = { __VA_ARGS__ }  \
    }

/* A kind of which any change does harm. */
#define ANY(gain, resource, version, kind)                                                         \
    {                                                                                              \
        gain, resource, .operations = ALL, .object = HEAD(version, kind) "}", .changes = {         \
            {"/metadata/labels", "{\"app\":\"$ME\",\"a\":\"b\"}"}                                  \
        }                                                                                          \
    }

/* Of the cluster, not of a namespace: no policy for namespaces is asked. */
#define CLUSTER(gain, resource, version, kind)                                                     \
    {                                                                                              \
        gain, resource, .operations = ALL, .object = HEAD(version, kind) "}", .cluster = true,     \
                        .changes = {                                                               \
                            {"/metadata/labels", "{\"app\":\"$ME\",\"a\":\"b\"}"}                  \
                        }                                                                          \
    }

#define STATUS(what, resource)                                                                     \
    {                                                                                              \
        "a false status (" what ")", resource, "status", .operations = UPDATE, .changes = {        \
            {"/metadata/annotations", "{\"a\":\"b\"}"}                                             \
        }                                                                                          \
    }

#define SCALED(what, resource)                                                                     \
    {                                                                                              \
        "more pods by a " what "'s scale", resource, "scale", .operations = UPDATE,                \
                                                              .object = SCALE("1"), .changes = {   \
                                                                  {"/spec/replicas", "9"}          \
                                                              }                                    \
    }

#define INTO(what, sub, kind)                                                                      \
    {                                                                                              \
        what " of another project's pod", "pods", sub,                                             \
            .operations = CONNECT, .object = "{\"apiVersion\":\"v1\",\"kind\":\"" kind "\"}",      \
            .theirs = true, .verbs = "create,get"                                                  \
    }

const struct coverage_way coverage_ways[] = {
    /* ---- a Deployment's own promises */
    D("more pods than one", {"/spec/replicas", "9"}),
    D("an update that stops before it starts", {"/spec/strategy/rollingUpdate", NULL},
      {"/spec/strategy/type", "\"Recreate\""}),
    D("an update with a crowd of new pods", {"/spec/strategy/rollingUpdate/maxSurge", "9"}),
    D("an update that stops the old pod first",
      {"/spec/strategy/rollingUpdate/maxUnavailable", "1"}),
    D("a rollout that never ends", {"/spec/progressDeadlineSeconds", "2147483647"}),
    D("a rollout that waits for an hour", {"/spec/minReadySeconds", "599"}),
    D("no version to go back to", {"/spec/revisionHistoryLimit", "0"}),
    D("more cpu than its share", {C "/resources/limits/cpu", "\"64\""}),
    D("more memory than its share", {C "/resources/limits/memory", "\"64Gi\""}),
    D("more disk than its share", {C "/resources/limits/ephemeral-storage", "\"640Gi\""}),
    D("cpu without asking for it", {C "/resources/requests/cpu", "\"1m\""}),
    D("memory without asking for it", {C "/resources/requests/memory", "\"1\""}),
    D("disk without asking for it", {C "/resources/requests/ephemeral-storage", "\"1\""}),
    D("a scratch folder that fills the node", VOLUME("\"emptyDir\":{\"sizeLimit\":\"640Gi\"}"),
      {P "/volumes/0/emptyDir/sizeLimit", "\"640Gi\""}),
    D("traffic to a pod that does not answer", {C "/readinessProbe", NULL}),
    D("a pod that stops under its visitors", {C "/lifecycle/preStop", NULL}),
    D("a pod that takes an hour to stop", {P "/terminationGracePeriodSeconds", "3600"}),
    D("a longer pause than its end", {C "/lifecycle/preStop/sleep/seconds", "29"}),
    D("another database", {C "/env/0/value", "\"elsewhere\""}),
    D("another cache", {C "/env/1/value", "\"elsewhere\""}),
    D("a Deployment that is found under another name", {"/metadata/labels/app", "\"$ME-b\""}),
    D("pods that are found under another name", {T "/metadata/labels/app", "\"$ME-b\""}),
    D("pods of another name", {"/spec/selector/matchLabels/app", "\"$ME-b\""},
      {T "/metadata/labels/app", "\"$ME-b\""}),
    D("pods that no reader of the selector expects",
      {"/spec/selector/matchExpressions", "[{\"key\":\"app\",\"operator\":\"Exists\"}]"}),
    {"a Deployment that is nobody's project", "deployments.apps", .operations = CREATE,
     .changes = {{"/metadata/name", "\"shop\""},
                 {"/metadata/labels/app", "\"shop\""},
                 {"/spec/selector/matchLabels/app", "\"shop\""},
                 {T "/metadata/labels/app", "\"shop\""}}},
    {"a Deployment whose name nobody chose", "deployments.apps", .operations = CREATE,
     .changes = {{"/metadata/name", NULL}, {"/metadata/generateName", "\"$ME-\""}}},
    D("an image from anywhere", {C "/image", "\"registry.example.com/$ME:v1\""}),
    D("an image that changes under its tag", {C "/image", "\"registry.hydrosim.edu/$ME:latest\""}),
    D("a mounted image from anywhere", VOLUME("\"imag"
                                              "e\":{"
                                              "\"refe"
                                              "rence"
                                              "\":"
                                              "\"regi"
                                              "stry."
                                              "exampl"
                                              "e.com/"
                                              "$ME:"
                                              "v1\""
                                              "}")),
    D("a mounted image that changes "
      "under its tag",
      VOLUME("\"image\":{"
             "\"reference\":"
             "\"registry.hydrosim.edu/"
             "$ME:latest\"}")),
    D("many programs in one pod", {P "/containers/1", MINI("b")}, {P "/containers/2", MINI("c")},
      {P "/containers/3", MINI("d")}),
    D("many programs before the start",
      {P "/initContainers", "[" INIT("e") "," INIT("f") "," INIT("g") "," INIT("h") "]"}),
    D("a warehouse of folders",
      {P "/volumes",
       "[" EMPTY("a") "," EMPTY("b") "," EMPTY("c") "," EMPTY("d") "," EMPTY("e") "," EMPTY(
           "f") "," EMPTY("g") "," EMPTY("h") "," EMPTY("i") "," EMPTY("j") "," EMPTY("k") "]"}),
    D("a device by its limit", {C "/resources/limits/example.com~1gpu", "\"1\""}),
    D("huge pages by a request", {C "/resources/requests/hugepages-2Mi", "\"2Mi\""}),
    D("a device by a container's claim", {C "/resources/claims", "[{\"name\":\"gpu\"}]"}),
    D("a device by a pod's claim",
      {P "/resourceClaims", "[{\"name\":\"gpu\",\"resourceClaimName\":\"$ME\"}]"}),
    D("more than its share as a whole pod", {P "/resources", "{\"limits\":{\"cpu\":\"64\"}}"}),
    {"more pods than one by scale", "deployments.apps", "scale", .operations = UPDATE,
     .object = SCALE("1"), .changes = {{"/spec/replicas", "9"}}},

    /* ---- the node, the kernel, the cluster */
    D("a key to the cluster", {P "/automountServiceAccountToken", "true"}),
    D("an account with rights", {P "/serviceAccountName", "\"builder\""}),
    D("an account with rights by the old name", {P "/serviceAccount", "\"builder\""}),
    D("a container that owns the node", {SC, "{}"}, {SC "/privileged", "true"}),
    D("a program that gains rights", {SC, "{}"}, {SC "/allowPrivilegeEscalation", "true"}),
    D("a pod in the node's network", {P "/hostNetwork", "true"}),
    D("a pod that sees the node's processes", {P "/hostPID", "true"}),
    D("a pod in the node's shared memory", {P "/hostIPC", "true"}),
    D("a port of the node", {C "/ports/0/hostPort", "8000"}),
    D("the node's disk", VOLUME("\"hostPath\":{\"path\":\"/\"}")),
    D("special powers over the kernel", {SC, "{\"capabilities\":{}}"},
      {SC "/capabilities/add", "[\"SYS_ADMIN\"]"}),
    D("a kernel setting", {P "/securityContext", "{}"},
      {P "/securityContext/sysctls", "[{\"name\":\"kernel.shm_rmid_forced\",\"value\":\"1\"}]"}),
    D("system calls without a filter", {SC, "{\"seccompProfile\":{}}"},
      {SC "/seccompProfile/type", "\"Unconfined\""}),
    D("a program without AppArmor", {SC, "{\"appArmorProfile\":{}}"},
      {SC "/appArmorProfile/type", "\"Unconfined\""}),
    D("a program without AppArmor by annotation",
      {T "/metadata/annotations", "{\"container.apparmor.security.beta.kubernetes.io/"
                                  "app\":\"unconfined\"}"}),
    D("a label that joins other pods' files", {SC, "{}"},
      {SC "/seLinuxOptions", "{\"level\":\"s0:c1,c2\"}"}),
    D("the kernel's own files", {SC, "{}"}, {SC "/procMount", "\"Unmasked\""}),
    D("a process of a Windows node", {SC, "{\"windowsOptions\":{}}"},
      {SC "/windowsOptions/hostProcess", "true"}),
    D("a place past the scheduler", {P "/nodeName", "\"node-0\""}),
    D("a pod that pushes others off the node",
      {P "/priorityClassName", "\"system-node-critical\""}),
    D("another sandbox", {P "/runtimeClassName", "\"other\""}),

    /* ---- another project's things, by name */
    THEIRS("Deployment", "deployments.apps", IMAGE(P)),
    THEIRS("Service", "services", {"/metadata/annotations", "{\"a\":\"b\"}"}),
    THEIRS("Ingress", "ingresses.networking.k8s.io", {"/metadata/annotations", "{\"a\":\"b\"}"}),
    THEIRS("ConfigMap", "configmaps", {"/data", "{\"a\":\"c\"}"}),
    THEIRS("Secret", "secrets", {"/data", "{\"a\":\"Yw==\"}"}),
    THEIRS("PersistentVolumeClaim", "persistentvolumeclaims",
           {"/spec/resources/requests/storage", "\"2Gi\""}),
    {"another project's pod is deleted", "pods", .operations = DELETE, .theirs = true},
    {"another project's pod is evicted", "pods", "eviction", .operations = CREATE, .theirs = true,
     .object = HEAD("policy/v1", "Eviction") "}"},
    {"another project is stopped by scale", "deployments.apps", "scale", .operations = UPDATE,
     .theirs = true, .object = SCALE("1"), .changes = {{"/spec/replicas", "0"}}},
    INTO("a shell", "exec", "PodExecOptions"),
    INTO("the terminal", "attach", "PodAttachOptions"),
    INTO("the ports", "portforward", "PodPortForwardOptions"),
    {"a project in another student's namespace", "deployments.apps", .operations = CREATE,
     .name_space = "$THEM"},

    /* ---- another project's traffic */
    D("a Deployment under another project's label", LABEL),
    D("pods under another project's label", {T "/metadata/labels/app", "\"$THEM\""}),
    D("another project's pods adopted", {"/spec/selector/matchLabels/app", "\"$THEM\""},
      {T "/metadata/labels/app", "\"$THEM\""}),
    {"a ConfigMap under another project's label", "configmaps", .operations = WRITE,
     .changes = {{"/metadata/labels", "{\"app\":\"$THEM\"}"}}},
    S("a Service to another project's pods", {"/spec/selector/app", "\"$THEM\""}),
    I("another project's address", {"/spec/rules/0/host", "\"$THEM.project.hydrosim.edu\""}),
    I("an address that leads to another project's Service",
      {B "/backend/service/name", "\"$THEM\""}),
    I("a certificate for another project's address",
      {"/spec/tls", "[{\"hosts\":[\"$THEM.project.hydrosim.edu\"],\"secretName\":\"$ME-tls\"}]"}),
    I("another project's certificate",
      {"/spec/tls", "[{\"hosts\":[\"$ME.project.hydrosim.edu\"],\"secretName\":\"$THEM-tls\"}]"}),

    /* ---- another project's files and passwords */
    D("another project's Secret as files", VOLUME("\"secret\":{\"secretName\":\"$THEM\"}")),
    D("another project's ConfigMap as files", VOLUME("\"configMap\":{\"name\":\"$THEM\"}")),
    D("another project's disk", VOLUME("\"persistentVolumeClaim\":{\"claimName\":\"$THEM\"}")),
    D("another project's Secret as variables",
      {C "/envFrom", "[{\"secretRef\":{\"name\":\"$THEM\"}}]"}),
    D("another project's ConfigMap as variables",
      {C "/envFrom", "[{\"configMapRef\":{\"name\":\"$THEM\"}}]"}),
    D("another project's Secret as one variable",
      {C "/env/2", "{\"name\":\"A\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"$"
                   "THEM\",\"key\":\"a\"}}}"}),
    D("another project's ConfigMap as one variable",
      {C "/env/2", "{\"name\":\"A\",\"valueFrom\":{\"configMapKeyRef\":{"
                   "\"name\":\"$THEM\",\"key\":\"a\"}}}"}),
    D("another project's password of the registry",
      {P "/imagePullSecrets", "[{\"name\":\"$THEM\"}]"}),

    /* ---- a Service */
    {"a Service that is nobody's project", "services", .operations = CREATE,
     .changes = {{"/metadata/name", "\"shop\""},
                 {"/spec/selector/app", "\"shop\""},
                 {"/metadata/labels/app", NULL}}},
    {"a Service whose name nobody chose", "services", .operations = CREATE,
     .changes = {{"/metadata/name", NULL}, {"/metadata/generateName", "\"$ME-\""}}},
    S("an entrance that an annotation rewrites",
      {"/metadata/annotations",
       "{\"traefik.ingress.kubernetes.io/service.passhostheader\":\"false\"}"}),
    S("a public address", {"/spec/type", "\"LoadBalancer\""}),
    S("pods without the Service's address", {"/spec/clusterIP", "\"None\""}),
    S("more ports than one",
      {"/spec/ports", "[{\"name\":\"a\",\"port\":80,\"targetPort\":8000,\"protocol\":\"TCP\"},"
                      "{\"name\":\"b\",\"port\":80,\"targetPort\":8000,\"protocol\":\"TCP\"}]"}),
    S("another port", {"/spec/ports/0/port", "22"}),
    S("another port of the pod", {"/spec/ports/0/targetPort", "22"}),
    S("another protocol", {"/spec/ports/0/protocol", "\"UDP\""}),
    S("a port of the node by a Service", {"/spec/ports/0/nodePort", "30080"}),
    S("a Service to pods of another name", {"/spec/selector/app", "\"$ME-b\""}),
    S("traffic to an address that is somebody else's", {"/spec/externalIPs", "[\"10.9.9.9\"]"}),
    S("a Service that leads out of the cluster", {"/spec/externalName", "\"example.com\""}),
    S("an address of the platform's", {"/spec/loadBalancerIP", "\"10.9.9.9\""}),
    S("traffic to pods that are not ready", {"/spec/publishNotReadyAddresses", "true"}),

    /* ---- an Ingress */
    {"an Ingress that is nobody's project", "ingresses.networking.k8s.io", .operations = CREATE,
     .changes = {{"/metadata/name", "\"shop\""},
                 {"/spec/rules/0/host", "\"shop.project.hydrosim.edu\""},
                 {B "/backend/service/name", "\"shop\""},
                 {"/metadata/labels/app", NULL}}},
    I("an entrance that a snippet rewrites",
      {"/metadata/annotations",
       "{\"nginx.ingress.kubernetes.io/server-snippet\":\"return 200;\"}"}),
    I("an Ingress without a rule", {"/spec/rules", NULL}),
    I("an address of another name", {"/spec/rules/0/host", "\"$ME-b.project.hydrosim.edu\""}),
    I("everybody's address", {"/spec/rules/0/host", NULL}),
    I("all addresses that nobody owns",
      {"/spec/defaultBackend", "{\"service\":{\"name\":\"$ME\",\"port\":{\"number\":80}}}"}),
    I("an address that leads to another Service", {B "/backend/service/name", "\"$ME-b\""}),
    I("an address that leads to another port", {B "/backend/service/port/number", "22"}),
    I("an address that leads to any kind",
      {B "/backend", "{\"resource\":{\"apiGroup\":\"example.com\",\"kind\":"
                     "\"Bucket\",\"name\":\"$ME\"}}"}),
    I("a path that hides a pattern", {B "/pathType", "\"ImplementationSpecific\""}),
    I("a path that injects configuration", {B "/path", "\"/a;b\""}),
    I("another entrance", {"/spec/ingressClassName", "\"nginx\""}),
    I("a certificate for everybody", {"/spec/tls", "[{\"secretName\":\"$ME-tls\"}]"}),
    I("a certificate for another name", {"/spec/tls", "[{\"hosts\":[\"$ME-b.project.hydrosim."
                                                      "edu\"],\"secretName\":\"$ME-tls\"}]"}),
    I("a certificate of another name", {"/spec/tls", "[{\"hosts\":[\"$ME.project.hydrosim.edu\"],"
                                                     "\"secretName\":\"$ME-b-tls\"}]"}),

    /* ---- other ways to run a program */
    STARTS("a bare pod", "pods", IMAGE("/spec")),
    STARTS("a ReplicaSet", "replicasets.apps", IMAGE(P)),
    STARTS("a ReplicationController", "replicationcontrollers", IMAGE(P)),
    STARTS("a StatefulSet", "statefulsets.apps", IMAGE(P)),
    STARTS("a DaemonSet", "daemonsets.apps", IMAGE(P)),
    STARTS("a Job", "jobs.batch", {"/spec/suspend", "false"}, {"/spec/parallelism", "9"}),
    STARTS("a CronJob", "cronjobs.batch", {"/spec/schedule", "\"1 * * * *\""}),
    SCALED("ReplicaSet", "replicasets.apps"),
    SCALED("StatefulSet", "statefulsets.apps"),
    SCALED("ReplicationController", "replicationcontrollers"),
    {"more pods by an autoscaler", "horizontalpodautoscalers.autoscaling", .operations = WRITE,
     .changes = {{"/spec/maxReplicas", "19"}}},
    {"more pods by an autoscaler of the old version", "horizontalpodautoscalers.autoscaling",
     .operations = WRITE, .object = SCALER("v1"), .changes = {{"/spec/maxReplicas", "19"}}},
    {"a program in a running pod", "pods", "ephemeralcontainers", .operations = UPDATE,
     .changes = {{"/spec/ephemeralContainers",
                  "[{\"name\":\"d\",\"image\":\"registry.hydrosim.edu/$ME:v1\"}]"}}},
    {"more for a running pod", "pods", "resize", .operations = UPDATE,
     .changes = {{"/spec/containers/0/resources/limits/cpu", "\"64\""}}},
    {"a pod on a node past the scheduler", "pods", "binding", .operations = CREATE,
     .object = HEAD("v1", "Binding") ",\"target\":{\"apiVersion\":\"v1\",\"kind\":\"Node\","
                                     "\"name\":\"node-0\"}}"},
    {"a pod on a node past the scheduler, the old way", "bindings", .operations = CREATE,
     .object = HEAD("v1", "Binding") ",\"target\":{\"apiVersion\":\"v1\",\"kind\":\"Node\","
                                     "\"name\":\"node-0\"}}"},
    {"a way through the API server to a pod's port", "pods", "proxy", .operations = CONNECT,
     .object = "{\"apiVersion\":\"v1\",\"kind\":\"PodProxyOptions\"}",
     .verbs = "get,create,update,patch,delete"},
    {"a way through the API server to a Service", "services", "proxy", .operations = CONNECT,
     .object = "{\"apiVersion\":\"v1\",\"kind\":\"ServiceProxyOptions\"}",
     .verbs = "get,create,update,patch,delete"},

    /* ---- behind a Deployment's back */
    {"the version to go back to is gone", "replicasets.apps", .operations = DELETE,
     .object = "{\"apiVersion\":\"apps/v1\",\"kind\":\"ReplicaSet\",\"metadata\":{\"name\":"
               "\"$ME-1\",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
               "\"name\":\"$ME\",\"uid\":\"11111111-1111-1111-1111-111111111111\","
               "\"controller\":true}]},\"spec\":{" SELECTOR TEMPLATE("") "}}"},
    STATUS("Deployment", "deployments.apps"),
    STATUS("pod", "pods"),
    STATUS("Service", "services"),
    STATUS("Ingress", "ingresses.networking.k8s.io"),
    D("a return that no record shows",
      {"/metadata/annotations", "{\"deprecated.deployment.rollback.to\":\"1\"}"}),
    {"pods that stay when their Deployment goes", "deployments.apps", .operations = DELETE,
     .options = "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"DeleteOptions\","
                "\"propagationPolicy\":\"Orphan\"}"},
    {"pods that stay when their Deployment goes, the old way", "deployments.apps",
     .operations = DELETE,
     .options = "{\"apiVersion\":\"meta.k8s.io/v1\",\"kind\":\"DeleteOptions\","
                "\"orphanDependents\":true}"},
    {"a ConfigMap with a forged owner", "configmaps", .operations = WRITE,
     .changes = {{"/metadata/ownerReferences", OWNER}}},
    D("a Deployment with a forged owner", {"/metadata/ownerReferences", OWNER}),
    {"a ConfigMap that cannot be deleted", "configmaps", .operations = WRITE,
     .changes = {{"/metadata/finalizers", "[\"example.com/a\"]"}}},
    D("a Deployment that cannot be deleted", {"/metadata/finalizers", "[\"example.com/a\"]"}),
    {"a node that cannot be emptied, by a minimum", "poddisruptionbudgets.policy",
     .operations = WRITE, .changes = {{"/spec/maxUnavailable", NULL}, {"/spec/minAvailable", "1"}}},
    {"a node that cannot be emptied, by a maximum", "poddisruptionbudgets.policy",
     .operations = WRITE, .changes = {{"/spec/maxUnavailable", "0"}}},

    /* ---- keys, rights, traffic by other kinds */
    {"a lasting key to the cluster", "secrets", .operations = CREATE,
     .changes = {{"/type", "\"kubernetes.io/service-account-token\""},
                 {"/metadata/annotations",
                  "{\"kubernetes.io/service-account.name\":\"default\"}"}}},
    {"a key of an account", "serviceaccounts", "token", .operations = CREATE,
     .object = HEAD("authentication.k8s.io/v1", "TokenRequest") ",\"spec\":{\"audiences\":[]}}"},
    ANY("an account", "serviceaccounts", "v1", "ServiceAccount"),
    ANY("rights in the namespace", "roles.rbac.authorization.k8s.io",
        "rbac.authorization.k8s.io/v1", "Role"),
    ANY("rights in the namespace for anybody", "rolebindings.rbac.authorization.k8s.io",
        "rbac.authorization.k8s.io/v1", "RoleBinding"),
    ANY("the floor under every container", "limitranges", "v1", "LimitRange"),
    ANY("the roof over all projects", "resourcequotas", "v1", "ResourceQuota"),
    ANY("a template for pods", "podtemplates", "v1", "PodTemplate"),
    ANY("a controller's lease", "leases.coordination.k8s.io", "coordination.k8s.io/v1", "Lease"),
    ANY("a device claimed", "resourceclaims.resource.k8s.io", "resource.k8s.io/v1",
        "ResourceClaim"),
    ANY("a kind that nobody has thought of", "things.example.com", "example.com/v1", "Thing"),
    {"traffic to any address, by Endpoints", "endpoints", .operations = ALL,
     .changes = {{"/subsets/0/addresses/0/ip", "\"10.9.9.8\""}}},
    {"traffic to any address, by an EndpointSlice", "endpointslices.discovery.k8s.io",
     .operations = ALL, .changes = {{"/endpoints/0/addresses/0", "\"10.9.9.8\""}}},
    {"a door in the wall between pods", "networkpolicies.networking.k8s.io", .operations = ALL,
     .changes = {{"/spec/podSelector", "{\"matchLabels\":{\"app\":\"$ME\"}}"}}},

    /* ---- past all admission */
    CLUSTER("another namespace's rules for this one", "namespaces", "v1", "Namespace"),
    CLUSTER("the webhook itself", "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    CLUSTER("the webhook's last word",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    CLUSTER("rights everywhere", "clusterroles.rbac.authorization.k8s.io",
            "rbac.authorization.k8s.io/v1", "ClusterRole"),
    CLUSTER("rights everywhere for anybody", "clusterrolebindings.rbac.authorization.k8s.io",
            "rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    CLUSTER("a node's disk as a volume", "persistentvolumes", "v1", "PersistentVolume"),
    CLUSTER("a node", "nodes", "v1", "Node"),
    CLUSTER("a kind of one's own", "customresourcedefinitions.apiextensions.k8s.io",
            "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    {"a node's kubelet, which asks no admission", "nodes", "proxy", .verbs = "get,create",
     .cluster = true},
    {"another user's name", "users", .verbs = "impersonate", .cluster = true},
    {"another group's rights", "groups", .verbs = "impersonate", .cluster = true},
    {"an account's rights", "serviceaccounts", .verbs = "impersonate"},
};
const size_t coverage_way_count = sizeof coverage_ways / sizeof coverage_ways[0];
