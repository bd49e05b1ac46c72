#include "kube/image.h"
#include "kube/schema_table.h"

#include <string.h>

/* Adds a member if it is absent. */
static void add_string(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    if (json_get(object, key) == NULL)
        json_add(arena, object, key, json_new_string(arena, text));
}

static void add_int(struct arena *arena, cJSON *object, const char *key, int64_t number)
{
    if (json_get(object, key) == NULL)
        json_add(arena, object, key, json_new_int(arena, number));
}

static void add_bool(struct arena *arena, cJSON *object, const char *key, bool value)
{
    if (json_get(object, key) == NULL)
        json_add(arena, object, key, json_new_bool(arena, value));
}

/* The member, made if it is absent. */
static cJSON *need_object(struct arena *arena, cJSON *object, const char *key)
{
    cJSON *member = json_get(object, key);
    if (member == NULL) {
        member = json_new_object(arena);
        json_add(arena, object, key, member);
    }
    return member;
}

static void set_string(struct arena *arena, cJSON *object, const char *key, const char *text)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_unlink(object, member);
    json_add(arena, object, key, json_new_string(arena, text));
}

static bool member_is(const cJSON *object, const char *key, const char *text)
{
    const char *value = json_get_string(object, key);
    return value != NULL && strcmp(value, text) == 0;
}

static void copy_if_absent(struct arena *arena, cJSON *object, const char *key, const cJSON *value)
{
    if (json_count(json_get(object, key)) > 0 || json_count(value) == 0)
        return;
    json_add(arena, object, key, json_dup(arena, value));
}

/* Drops an annotation, and the map with it if it was the last. */
static void drop_annotation(cJSON *metadata, const char *key)
{
    cJSON *annotations = json_get(metadata, "annotations");
    cJSON *member = json_find(annotations, key);
    if (member == NULL)
        return;
    json_unlink(annotations, member);
    if (annotations->child == NULL)
        json_unlink(metadata, annotations);
}

/* Adds the two limits of a rolling update.  With another type a rollingUpdate is an error, but
 * webhooks see it first, with the zeros of the internal type. */
static void fill_rolling(struct arena *arena, cJSON *strategy, cJSON *unavailable, cJSON *surge)
{
    add_string(arena, strategy, "type", "RollingUpdate");
    cJSON *rolling = json_get(strategy, "rollingUpdate");
    if (member_is(strategy, "type", "RollingUpdate")) {
        rolling = need_object(arena, strategy, "rollingUpdate");
    } else {
        unavailable = json_new_int(arena, 0);
        surge = json_new_int(arena, 0);
    }
    if (rolling != NULL && json_get(rolling, "maxUnavailable") == NULL)
        json_add(arena, rolling, "maxUnavailable", unavailable);
    if (rolling != NULL && json_get(rolling, "maxSurge") == NULL)
        json_add(arena, rolling, "maxSurge", surge);
}

void schema_fill_deployment(struct arena *arena, cJSON *deployment)
{
    static const char rollback[] = "deprecated.deployment.rollback.to";
    cJSON *metadata = json_get(deployment, "metadata");
    if (member_is(json_get(metadata, "annotations"), rollback, ""))
        drop_annotation(metadata, rollback);
    cJSON *strategy = need_object(arena, need_object(arena, deployment, "spec"), "strategy");
    fill_rolling(arena, strategy, json_new_string(arena, "25%"), json_new_string(arena, "25%"));
}

void schema_fill_daemon_set(struct arena *arena, cJSON *daemon_set)
{
    /* The internal type's templateGeneration lives on as an annotation, always. */
    cJSON *metadata = need_object(arena, daemon_set, "metadata");
    add_string(arena, need_object(arena, metadata, "annotations"),
               "deprecated.daemonset.template.generation", "0");
    cJSON *spec = need_object(arena, daemon_set, "spec");
    fill_rolling(arena, need_object(arena, spec, "updateStrategy"), json_new_int(arena, 1),
                 json_new_int(arena, 0));
}

