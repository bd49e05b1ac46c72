/* How the members of an object fit together. */
#include "kube/foresee_internal.h"

#include "kube/names.h"
#include "kube/quantity.h"

#include <string.h>

static bool is_text(const cJSON *object, const char *name, const char *text)
{
    const char *value = json_get_string(object, name);
    return value != NULL && strcmp(value, text) == 0;
}

static bool is_set(const cJSON *object, const char *name)
{
    const cJSON *value = json_get(object, name);
    return value != NULL && !schema_is_zero(value);
}

static int64_t whole(const cJSON *object, const char *name, int64_t absent)
{
    int64_t number = absent;
    const cJSON *value = json_get(object, name);
    return value != NULL && json_int64(value, &number) ? number : absent;
}

/* 0, "0%", or absent. */
static bool is_nothing(const cJSON *value)
{
    return value == NULL || schema_is_zero(value) ||
           (json_is_string(value) && strcmp(json_string(value), "0%") == 0);
}

/* ---- workloads ---------------------------------------------------------------------------- */

static void fit_labels(const cJSON *wanted, const cJSON *spec, const struct place *place)
{
    const cJSON *labels = json_path(spec, "template", "metadata", "labels", NULL);
    const struct place template = place_member(place, "template");
    const struct place metadata = place_member(&template, "metadata");
    const struct place at = place_member(&metadata, "labels");
    for (const cJSON *entry = wanted == NULL ? NULL : wanted->child; entry != NULL;
         entry = entry->next) {
        const char *label = json_get_string(labels, entry->string);
        if (label != NULL && json_string(entry) != NULL && strcmp(label, json_string(entry)) == 0)
            continue;
        foresee_refuse(&at, "Invalid value: the selector wants %.60s: %.60s", entry->string,
                       json_string(entry) != NULL ? json_string(entry) : "");
    }
}

/* A template's pods are never tried by hand, and only those of Jobs may end. */
static void fit_template(const cJSON *spec, bool may_end, const struct place *place)
{
    const cJSON *pod = json_path(spec, "template", "spec", NULL);
    const struct place template = place_member(place, "template");
    const struct place at = place_member(&template, "spec");
    if (pod == NULL && may_end)
        return;
    const bool always = is_text(pod, "restartPolicy", "Always");
    if (pod == NULL)
        foresee_refuse_member(&at, "containers", "Required value");
    else if (always == may_end && is_set(pod, "restartPolicy"))
        foresee_refuse_member(&at, "restartPolicy",
                              may_end ? "Unsupported value: \"Always\": supported values: "
                                        "\"OnFailure\", \"Never\""
                                      : "Unsupported value: supported values: \"Always\"");
    if (is_set(pod, "ephemeralContainers"))
        foresee_refuse_member(&at, "ephemeralContainers", "Forbidden: not in a template");
}

static void fit_workload(const cJSON *spec, const struct place *place)
{
    const cJSON *selector = json_get(spec, "selector");
    if (selector == NULL)
        foresee_refuse_member(place, "selector", "Required value");
    else if (!is_set(selector, "matchLabels") && !is_set(selector, "matchExpressions"))
        foresee_refuse_member(place, "selector", "Invalid value: it is empty");
    else
        fit_labels(json_get(selector, "matchLabels"), spec, place);
    fit_template(spec, false, place);
}

static void fit_stateful_set(const cJSON *spec, const struct place *place)
{
    place->out->claims = json_get(spec, "volumeClaimTemplates");
    fit_workload(spec, place);
}

static void fit_controller(const cJSON *spec, const struct place *place)
{
    fit_labels(json_get(spec, "selector"), spec, place);
    fit_template(spec, false, place);
}

static void fit_rolling(const cJSON *strategy, const struct place *place)
{
    const cJSON *rolling = json_get(strategy, "rollingUpdate");
    if (rolling == NULL)
        return;
    const struct place at = place_member(place, "rollingUpdate");
    if (!is_text(strategy, "type", "RollingUpdate"))
        foresee_refuse(&at, "Forbidden: only with type RollingUpdate");
    else if (is_nothing(json_get(rolling, "maxSurge")) &&
             is_nothing(json_get(rolling, "maxUnavailable")))
        foresee_refuse_member(&at, "maxUnavailable",
                              "Invalid value: 0: not together with maxSurge 0");
}

