/* Is everything there and running: the API server, the namespaces, the webhook and its Service. */
#include "cli/doctor/doctor.h"

#include <stdlib.h>
#include <string.h>

#define MINOR_MIN 30

/* ---- the API server, and who asks */

/* "1.36" of {major: "1", minor: "36+"}. */
static long minor_of(const cJSON *version)
{
    const char *major = json_get_string(version, "major"),
               *minor = json_get_string(version, "minor");
    if (major == NULL || minor == NULL || strcmp(major, "1") != 0)
        return -1;
    return strtol(minor, NULL, 10);
}

void doctor_check_server(struct doctor *doctor)
{
    bool absent;
    const cJSON *version = doctor_look(doctor, "version", &absent);
    const char *user = json_get_string(json_get(doctor->facts, "user"), "username");
    const char *text = json_get_string(version, "gitVersion");
    if (version == NULL)
        return;
    doctor_say(doctor, "Kubernetes %s, asked as %s", text != NULL ? text : "?",
               user != NULL ? user : "an unknown account");
    if (minor_of(version) >= 0 && minor_of(version) < MINOR_MIN)
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_ERROR,
                       .object = "API server",
                       .field = "version",
                       .what = doctor_text(doctor, "%s is older than 1.30", text),
                       .why = "matchConditions are not final there, so what must never wait "
                              "for the webhook would.",
                       .mend = "kubectl version",
                   });
}

/* ---- namespaces */

static void check_namespace(struct doctor *doctor, const char *key, const char *name,
                            const char *why)
{
    bool absent;
    const cJSON *space = doctor_look(doctor, key, &absent);
    const char *object = doctor_text(doctor, "Namespace/%s", name);
    if (absent)
        doctor_add(doctor, &(struct doctor_words){.severity = DOCTOR_ERROR,
                                                  .object = object,
                                                  .what = "is not there",
                                                  .why = why,
                                                  .mend = DOCTOR_APPLY});
    else if (json_path(space, "metadata", "deletionTimestamp", NULL) != NULL)
        doctor_add(doctor, &(struct doctor_words){
                               .severity = DOCTOR_ERROR,
                               .object = object,
                               .field = "metadata.deletionTimestamp",
                               .what = "is being deleted",
                               .why = why,
                               .mend = doctor_text(doctor, "kubectl get namespace %s -o yaml",
                                                   doctor_word(doctor, name))});
}

void doctor_check_namespaces(struct doctor *doctor)
{
    doctor_say(doctor, "%s, %s", doctor->space, CLUSTER_STUDENTS);
    check_namespace(doctor, "system", doctor->space, "Proctor itself lives there.");
    check_namespace(doctor, "students", CLUSTER_STUDENTS, "What Proctor judges lives there.");
}

/* ---- the Deployment */

static int64_t number_at(const cJSON *object, const char *member, const char *key)
{
    int64_t value = 0;
    (void)json_int64(json_path(object, member, key, NULL), &value);
    return value;
}

static const cJSON *first_container(const cJSON *deployment)
{
    const cJSON *list = json_path(deployment, "spec", "template", "spec", "containers", NULL);
    return list != NULL ? list->child : NULL;
}

static void check_image(struct doctor *doctor, const cJSON *deployment)
{
    const char *image = json_get_string(first_container(deployment), "image");
    const char *slash = image != NULL ? strrchr(image, '/') : NULL;
    const char *colon = image != NULL ? strchr(slash != NULL ? slash : image, ':') : NULL;
    if (image == NULL || strchr(image, '@') != NULL ||
        (colon != NULL && strcmp(colon + 1, PROCTOR_VERSION) == 0))
        return;
    doctor_add(
        doctor,
        &(struct doctor_words){
            .severity = DOCTOR_WARNING,
            .object = "Deployment/" CLUSTER_WEBHOOK,
            .field = "spec.template.spec.containers[0].image",
            .what = doctor_text(doctor, "%s, and this program is %s", image, PROCTOR_VERSION),
            .why = "Of two versions, one may read the policies otherwise than the other.",
            .mend = DOCTOR_APPLY});
}

static void check_mode(struct doctor *doctor, const cJSON *deployment)
{
    const cJSON *variable;
    cJSON_ArrayForEach(variable, json_get(first_container(deployment), "env"))
    {
        const char *name = json_get_string(variable, "name");
        const char *value = json_get_string(variable, "value");
        if (name == NULL || value == NULL || strcmp(name, "PROCTOR_MODE") != 0 ||
            strcmp(value, "enforce") == 0)
            continue;
        doctor_add(doctor,
                   &(struct doctor_words){
                       .severity = DOCTOR_NOTE,
                       .object = "Deployment/" CLUSTER_WEBHOOK,
                       .field = "PROCTOR_MODE",
                       .what = doctor_text(doctor, "%s: nothing is refused", value),
                       .why = "Right for the first day; enforce is what protects the cluster.",
                       .mend = doctor_text(doctor,
                                           "kubectl -n %s set env deployment/" CLUSTER_WEBHOOK
                                           " PROCTOR_MODE=enforce",
                                           doctor_word(doctor, doctor->space))});
    }
}