void schema_fill_stateful_set(struct arena *arena, cJSON *stateful_set)
{
    cJSON *spec = need_object(arena, stateful_set, "spec");
    cJSON *strategy = need_object(arena, spec, "updateStrategy");
    if (json_get(strategy, "type") == NULL) {
        add_string(arena, strategy, "type", "RollingUpdate");
        need_object(arena, strategy, "rollingUpdate");
    }
    /* With another type it is an error, but webhooks see it first, with the internal type's zero.
     */
    cJSON *rolling = json_get(strategy, "rollingUpdate");
    if (rolling != NULL)
        add_int(arena, rolling, "partition", 0);

    cJSON *claims = json_get(spec, "volumeClaimTemplates");
    for (cJSON *claim = claims == NULL ? NULL : claims->child; claim != NULL; claim = claim->next) {
        set_string(arena, claim, "apiVersion", "v1");
        set_string(arena, claim, "kind", "PersistentVolumeClaim");
    }
}

void schema_fill_job(struct arena *arena, cJSON *job)
{
    cJSON *spec = need_object(arena, job, "spec");
    if (json_get(spec, "parallelism") == NULL)
        add_int(arena, spec, "completions", 1);
    add_int(arena, spec, "parallelism", 1);
    add_int(arena, spec, "backoffLimit",
            json_get(spec, "backoffLimitPerIndex") == NULL ? 6 : INT32_MAX);
    add_string(arena, spec, "completionMode", "NonIndexed");
    add_bool(arena, spec, "suspend", false);
    add_bool(arena, spec, "manualSelector", false);
    add_string(arena, spec, "podReplacementPolicy",
               json_get(spec, "podFailurePolicy") == NULL ? "TerminatingOrFailed" : "Failed");
    copy_if_absent(arena, need_object(arena, job, "metadata"), "labels",
                   json_path(spec, "template", "metadata", "labels", NULL));
}

void schema_fill_replication_controller(struct arena *arena, cJSON *controller)
{
    cJSON *spec = need_object(arena, controller, "spec");
    const cJSON *labels = json_path(spec, "template", "metadata", "labels", NULL);
    copy_if_absent(arena, spec, "selector", labels);
    copy_if_absent(arena, need_object(arena, controller, "metadata"), "labels", labels);
}

/* 80 % of the CPU, unless other metrics came in the annotation that carries v2's through v1. */
void schema_fill_scaler_v1(struct arena *arena, cJSON *scaler)
{
    if (json_path(scaler, "metadata", "annotations", "autoscaling.alpha.kubernetes.io/metrics",
                  NULL) == NULL)
        add_int(arena, need_object(arena, scaler, "spec"), "targetCPUUtilizationPercentage", 80);
}

static void add_scaling_policy(struct arena *arena, cJSON *rules, const char *type, int64_t value)
{
    cJSON *policy = json_new_object(arena);
    add_string(arena, policy, "type", type);
    add_int(arena, policy, "value", value);
    add_int(arena, policy, "periodSeconds", 15);
    json_append(json_get(rules, "policies"), policy);
}

static void fill_scaling_rules(struct arena *arena, cJSON *rules, bool up)
{
    add_string(arena, rules, "selectPolicy", "Max");
    if (up)
        add_int(arena, rules, "stabilizationWindowSeconds", 0);
    if (json_get(rules, "policies") != NULL)
        return;
    json_add(arena, rules, "policies", json_new_array(arena));
    if (up)
        add_scaling_policy(arena, rules, "Pods", 4);
    add_scaling_policy(arena, rules, "Percent", 100);
}

void schema_fill_scaler_v2(struct arena *arena, cJSON *scaler)
{
    cJSON *spec = need_object(arena, scaler, "spec");
    if (json_count(json_get(spec, "metrics")) == 0) {
        cJSON *metric = json_new_object(arena);
        add_string(arena, metric, "type", "Resource");
        cJSON *resource = need_object(arena, metric, "resource");
        add_string(arena, resource, "name", "cpu");
        cJSON *target = need_object(arena, resource, "target");
        add_string(arena, target, "type", "Utilization");
        add_int(arena, target, "averageUtilization", 80);
        json_add(arena, spec, "metrics", json_new_array(arena));
        json_append(json_get(spec, "metrics"), metric);
    }
    cJSON *behavior = json_get(spec, "behavior");
    if (behavior == NULL)
        return;
    fill_scaling_rules(arena, need_object(arena, behavior, "scaleUp"), true);
    fill_scaling_rules(arena, need_object(arena, behavior, "scaleDown"), false);
}