static void fit_deployment(const cJSON *spec, const struct place *place)
{
    fit_workload(spec, place);
    const struct place strategy = place_member(place, "strategy");
    fit_rolling(json_get(spec, "strategy"), &strategy);
    const int64_t deadline = whole(spec, "progressDeadlineSeconds", INT64_MAX);
    if (deadline <= whole(spec, "minReadySeconds", 0))
        foresee_refuse_member(place, "progressDeadlineSeconds",
                              "Invalid value: must be greater than minReadySeconds");
}

static void fit_daemon_set(const cJSON *spec, const struct place *place)
{
    fit_workload(spec, place);
    const cJSON *strategy = json_get(spec, "updateStrategy");
    const cJSON *rolling = json_get(strategy, "rollingUpdate");
    if (!is_text(strategy, "type", "RollingUpdate") || rolling == NULL)
        return;
    const struct place outer = place_member(place, "updateStrategy");
    const struct place at = place_member(&outer, "rollingUpdate");
    const bool surge = !is_nothing(json_get(rolling, "maxSurge"));
    const bool unavailable = !is_nothing(json_get(rolling, "maxUnavailable"));
    if (!surge && !unavailable)
        foresee_refuse_member(&at, "maxUnavailable",
                              "Invalid value: 0: not together with maxSurge 0");
    else if (surge && unavailable)
        foresee_refuse_member(&at, "maxSurge", "Invalid value: not together with maxUnavailable");
}

static void fit_job(const cJSON *spec, const struct place *place)
{
    fit_template(spec, true, place);
    if (is_text(spec, "completionMode", "Indexed") && json_get(spec, "completions") == NULL)
        foresee_refuse_member(place, "completions", "Required value: completionMode is Indexed");
}

/* Five columns, or one of cron's names such as @hourly. */
static void fit_cron_job(const cJSON *spec, const struct place *place)
{
    const char *text = json_get_string(spec, "schedule");
    size_t columns = 0;
    if (text == NULL || text[0] == '\0' || text[0] == '@')
        return;
    for (const char *at = text + strspn(text, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        at += strcspn(at, " \t");
        columns++;
    }
    if (columns != 5)
        foresee_refuse_member(place, "schedule", "Invalid value: a schedule has five columns");
}

/* ---- pods --------------------------------------------------------------------------------- */

static void fit_names(const cJSON *pod, const char *list_name, const struct place *place)
{
    static const char *const lists[] = {"initContainers", "containers", NULL};
    const cJSON *list = json_get(pod, list_name);
    const struct place outer = place_member(place, list_name);
    size_t position = 0;
    for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL;
         item = item->next, position++) {
        const char *name = json_get_string(item, "name");
        for (size_t i = 0; name != NULL && lists[i] != NULL; i++) {
            /* An init container is told of the name that it shares with a container. */
            const cJSON *others = json_get(pod, lists[i]);
            const bool same_list = strcmp(lists[i], list_name) == 0;
            if (!same_list && strcmp(list_name, "containers") == 0)
                continue;
            for (const cJSON *other = others == NULL ? NULL : others->child;
                 other != NULL && other != item; other = other->next) {
                if (!is_text(other, "name", name))
                    continue;
                const struct place element = place_element(&outer, position);
                foresee_refuse_member(&element, "name", "Duplicate value");
                break;
            }
        }
    }
}

static bool has_volume(const cJSON *pod, const cJSON *claims, const char *name)
{
    const cJSON *volumes = json_get(pod, "volumes");
    for (const cJSON *item = volumes == NULL ? NULL : volumes->child; item != NULL;
         item = item->next)
        if (is_text(item, "name", name))
            return true;
    for (const cJSON *item = claims == NULL ? NULL : claims->child; item != NULL; item = item->next)
        if (is_text(json_get(item, "metadata"), "name", name))
            return true;
    return false;
}

