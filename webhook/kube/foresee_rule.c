/* Members by themselves: what must be there, and what may stand there.  One row each. */
#include "kube/foresee_internal.h"

#include "kube/names.h"
#include "kube/quantity.h"

#include <stdlib.h>
#include <string.h>

enum check {
    CHECK_PRESENT,  /* neither absent nor empty nor 0 */
    CHECK_RANGE,    /* a whole number from low to high */
    CHECK_DNS,      /* a DNS label, at most 63 */
    CHECK_DNS_DOTS, /* labels with dots between, at most 253; a name, or a host's */
    CHECK_HOST,     /* the same, with *. before it */
    CHECK_PORT,     /* 1 to 65535, or the name of one */
    CHECK_PORT_NAME,
    CHECK_SHARE,       /* a number that is not negative, or a percentage, at most `high` % */
    CHECK_PATH,        /* begins with / */
    CHECK_LABELS,      /* keys and values */
    CHECK_ANNOTATIONS, /* keys */
    CHECK_FILE_KEYS,   /* keys that are files in a volume */
    CHECK_UNIQUE,      /* no two elements with the same `key` */
    CHECK_AMOUNTS,     /* quantities that are not negative */
    CHECK_ANY_OF       /* the object has one of the members of its union */
};

struct rule {
    const char *object, *member;
    enum check check;
    int64_t low, high;
    const char *key;
};

#define NONE      INT64_MIN
#define INT32_TOP 2147483647
#define MODE_TOP  0777