/* What is limited and not requested is requested up to its limit. */
static void request_limits(struct arena *arena, cJSON *container)
{
    cJSON *resources = json_get(container, "resources");
    const cJSON *limits = json_get(resources, "limits");
    if (limits == NULL)
        return;
    cJSON *requests = need_object(arena, resources, "requests");
    for (const cJSON *limit = limits->child; limit != NULL; limit = limit->next)
        if (json_find(requests, limit->string) == NULL)
            json_add(arena, requests, limit->string, json_dup(arena, limit));
}

static void open_host_ports(struct arena *arena, cJSON *container)
{
    const cJSON *ports = json_get(container, "ports");
    for (cJSON *port = ports == NULL ? NULL : ports->child; port != NULL; port = port->next) {
        int64_t number;
        if (json_int64(json_get(port, "containerPort"), &number) && number != 0)
            add_int(arena, port, "hostPort", number);
    }
}

/* What kubelets before 1.8 took for init containers. */
static void drop_old_annotations(cJSON *metadata)
{
    static const char *const keys[] = {
        "pod.beta.kubernetes.io/init-containers",
        "pod.alpha.kubernetes.io/init-containers",
        "pod.beta.kubernetes.io/init-container-statuses",
        "pod.alpha.kubernetes.io/init-container-statuses",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        drop_annotation(metadata, keys[i]);
}

void schema_fill_pod_template(struct arena *arena, cJSON *template)
{
    (void)arena;
    drop_old_annotations(json_get(template, "metadata"));
}

/* Only for Pods: a template keeps what was written, or every ReplicaSet would differ from it.
 * Not here: the requests that newer servers (PodLevelResources, on from 1.34) derive from
 * spec.resources.limits; the older supported ones do not. */
void schema_fill_pod(struct arena *arena, cJSON *pod)
{
    static const char *const lists[] = {"containers", "initContainers"};
    drop_old_annotations(json_get(pod, "metadata"));
    cJSON *spec = need_object(arena, pod, "spec");
    const bool on_host = json_is_true(json_get(spec, "hostNetwork"));
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const cJSON *list = json_get(spec, lists[i]);
        for (cJSON *item = list == NULL ? NULL : list->child; item != NULL; item = item->next) {
            request_limits(arena, item);
            if (on_host)
                open_host_ports(arena, item);
        }
    }
    add_bool(arena, spec, "enableServiceLinks", true);
    cJSON *grace = json_get(spec, "terminationGracePeriodSeconds");
    if (json_is_number(grace) && grace->valuedouble < 0)
        json_assign(arena, grace, json_new_int(arena, 1));
}

void schema_fill_pod_spec(struct arena *arena, cJSON *spec)
{
    const char *name = json_get_string(spec, "serviceAccountName");
    if (name == NULL)
        name = json_get_string(spec, "serviceAccount");
    if (name == NULL)
        return;
    name = arena_strdup(arena, name);
    set_string(arena, spec, "serviceAccountName", name);
    set_string(arena, spec, "serviceAccount", name);
}

/* Always for :latest, written or implied; a text that is no reference is left to validation. */
static const char *pull_policy(const char *reference)
{
    struct image image;
    if (reference == NULL || !image_parse(reference, &image) || image.tag.length != 6 ||
        memcmp(image.tag.text, "latest", 6) != 0)
        return "IfNotPresent";
    return "Always";
}

void schema_fill_container(struct arena *arena, cJSON *container)
{
    add_string(arena, container, "imagePullPolicy",
               pull_policy(json_get_string(container, "image")));
}

void schema_fill_volume(struct arena *arena, cJSON *volume)
{
    const size_t others = json_get(volume, "name") == NULL ? 0 : 1;
    if (json_count(volume) == others)
        need_object(arena, volume, "emptyDir");
    cJSON *image = json_get(volume, "image");
    if (image != NULL)
        add_string(arena, image, "pullPolicy", pull_policy(json_get_string(image, "reference")));
}