static void fit_mounts(const cJSON *pod, const cJSON *container, const struct place *place)
{
    const cJSON *mounts = json_get(container, "volumeMounts");
    const struct place outer = place_member(place, "volumeMounts");
    size_t position = 0;
    for (const cJSON *item = mounts == NULL ? NULL : mounts->child; item != NULL;
         item = item->next, position++) {
        const char *name = json_get_string(item, "name");
        if (name == NULL || name[0] == '\0' || has_volume(pod, place->out->claims, name))
            continue;
        const struct place element = place_element(&outer, position);
        const struct place at = place_member(&element, "name");
        foresee_refuse(&at, "Not found: \"%.60s\"", name);
    }
}

static void fit_sleep(const cJSON *pod, const cJSON *container, const struct place *place)
{
    const cJSON *sleep = json_path(container, "lifecycle", "preStop", "sleep", NULL);
    if (sleep == NULL ||
        whole(sleep, "seconds", 0) <= whole(pod, "terminationGracePeriodSeconds", 30))
        return;
    const struct place lifecycle = place_member(place, "lifecycle");
    const struct place stop = place_member(&lifecycle, "preStop");
    foresee_refuse_member(&stop, "sleep",
                          "Invalid value: longer than terminationGracePeriodSeconds");
}

/* What ends before the others begin is not asked how it does. */
static void fit_init(const cJSON *container, const struct place *place)
{
    static const char *const members[] = {"readinessProbe", "livenessProbe", "startupProbe",
                                          "lifecycle"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (json_get(container, members[i]) != NULL &&
            !is_text(container, "restartPolicy", "Always"))
            foresee_refuse_member(place, members[i], "Forbidden: only if restartPolicy is Always");
}

static void fit_pod(const cJSON *pod, const struct place *place)
{
    static const char *const lists[] = {"containers", "initContainers"};
    for (size_t i = 0; i < 2; i++) {
        const cJSON *list = json_get(pod, lists[i]);
        const struct place outer = place_member(place, lists[i]);
        size_t position = 0;
        fit_names(pod, lists[i], place);
        for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL;
             item = item->next) {
            const struct place at = place_element(&outer, position++);
            fit_mounts(pod, item, &at);
            fit_sleep(pod, item, &at);
            if (i == 1)
                fit_init(item, &at);
        }
    }
}

static void fit_whole_pod(const cJSON *pod, const struct place *place)
{
    const struct place spec = place_member(place, "spec");
    if (json_get(pod, "spec") == NULL)
        foresee_refuse_member(&spec, "containers", "Required value");
    else if (place->out->creates && is_set(json_get(pod, "spec"), "ephemeralContainers"))
        foresee_refuse_member(&spec, "ephemeralContainers", "Forbidden: not in a new pod");
}

static void fit_toleration(const cJSON *toleration, const struct place *place)
{
    if (!is_set(toleration, "key") && !is_text(toleration, "operator", "Exists"))
        foresee_refuse_member(place, "operator", "Invalid value: must be Exists without a key");
    if (json_get(toleration, "tolerationSeconds") != NULL &&
        !is_text(toleration, "effect", "NoExecute"))
        foresee_refuse_member(place, "effect",
                              "Invalid value: must be NoExecute with tolerationSeconds");
}

/* ---- containers --------------------------------------------------------------------------- */