static const struct rule rules[] = {
    {"meta.v1.ObjectMeta", "labels", CHECK_LABELS, NONE, NONE, NULL},
    {"meta.v1.ObjectMeta", "annotations", CHECK_ANNOTATIONS, NONE, NONE, NULL},
    {"meta.v1.LabelSelector", "matchLabels", CHECK_LABELS, NONE, NONE, NULL},
    {"meta.v1.OwnerReference", "apiVersion", CHECK_PRESENT, NONE, NONE, NULL},
    {"meta.v1.OwnerReference", "kind", CHECK_PRESENT, NONE, NONE, NULL},
    {"meta.v1.OwnerReference", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"meta.v1.OwnerReference", "uid", CHECK_PRESENT, NONE, NONE, NULL},

    {"apps.v1.DeploymentSpec", "replicas", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.DeploymentSpec", "minReadySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.DeploymentSpec", "revisionHistoryLimit", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.DeploymentSpec", "progressDeadlineSeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.RollingUpdateDeployment", "maxSurge", CHECK_SHARE, 0, INT32_TOP, NULL},
    {"apps.v1.RollingUpdateDeployment", "maxUnavailable", CHECK_SHARE, 0, 100, NULL},
    {"apps.v1.RollingUpdateDaemonSet", "maxSurge", CHECK_SHARE, 0, 100, NULL},
    {"apps.v1.RollingUpdateDaemonSet", "maxUnavailable", CHECK_SHARE, 0, 100, NULL},
    {"apps.v1.DaemonSetSpec", "minReadySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.DaemonSetSpec", "revisionHistoryLimit", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.ReplicaSetSpec", "replicas", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.ReplicaSetSpec", "minReadySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.StatefulSetSpec", "replicas", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.StatefulSetSpec", "minReadySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.StatefulSetSpec", "revisionHistoryLimit", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"apps.v1.RollingUpdateStatefulSetStrategy", "partition", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.ReplicationControllerSpec", "replicas", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.ReplicationControllerSpec", "minReadySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.ReplicationControllerSpec", "selector", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ReplicationControllerSpec", "template", CHECK_PRESENT, NONE, NONE, NULL},
    {"autoscaling.v1.ScaleSpec", "replicas", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.JobSpec", "parallelism", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.JobSpec", "completions", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.JobSpec", "backoffLimit", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.JobSpec", "activeDeadlineSeconds", CHECK_RANGE, 0, INT64_MAX, NULL},
    {"batch.v1.JobSpec", "ttlSecondsAfterFinished", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.CronJobSpec", "schedule", CHECK_PRESENT, NONE, NONE, NULL},
    {"batch.v1.CronJobSpec", "startingDeadlineSeconds", CHECK_RANGE, 0, INT64_MAX, NULL},
    {"batch.v1.CronJobSpec", "successfulJobsHistoryLimit", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"batch.v1.CronJobSpec", "failedJobsHistoryLimit", CHECK_RANGE, 0, INT32_TOP, NULL},

    {"core.v1.PodSpec", "containers", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.PodSpec", "volumes", CHECK_UNIQUE, NONE, NONE, "name"},
    {"core.v1.PodSpec", "activeDeadlineSeconds", CHECK_RANGE, 1, INT32_TOP, NULL},
    {"core.v1.PodSpec", "hostname", CHECK_DNS, NONE, NONE, NULL},
    {"core.v1.PodSpec", "subdomain", CHECK_DNS, NONE, NONE, NULL},
    {"core.v1.PodSpec", "nodeSelector", CHECK_LABELS, NONE, NONE, NULL},
    {"core.v1.PodSpec", "serviceAccountName", CHECK_DNS_DOTS, NONE, NONE, NULL},
    {"core.v1.Container", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.Container", "name", CHECK_DNS, NONE, NONE, NULL},
    {"core.v1.Container", "image", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.Container", "ports", CHECK_UNIQUE, NONE, NONE, "name"},
    {"core.v1.Container", "volumeMounts", CHECK_UNIQUE, NONE, NONE, "mountPath"},
    {"core.v1.Container", "volumeDevices", CHECK_UNIQUE, NONE, NONE, "devicePath"},
    {"core.v1.ContainerPort", "containerPort", CHECK_RANGE, 1, 65535, NULL},
    {"core.v1.ContainerPort", "hostPort", CHECK_RANGE, 0, 65535, NULL},
    {"core.v1.ContainerPort", "name", CHECK_PORT_NAME, NONE, NONE, NULL},
    {"core.v1.EnvVar", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.EnvVarSource", NULL, CHECK_ANY_OF, NONE, NONE, NULL},
    {"core.v1.ConfigMapKeySelector", "key", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.SecretKeySelector", "key", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ObjectFieldSelector", "fieldPath", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ResourceFieldSelector", "resource", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ResourceRequirements", "limits", CHECK_AMOUNTS, NONE, NONE, NULL},
    {"core.v1.ResourceRequirements", "requests", CHECK_AMOUNTS, NONE, NONE, NULL},
    {"core.v1.VolumeMount", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.VolumeMount", "mountPath", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.Probe", NULL, CHECK_ANY_OF, NONE, NONE, NULL},
    {"core.v1.Probe", "initialDelaySeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.Probe", "timeoutSeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.Probe", "periodSeconds", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.Probe", "successThreshold", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.Probe", "failureThreshold", CHECK_RANGE, 0, INT32_TOP, NULL},
    {"core.v1.LifecycleHandler", NULL, CHECK_ANY_OF, NONE, NONE, NULL},
    {"core.v1.HTTPGetAction", "port", CHECK_PORT, NONE, NONE, NULL},
    {"core.v1.TCPSocketAction", "port", CHECK_PORT, NONE, NONE, NULL},
    {"core.v1.GRPCAction", "port", CHECK_RANGE, 1, 65535, NULL},
    {"core.v1.ExecAction", "command", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.Volume", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.Volume", "name", CHECK_DNS, NONE, NONE, NULL},
    {"core.v1.HostPathVolumeSource", "path", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.SecretVolumeSource", "secretName", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.SecretVolumeSource", "defaultMode", CHECK_RANGE, 0, MODE_TOP, NULL},
    {"core.v1.ConfigMapVolumeSource", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ConfigMapVolumeSource", "defaultMode", CHECK_RANGE, 0, MODE_TOP, NULL},
    {"core.v1.DownwardAPIVolumeSource", "defaultMode", CHECK_RANGE, 0, MODE_TOP, NULL},
    {"core.v1.ProjectedVolumeSource", "defaultMode", CHECK_RANGE, 0, MODE_TOP, NULL},
    {"core.v1.PersistentVolumeClaimVolumeSource", "claimName", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.KeyToPath", "key", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.KeyToPath", "path", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.KeyToPath", "mode", CHECK_RANGE, 0, MODE_TOP, NULL},
    {"core.v1.TopologySpreadConstraint", "maxSkew", CHECK_RANGE, 1, INT32_TOP, NULL},
    {"core.v1.TopologySpreadConstraint", "topologyKey", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.TopologySpreadConstraint", "whenUnsatisfiable", CHECK_PRESENT, NONE, NONE, NULL},

    {"core.v1.ServicePort", "port", CHECK_RANGE, 1, 65535, NULL},
    {"core.v1.ServicePort", "name", CHECK_DNS, NONE, NONE, NULL},
    {"core.v1.ServicePort", "targetPort", CHECK_PORT, NONE, NONE, NULL},
    {"core.v1.ServiceSpec", "ports", CHECK_UNIQUE, NONE, NONE, "name"},
    {"core.v1.ServiceSpec", "selector", CHECK_LABELS, NONE, NONE, NULL},
    {"core.v1.ClientIPConfig", "timeoutSeconds", CHECK_RANGE, 1, 86400, NULL},
    {"networking.v1.IngressRule", "host", CHECK_HOST, NONE, NONE, NULL},
    {"networking.v1.HTTPIngressRuleValue", "paths", CHECK_PRESENT, NONE, NONE, NULL},
    {"networking.v1.HTTPIngressPath", "pathType", CHECK_PRESENT, NONE, NONE, NULL},
    {"networking.v1.IngressBackend", NULL, CHECK_ANY_OF, NONE, NONE, NULL},
    {"networking.v1.IngressServiceBackend", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.PersistentVolumeClaimSpec", "accessModes", CHECK_PRESENT, NONE, NONE, NULL},
    {"core.v1.ConfigMap", "data", CHECK_FILE_KEYS, NONE, NONE, NULL},
    {"core.v1.ConfigMap", "binaryData", CHECK_FILE_KEYS, NONE, NONE, NULL},
    {"core.v1.Secret", "data", CHECK_FILE_KEYS, NONE, NONE, NULL},

    {"autoscaling.v2.HorizontalPodAutoscalerSpec", "maxReplicas", CHECK_RANGE, 1, INT32_TOP, NULL},
    {"autoscaling.v1.HorizontalPodAutoscalerSpec", "maxReplicas", CHECK_RANGE, 1, INT32_TOP, NULL},
    {"autoscaling.v2.CrossVersionObjectReference", "kind", CHECK_PRESENT, NONE, NONE, NULL},
    {"autoscaling.v2.CrossVersionObjectReference", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"autoscaling.v1.CrossVersionObjectReference", "kind", CHECK_PRESENT, NONE, NONE, NULL},
    {"autoscaling.v1.CrossVersionObjectReference", "name", CHECK_PRESENT, NONE, NONE, NULL},
    {"policy.v1.PodDisruptionBudgetSpec", "minAvailable", CHECK_SHARE, 0, 100, NULL},
    {"policy.v1.PodDisruptionBudgetSpec", "maxUnavailable", CHECK_SHARE, 0, 100, NULL},
    {"discovery.v1.EndpointSlice", "addressType", CHECK_PRESENT, NONE, NONE, NULL},
    {"networking.v1.IPBlock", "cidr", CHECK_PRESENT, NONE, NONE, NULL},
};

/* ---- texts -------------------------------------------------------------------------------- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool foresee_is_dns(const char *text, size_t length_max, bool dots)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        const bool edge =
            i == 0 || i + 1 == length || (dots && (text[i - 1] == '.' || text[i + 1] == '.'));
        const bool dot = dots && text[i] == '.' && !edge;
        if (!is_letter_or_digit(text[i]) && !dot && (text[i] != '-' || edge))
            return false;
    }
    return length > 0 && length <= length_max;
}

/* RFC 6335's names of services, as the names of ports are. */
static bool is_port_name(const char *text)
{
    bool letter = false;
    for (const char *c = text; *c != '\0'; c++) {
        letter = letter || (*c >= 'a' && *c <= 'z');
        if (*c == '-' && c[1] == '-')
            return false;
    }
    return letter && foresee_is_dns(text, 15, false);
}

static bool is_percentage(const char *text, int64_t *ret_value)
{
    const size_t digits = strspn(text, "0123456789");
    *ret_value = strtol(text, NULL, 10);
    return digits > 0 && digits <= 9 && strcmp(text + digits, "%") == 0;
}

/* ---- checks ------------------------------------------------------------------------------- */

static void check_text(const struct rule *rule, const cJSON *value, const struct place *place)
{
    const char *text = json_string(value);
    if (text == NULL || text[0] == '\0')
        return;
    if (rule->check == CHECK_DNS && !foresee_is_dns(text, 63, false))
        foresee_refuse(place,
                       "Invalid value: \"%.60s\": must be lower-case letters, digits and -, "
                       "at most 63",
                       text);
    if (rule->check == CHECK_DNS_DOTS && !foresee_is_dns(text, 253, true))
        foresee_refuse(place, "Invalid value: \"%.60s\": must be a DNS name", text);
    if (rule->check == CHECK_HOST &&
        !foresee_is_dns(strncmp(text, "*.", 2) == 0 ? text + 2 : text, 253, true))
        foresee_refuse(place, "Invalid value: \"%.60s\": must be a DNS name", text);
    if (rule->check == CHECK_PORT_NAME && !is_port_name(text))
        foresee_refuse(place,
                       "Invalid value: \"%.60s\": must be lower-case letters, digits and -, "
                       "at most 15, with a letter",
                       text);
    if (rule->check == CHECK_PATH && text[0] != '/')
        foresee_refuse(place, "Invalid value: \"%.60s\": must begin with /", text);
}

static void check_range(const struct rule *rule, const cJSON *value, const struct place *place)
{
    int64_t number;
    if (!json_int64(value, &number) || (number >= rule->low && number <= rule->high))
        return;
    if (rule->high >= INT32_TOP)
        foresee_refuse(place, "Invalid value: %lld: must be %lld or more", (long long)number,
                       (long long)rule->low);
    else
        foresee_refuse(place, "Invalid value: %lld: must be between %lld and %lld",
                       (long long)number, (long long)rule->low, (long long)rule->high);
}

static void check_port(const cJSON *value, const struct place *place)
{
    static const struct rule range = {NULL, NULL, CHECK_RANGE, 1, 65535, NULL};
    static const struct rule name = {NULL, NULL, CHECK_PORT_NAME, NONE, NONE, NULL};
    if (json_is_number(value))
        check_range(&range, value, place);
    else
        check_text(&name, value, place);
}

static void check_share(const struct rule *rule, const cJSON *value, const struct place *place)
{
    static const struct rule number = {NULL, NULL, CHECK_RANGE, 0, INT32_TOP, NULL};
    int64_t share;
    if (json_is_number(value))
        check_range(&number, value, place);
    else if (!is_percentage(json_string(value), &share))
        foresee_refuse(place, "Invalid value: \"%.60s\": must be a whole number or a percentage",
                       json_string(value));
    else if (share > rule->high)
        foresee_refuse(place, "Invalid value: \"%.60s\": must not be more than 100%%",
                       json_string(value));
}

/* An annotation's key is looked at in lower case. */
static bool is_annotation_key(const char *key)
{
    char lower[400];
    const size_t length = strlen(key);
    if (length >= sizeof lower)
        return false;
    for (size_t i = 0; i <= length; i++)
        lower[i] = key[i] >= 'A' && key[i] <= 'Z' ? (char)(key[i] - 'A' + 'a') : key[i];
    return name_is_label_key(lower);
}

static void check_labels(const struct rule *rule, const cJSON *map, const struct place *place)
{
    const bool labels = rule->check == CHECK_LABELS;
    for (const cJSON *entry = map->child; entry != NULL; entry = entry->next) {
        const char *key = entry->string, *value = json_string(entry);
        if (!(labels ? name_is_label_key(key) : is_annotation_key(key)))
            foresee_refuse(place, "Invalid value: \"%.60s\": it is no key of %s", key,
                           labels ? "a label" : "an annotation");
        else if (labels && value != NULL && !name_is_label_value(value))
            foresee_refuse(place, "Invalid value: \"%.60s\": it is no value of a label", value);
    }
}

/* Of a file: nothing that leads elsewhere. */
static void check_file_keys(const cJSON *map, const struct place *place)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    for (const cJSON *entry = map->child; entry != NULL; entry = entry->next) {
        const char *key = entry->string;
        const size_t length = strlen(key);
        const struct place at = place_key(place, key);
        if (length == 0 || length > 253 || strspn(key, allowed) != length ||
            strcmp(key, ".") == 0 || strncmp(key, "..", 2) == 0)
            foresee_refuse(&at, "Invalid value: it must be letters, digits, -, _ and .");
    }
}

static void check_unique(const struct rule *rule, const cJSON *list, const struct place *place)
{
    size_t position = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next, position++) {
        const char *value = json_get_string(item, rule->key);
        if (value == NULL || value[0] == '\0')
            continue;
        for (const cJSON *before = list->child; before != item; before = before->next) {
            const char *other = json_get_string(before, rule->key);
            if (other == NULL || strcmp(other, value) != 0)
                continue;
            const struct place element = place_element(place, position);
            const struct place at = place_member(&element, rule->key);
            foresee_refuse(&at, "Duplicate value: \"%.60s\"", value);
            break;
        }
    }
}

static void check_amounts(const cJSON *map, const struct place *place)
{
    for (const cJSON *entry = map->child; entry != NULL; entry = entry->next) {
        struct quantity quantity;
        const char *text = json_string(entry);
        const struct place at = place_key(place, entry->string);
        if (text != NULL && quantity_parse(text, &quantity) && quantity.nanos < 0)
            foresee_refuse(&at, "Invalid value: \"%.60s\": must not be negative", text);
    }
}

static void check_any_of(const struct schema_object *schema, const cJSON *object,
                         const struct place *place)
{
    struct buf words;
    buf_init(&words, place->out->arena, 200);
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct schema_field *field = &schema->fields[i];
        if (field->union_group == 0)
            continue;
        if (json_get(object, field->name) != NULL)
            return;
        buf_printf(&words, "%s%s", words.length == 0 ? "" : ", ", field->name);
    }
    foresee_refuse(place, "Required value: one of %s", words.data);
}

static void check_value(const struct rule *rule, const cJSON *value, const struct place *place)
{
    switch (rule->check) {
    case CHECK_RANGE:
        check_range(rule, value, place);
        break;
    case CHECK_PORT:
        check_port(value, place);
        break;
    case CHECK_SHARE:
        check_share(rule, value, place);
        break;
    case CHECK_LABELS:
    case CHECK_ANNOTATIONS:
        check_labels(rule, value, place);
        break;
    case CHECK_FILE_KEYS:
        check_file_keys(value, place);
        break;
    case CHECK_UNIQUE:
        check_unique(rule, value, place);
        break;
    case CHECK_AMOUNTS:
        check_amounts(value, place);
        break;
    default:
        check_text(rule, value, place);
        break;
    }
}

void foresee_rules(const struct schema_object *schema, const cJSON *object,
                   const struct place *place)
{
    const char *name = foresee_short_name(schema);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct rule *rule = &rules[i];
        if (strcmp(rule->object, name) != 0)
            continue;
        if (rule->check == CHECK_ANY_OF) {
            check_any_of(schema, object, place);
            continue;
        }
        const cJSON *value = json_get(object, rule->member);
        const struct place at = place_member(place, rule->member);
        if (rule->check != CHECK_PRESENT && value != NULL)
            check_value(rule, value, &at);
        else if (rule->check == CHECK_PRESENT && (value == NULL || schema_is_zero(value)))
            foresee_refuse(&at, "Required value");
    }
}