static void fill_service_ports(struct arena *arena, cJSON *spec)
{
    const cJSON *ports = json_get(spec, "ports");
    for (cJSON *port = ports == NULL ? NULL : ports->child; port != NULL; port = port->next) {
        cJSON *target = json_get(port, "targetPort");
        if (target != NULL && schema_is_zero(target))
            json_unlink(port, target);
        int64_t number = 0;
        if (json_get(port, "port") != NULL && !json_int64(json_get(port, "port"), &number))
            continue;
        add_int(arena, port, "targetPort", number);
    }
}

static void fill_session_affinity(struct arena *arena, cJSON *spec)
{
    cJSON *config = json_get(spec, "sessionAffinityConfig");
    if (member_is(spec, "sessionAffinity", "ClientIP")) {
        config = need_object(arena, spec, "sessionAffinityConfig");
        add_int(arena, need_object(arena, config, "clientIP"), "timeoutSeconds", 10800);
    } else if (config != NULL && member_is(spec, "sessionAffinity", "None")) {
        json_unlink(spec, config);
    }
}

/* clusterIP, ipFamilies and node ports are allocated after the webhooks, so not here. */
void schema_fill_service(struct arena *arena, cJSON *service)
{
    cJSON *spec = need_object(arena, service, "spec");
    add_string(arena, spec, "sessionAffinity", "None");
    add_string(arena, spec, "type", "ClusterIP");
    fill_session_affinity(arena, spec);
    fill_service_ports(arena, spec);

    const bool balanced = member_is(spec, "type", "LoadBalancer");
    const bool on_nodes = balanced || member_is(spec, "type", "NodePort");
    const bool in_cluster = member_is(spec, "type", "ClusterIP");
    if (on_nodes || (in_cluster && json_count(json_get(spec, "externalIPs")) > 0))
        add_string(arena, spec, "externalTrafficPolicy", "Cluster");
    if (on_nodes || in_cluster)
        add_string(arena, spec, "internalTrafficPolicy", "Cluster");
    if (!balanced)
        return;
    add_bool(arena, spec, "allocateLoadBalancerNodePorts", true);
    const cJSON *ways = json_path(service, "status", "loadBalancer", "ingress", NULL);
    for (cJSON *way = ways == NULL ? NULL : ways->child; way != NULL; way = way->next)
        if (json_get(way, "ip") != NULL)
            add_string(arena, way, "ipMode", "VIP");
}

void schema_fill_namespace(struct arena *arena, cJSON *namespace)
{
    cJSON *metadata = need_object(arena, namespace, "metadata");
    const char *name = json_get_string(metadata, "name");
    if (name != NULL)
        set_string(arena, need_object(arena, metadata, "labels"), "kubernetes.io/metadata.name",
                   name);
}

static char *base64(struct arena *arena, const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t length = strlen(text);
    char *out = arena_alloc(arena, (length + 2) / 3 * 4 + 1), *at = out;
    for (size_t i = 0; i < length; i += 3) {
        const size_t left = length - i;
        const uint32_t bits = (uint32_t)(unsigned char)text[i] << 16 |
                              (left > 1 ? (uint32_t)(unsigned char)text[i + 1] << 8 : 0) |
                              (left > 2 ? (uint32_t)(unsigned char)text[i + 2] : 0);
        *at++ = digits[bits >> 18];
        *at++ = digits[bits >> 12 & 63];
        *at++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[bits & 63] : '=';
    }
    return out;
}

/* stringData is write-only: it lands in data. */
void schema_fill_secret(struct arena *arena, cJSON *secret)
{
    cJSON *plain = json_get(secret, "stringData");
    if (plain == NULL)
        return;
    cJSON *data = need_object(arena, secret, "data");
    for (const cJSON *entry = plain->child; entry != NULL; entry = entry->next)
        set_string(arena, data, entry->string, base64(arena, json_string(entry)));
    json_unlink(secret, plain);
}

void schema_fill_network_policy(struct arena *arena, cJSON *network_policy)
{
    cJSON *spec = need_object(arena, network_policy, "spec");
    if (json_count(json_get(spec, "policyTypes")) > 0)
        return;
    cJSON *types = json_new_array(arena);
    json_append(types, json_new_string(arena, "Ingress"));
    if (json_count(json_get(spec, "egress")) > 0)
        json_append(types, json_new_string(arena, "Egress"));
    json_add(arena, spec, "policyTypes", types);
}