/* What a node has by itself; everything else has a domain before it. */
static bool is_resource(const char *name)
{
    static const char *const names[] = {"cpu", "memory", "ephemeral-storage"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return strncmp(name, "hugepages-", strlen("hugepages-")) == 0 || strchr(name, '/') != NULL;
}

static void fit_resources(const cJSON *resources, const struct place *place)
{
    static const char *const lists[] = {"limits", "requests"};
    const cJSON *limits = json_get(resources, "limits");
    const cJSON *requests = json_get(resources, "requests");
    for (size_t i = 0; i < 2; i++) {
        const cJSON *list = i == 0 ? limits : requests;
        const struct place outer = place_member(place, lists[i]);
        for (const cJSON *item = list == NULL ? NULL : list->child; item != NULL;
             item = item->next) {
            const struct place at = place_key(&outer, item->string);
            if (!is_resource(item->string))
                foresee_refuse(&at, "Invalid value: no resource of a container has this name");
        }
    }
    for (const cJSON *item = requests == NULL ? NULL : requests->child; item != NULL;
         item = item->next) {
        struct quantity request, limit;
        const char *top = json_get_string(limits, item->string), *text = json_string(item);
        if (top == NULL || text == NULL || !quantity_parse(text, &request) ||
            !quantity_parse(top, &limit) || quantity_compare(&request, &limit) <= 0)
            continue;
        const struct place at = place_member(place, "requests");
        foresee_refuse(&at,
                       "Invalid value: \"%.60s\": must be less than or equal to the %.60s "
                       "limit of %.60s",
                       text, item->string, top);
    }
}

static void fit_container(const cJSON *container, const struct place *place)
{
    static const char *const probes[] = {"livenessProbe", "startupProbe"};
    const cJSON *resources = json_get(container, "resources");
    const struct place at = place_member(place, "resources");
    fit_resources(resources, &at);
    for (size_t i = 0; i < 2; i++) {
        const struct place probe = place_member(place, probes[i]);
        if (whole(json_get(container, probes[i]), "successThreshold", 1) > 1)
            foresee_refuse_member(&probe, "successThreshold", "Invalid value: must be 1");
    }
}

static void fit_security(const cJSON *security, const struct place *place)
{
    const cJSON *escalation = json_get(security, "allowPrivilegeEscalation");
    if (escalation != NULL && !json_is_true(escalation) &&
        json_is_true(json_get(security, "privileged")))
        foresee_refuse(place, "Invalid value: allowPrivilegeEscalation false, and privileged");
}

/* ---- the other kinds ---------------------------------------------------------------------- */

static void fit_service(const cJSON *spec, const struct place *place)
{
    const cJSON *ports = json_get(spec, "ports");
    const bool headless = is_text(spec, "clusterIP", "None");
    const bool outside = is_text(spec, "type", "ExternalName");
    if (json_count(ports) == 0 && !headless && !outside)
        foresee_refuse_member(place, "ports", "Required value");
    if (headless && (is_text(spec, "type", "NodePort") || is_text(spec, "type", "LoadBalancer")))
        foresee_refuse_member(place, "clusterIPs", "Invalid value: \"None\": not with this type");
    if (outside && !is_set(spec, "externalName"))
        foresee_refuse_member(place, "externalName", "Required value: type is ExternalName");
    const struct place outer = place_member(place, "ports");
    size_t position = 0;
    for (const cJSON *port = ports == NULL ? NULL : ports->child;
         port != NULL && json_count(ports) > 1; port = port->next) {
        const struct place at = place_element(&outer, position++);
        if (!is_set(port, "name"))
            foresee_refuse_member(&at, "name", "Required value: there are several");
    }
}

static void fit_ingress(const cJSON *spec, const struct place *place)
{
    if (!is_set(spec, "defaultBackend") && !is_set(spec, "rules"))
        foresee_refuse(place, "Invalid value: neither defaultBackend nor rules");
}

static void fit_path(const cJSON *path, const struct place *place)
{
    const char *text = json_get_string(path, "path");
    if (is_text(path, "pathType", "ImplementationSpecific"))
        return;
    if (text == NULL || text[0] != '/')
        foresee_refuse_member(place, "path", "Invalid value: must begin with /");
}

static void fit_scaler(const cJSON *spec, const struct place *place)
{
    if (whole(spec, "maxReplicas", INT64_MAX) < whole(spec, "minReplicas", 1))
        foresee_refuse_member(place, "maxReplicas",
                              "Invalid value: must be greater than or equal to minReplicas");
}

static void fit_claim(const cJSON *spec, const struct place *place)
{
    const struct place at = place_member(place, "resources");
    if (json_path(spec, "resources", "requests", "storage", NULL) == NULL)
        foresee_refuse(&at, "Required value: how much storage is requested");
}

static void fit_config_map(const cJSON *map, const struct place *place)
{
    const cJSON *data = json_get(map, "data");
    const struct place outer = place_member(place, "data");
    for (const cJSON *item = data == NULL ? NULL : data->child; item != NULL; item = item->next) {
        const struct place at = place_key(&outer, item->string);
        if (json_get(json_get(map, "binaryData"), item->string) != NULL)
            foresee_refuse(&at, "Invalid value: the key stands in binaryData too");
    }
}

/* Go's decoder: four at a time, padded. */
static bool is_base64(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t count = 0, padding = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r')
            continue;
        count++;
        if (*text == '=')
            padding++;
        else if (padding > 0 || strchr(digits, *text) == NULL)
            return false;
    }
    return count % 4 == 0 && padding <= 2;
}