static void check_rollout(struct doctor *doctor, const cJSON *deployment)
{
    const int64_t wanted = number_at(deployment, "spec", "replicas");
    const int64_t ready = number_at(deployment, "status", "readyReplicas");
    const int64_t updated = number_at(deployment, "status", "updatedReplicas");
    const int64_t seen = number_at(deployment, "status", "observedGeneration");
    const int64_t generation = number_at(deployment, "metadata", "generation");
    const char *mend =
        doctor_text(doctor, "kubectl -n %s describe pods -l app.kubernetes.io/name=%s",
                    doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK);
    doctor_say(doctor, "%lld of %lld replicas ready, %s", (long long)ready, (long long)wanted,
               json_get_string(first_container(deployment), "image") != NULL
                   ? json_get_string(first_container(deployment), "image")
                   : "no image");
    struct doctor_words words = {.severity = DOCTOR_WARNING,
                                 .object = "Deployment/" CLUSTER_WEBHOOK,
                                 .field = "status",
                                 .mend = mend};
    if (ready == 0) {
        words.severity = DOCTOR_ERROR;
        words.what = doctor_text(doctor, "0 of %lld replicas ready", (long long)wanted);
        words.why = "With failurePolicy Fail every write in " CLUSTER_STUDENTS
                    " is refused right now; `proctor disarm` lets it go on.";
        if (wanted == 0)
            words.mend = doctor_text(doctor, "kubectl -n %s scale deployment/%s --replicas=1",
                                     doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK);
    } else if (ready < wanted) {
        words.what =
            doctor_text(doctor, "%lld of %lld replicas ready", (long long)ready, (long long)wanted);
        words.why = "When the last one goes, nothing can be written in " CLUSTER_STUDENTS ".";
    } else if (updated < wanted || seen < generation) {
        words.what = doctor_text(doctor, "%lld of %lld replicas are of the newest version",
                                 (long long)updated, (long long)wanted);
        words.why = "The update has not come to its end.";
        words.mend = doctor_text(doctor, "kubectl -n %s rollout status deployment/%s",
                                 doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK);
    } else {
        return;
    }
    doctor_add(doctor, &words);
}

static void check_present(struct doctor *doctor, const char *key, const char *object,
                          enum doctor_severity severity, const char *why)
{
    bool absent;
    doctor_look(doctor, key, &absent);
    if (absent)
        doctor_add(doctor, &(struct doctor_words){.severity = severity,
                                                  .object = object,
                                                  .what = "is not there",
                                                  .why = why,
                                                  .mend = DOCTOR_APPLY});
}

void doctor_check_webhook(struct doctor *doctor)
{
    bool absent;
    const cJSON *deployment = doctor_look(doctor, "deployment", &absent);
    if (absent) {
        doctor_add(doctor, &(struct doctor_words){.severity = DOCTOR_ERROR,
                                                  .object = "Deployment/" CLUSTER_WEBHOOK,
                                                  .what = "is not there",
                                                  .why = "Nobody answers the API server.",
                                                  .mend = DOCTOR_APPLY});
        return;
    }
    if (deployment == NULL)
        return;
    check_rollout(doctor, deployment);
    check_image(doctor, deployment);
    check_mode(doctor, deployment);
    check_present(doctor, "account", "ServiceAccount/" CLUSTER_WEBHOOK, DOCTOR_ERROR,
                  "New pods of the webhook cannot be made without it.");
    check_present(doctor, "budget", "PodDisruptionBudget/" CLUSTER_WEBHOOK, DOCTOR_WARNING,
                  "A drain may stop all replicas at once.");
}

/* ---- the Service */

static void count_endpoints(const cJSON *slices, size_t *ret_ready, size_t *ret_all)
{
    const cJSON *slice, *endpoint;
    cJSON_ArrayForEach(slice, slices)
    {
        cJSON_ArrayForEach(endpoint, json_get(slice, "endpoints"))
        {
            const cJSON *ready = json_path(endpoint, "conditions", "ready", NULL);
            ++*ret_all;
            *ret_ready += ready == NULL || json_is_true(ready);
        }
    }
}

static bool has_port(const cJSON *service, int64_t wanted)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_path(service, "spec", "ports", NULL))
    {
        int64_t port = 0;
        if (json_int64(json_get(entry, "port"), &port) && port == wanted)
            return true;
    }
    return false;
}

void doctor_check_service(struct doctor *doctor)
{
    bool absent, no_slices;
    size_t ready = 0, all = 0;
    const cJSON *service = doctor_look(doctor, "service", &absent);
    struct doctor_words words = {.severity = DOCTOR_ERROR,
                                 .object = "Service/" CLUSTER_WEBHOOK,
                                 .why = "The API server calls the webhook by it.",
                                 .mend = DOCTOR_APPLY};
    if (absent) {
        words.what = "is not there";
        doctor_add(doctor, &words);
        return;
    }
    if (service != NULL && !has_port(service, 443)) {
        words.field = "spec.ports";
        words.what = "has no port 443";
        doctor_add(doctor, &words);
    }
    const cJSON *slices = doctor_look(doctor, "endpoints", &no_slices);
    if (slices == NULL)
        return;
    count_endpoints(slices, &ready, &all);
    doctor_say(doctor, "%zu of %zu addresses ready", ready, all);
    if (ready > 0)
        return;
    words.field = "endpoints";
    words.what = doctor_text(doctor, "none of %zu addresses is ready", all);
    words.why = "Every call ends in an error: writes in " CLUSTER_STUDENTS " are refused.";
    words.mend = doctor_text(doctor,
                             "kubectl -n %s get endpointslices,pods -l "
                             "app.kubernetes.io/name=%s",
                             doctor_word(doctor, doctor->space), CLUSTER_WEBHOOK);
    doctor_add(doctor, &words);
}