static void fit_bytes(const cJSON *object, const char *name, const struct place *place)
{
    const cJSON *data = json_get(object, name);
    const struct place outer = place_member(place, name);
    for (const cJSON *item = data == NULL ? NULL : data->child; item != NULL; item = item->next) {
        const struct place at = place_key(&outer, item->string);
        if (json_is_string(item) && !is_base64(json_string(item)))
            foresee_refuse(&at, "is not base64");
    }
}

static void fit_secret(const cJSON *secret, const struct place *place)
{
    static const char *const needed[][2] = {
        {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
        {"kubernetes.io/dockercfg", ".dockercfg"},
        {"kubernetes.io/tls", "tls.crt"},
        {"kubernetes.io/tls", "tls.key"},
        {"kubernetes.io/ssh-auth", "ssh-privatekey"},
    };
    fit_bytes(secret, "data", place);
    const struct place data = place_member(place, "data");
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const struct place at = place_key(&data, needed[i][1]);
        if (is_text(secret, "type", needed[i][0]) &&
            json_get(json_get(secret, "data"), needed[i][1]) == NULL)
            foresee_refuse(&at, "Required value: the type wants it");
    }
}

static void fit_binary(const cJSON *map, const struct place *place)
{
    fit_config_map(map, place);
    fit_bytes(map, "binaryData", place);
}

/* ------------------------------------------------------------------------------------------- */

static const struct fit {
    const char *object;
    void (*look)(const cJSON *object, const struct place *place);
} fits[] = {
    {"apps.v1.DeploymentSpec", fit_deployment},
    {"apps.v1.ReplicaSetSpec", fit_workload},
    {"apps.v1.DaemonSetSpec", fit_daemon_set},
    {"apps.v1.StatefulSetSpec", fit_stateful_set},
    {"core.v1.ReplicationControllerSpec", fit_controller},
    {"batch.v1.JobSpec", fit_job},
    {"batch.v1.CronJobSpec", fit_cron_job},
    {"core.v1.Pod", fit_whole_pod},
    {"core.v1.PodSpec", fit_pod},
    {"core.v1.Container", fit_container},
    {"core.v1.Toleration", fit_toleration},
    {"core.v1.SecurityContext", fit_security},
    {"core.v1.ServiceSpec", fit_service},
    {"networking.v1.IngressSpec", fit_ingress},
    {"networking.v1.HTTPIngressPath", fit_path},
    {"autoscaling.v1.HorizontalPodAutoscalerSpec", fit_scaler},
    {"autoscaling.v2.HorizontalPodAutoscalerSpec", fit_scaler},
    {"core.v1.PersistentVolumeClaimSpec", fit_claim},
    {"core.v1.ConfigMap", fit_binary},
    {"core.v1.Secret", fit_secret},
};

void foresee_fit(const struct schema_object *schema, const cJSON *object, const struct place *place)
{
    const char *name = foresee_short_name(schema);
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++)
        if (strcmp(fits[i].object, name) == 0)
            fits[i].look(object, place);
}
