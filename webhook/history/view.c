#include "history/view.h"

#include <string.h>
#include <time.h>

/* kube-controller-manager takes this as "no deadline" (HasProgressDeadline). */
#define DEADLINE_NEVER 2147483647

int64_t view_number(const cJSON *object, const char *key, int64_t otherwise)
{
    int64_t value;
    return json_int64(json_get(object, key), &value) && value >= 0 && value <= VIEW_NUMBER_MAX
               ? value
               : otherwise;
}

/* RFC 3339 in UTC, as the API server writes it: whole seconds, or micros in Lease and Event. */
static int64_t time_us(const char *text)
{
    struct tm parts = {0};
    const char *rest = text != NULL ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
    if (rest == NULL)
        return 0;
    int64_t us = (int64_t)timegm(&parts) * 1000000;
    if (*rest == '.') {
        int64_t unit = 100000;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            us += (*rest - '0') * unit;
    }
    return us;
}

static int64_t time_of(const cJSON *object, const char *key)
{
    return time_us(json_get_string(object, key));
}

/* A whole number in a text, such as an annotation; 0 if it is none. */
static int64_t text_number(const char *text)
{
    int64_t value = 0;
    for (; text != NULL && *text >= '0' && *text <= '9' && value < INT64_MAX / 100; text++)
        value = value * 10 + (*text - '0');
    return value;
}

static const char *copy_of(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static const char *copy_member(struct arena *arena, const cJSON *object, const char *key)
{
    return copy_of(arena, json_get_string(object, key));
}

static const char *annotation(struct arena *arena, const cJSON *object, const char *key)
{
    return copy_member(arena, json_path(object, "metadata", "annotations", NULL), key);
}

static const char *owner_uid(struct arena *arena, const cJSON *object)
{
    const cJSON *owners = json_path(object, "metadata", "ownerReferences", NULL);
    const cJSON *owner;
    cJSON_ArrayForEach(owner, owners)
    {
        if (json_is_true(json_get(owner, "controller")))
            return copy_member(arena, owner, "uid");
    }
    return NULL;
}

static int check_object(const cJSON *object, const char *what, struct err *reterr)
{
    const cJSON *metadata = json_get(object, "metadata");
    if (json_get_string(metadata, "name") == NULL || json_get_string(metadata, "uid") == NULL ||
        !json_is_object(json_get(object, "spec")))
        return err_set(reterr, ERR_ANSWER, "no %s: name, uid or spec is missing", what);
    return 0;
}

/* ---- Deployment */

static const cJSON *condition(const cJSON *status, const char *type)
{
    const cJSON *one;
    cJSON_ArrayForEach(one, json_get(status, "conditions"))
    {
        const char *name = json_get_string(one, "type");
        if (name != NULL && strcmp(name, type) == 0)
            return one;
    }
    return NULL;
}

static bool has_status(const cJSON *one, const char *status)
{
    const char *text = json_get_string(one, "status");
    return text != NULL && strcmp(text, status) == 0;
}

/* The controller's messages: `ReplicaSet "web-5d" has timed out progressing.`, `Created new
 * replica set "web-5d"`; those of the Deployment begin with its kind. */
static const char *named_set(struct arena *arena, const char *message)
{
    if (message == NULL || strncmp(message, "Deployment ", strlen("Deployment ")) == 0)
        return NULL;
    const char *from = strchr(message, '"');
    const char *to = from != NULL ? strchr(from + 1, '"') : NULL;
    return to != NULL ? arena_strndup(arena, from + 1, (size_t)(to - from - 1)) : NULL;
}

static void read_conditions(struct arena *arena, const cJSON *status, struct view_deployment *view)
{
    const cJSON *progressing = condition(status, "Progressing");
    if (progressing != NULL) {
        view->progressing.present = true;
        view->progressing.is_true = has_status(progressing, "True");
        view->progressing.is_false = has_status(progressing, "False");
        view->progressing.reason = copy_member(arena, progressing, "reason");
        view->progressing.message = copy_member(arena, progressing, "message");
        view->progressing.last_update = copy_member(arena, progressing, "lastUpdateTime");
        view->progressing.names_set = named_set(arena, view->progressing.message);
    }
    const cJSON *failure = condition(status, "ReplicaFailure");
    if (failure != NULL && has_status(failure, "True"))
        view->replica_failure = copy_member(arena, failure, "message");
}

/* Who wrote last, other than a status: of equal times the later entry. */
static const char *last_manager(struct arena *arena, const cJSON *metadata)
{
    const cJSON *entry, *last = NULL;
    int64_t at = -1;
    cJSON_ArrayForEach(entry, json_get(metadata, "managedFields"))
    {
        const int64_t written = time_of(entry, "time");
        if (json_get_string(entry, "subresource") == NULL && written >= at) {
            at = written;
            last = entry;
        }
    }
    return copy_member(arena, last, "manager");
}

static void read_annotations(struct arena *arena, const cJSON *object, struct view_deployment *view)
{
    view->k8s_revision = text_number(json_get_string(
        json_path(object, "metadata", "annotations", NULL), "deployment.kubernetes.io/revision"));
    view->history_id = annotation(arena, object, "proctor.dev/history-id");
    view->change_cause = annotation(arena, object, "kubernetes.io/change-cause");
    view->policy_changes = annotation(arena, object, "proctor.dev/policy-changes");
    view->last_applied =
        annotation(arena, object, "kubectl.kubernetes.io/last-applied-configuration");
}

int view_deployment(struct arena *arena, const cJSON *object,
                    struct view_deployment *ret_deployment, struct err *reterr)
{
    int code = check_object(object, "Deployment", reterr);
    if (code < 0)
        return code;
    const cJSON *metadata = json_get(object, "metadata"), *spec = json_get(object, "spec");
    const cJSON *status = json_get(object, "status");
    if (!json_is_object(json_get(spec, "template")))
        return err_set(reterr, ERR_ANSWER, "no Deployment: spec.template is missing");
    struct view_deployment view = {.object = object, .pod_template = json_get(spec, "template")};
    view.namespace_ = copy_member(arena, metadata, "namespace");
    view.name = copy_member(arena, metadata, "name");
    view.uid = copy_member(arena, metadata, "uid");
    view.resource_version = copy_member(arena, metadata, "resourceVersion");
    view.generation = view_number(metadata, "generation", 0);
    view.observed_generation = view_number(status, "observedGeneration", 0);
    view.template_sha = view_template_sha(arena, view.pod_template);
    view.deleting = json_get(metadata, "deletionTimestamp") != NULL;
    view.paused = json_is_true(json_get(spec, "paused"));
    const char *strategy = json_get_string(json_get(spec, "strategy"), "type");
    view.recreate = strategy != NULL && strcmp(strategy, "Recreate") == 0;
    view.replicas = view_number(spec, "replicas", 1);
    view.updated = view_number(status, "updatedReplicas", 0);
    view.available = view_number(status, "availableReplicas", 0);
    view.total = view_number(status, "replicas", 0);
    view.ready = view_number(status, "readyReplicas", 0);
    view.deadline_seconds = view_number(spec, "progressDeadlineSeconds", 0);
    if (view.deadline_seconds == DEADLINE_NEVER || view.deadline_seconds < 0)
        view.deadline_seconds = 0;
    read_annotations(arena, object, &view);
    view.manager = last_manager(arena, metadata);
    read_conditions(arena, status, &view);
    *ret_deployment = view;
    return 0;
}

/* ---- ReplicaSet */

int view_set(struct arena *arena, const cJSON *object, struct view_set *ret_set, struct err *reterr)
{
    int code = check_object(object, "ReplicaSet", reterr);
    if (code < 0)
        return code;
    const cJSON *metadata = json_get(object, "metadata"), *status = json_get(object, "status");
    const cJSON *spec = json_get(object, "spec");
    const cJSON *annotations = json_get(metadata, "annotations");
    *ret_set = (struct view_set){
        .name = copy_member(arena, metadata, "name"),
        .uid = copy_member(arena, metadata, "uid"),
        .owner_uid = owner_uid(arena, object),
        .template_sha = view_template_sha(arena, json_get(spec, "template")),
        .k8s_revision =
            text_number(json_get_string(annotations, "deployment.kubernetes.io/revision")),
        .replicas = view_number(spec, "replicas", 1),
        .created = view_number(status, "replicas", 0),
        .ready = view_number(status, "readyReplicas", 0),
        .available = view_number(status, "availableReplicas", 0),
        .created_at = time_of(metadata, "creationTimestamp"),
        .revision_history =
            copy_member(arena, annotations, "deployment.kubernetes.io/revision-history"),
        .pod_template = json_get(spec, "template"),
    };
    return 0;
}

/* ---- Pod */

/* imageID is "docker.io/library/a@sha256:..." or "sha256:...", by the runtime. */
static const char *digest_of(struct arena *arena, const char *image_id)
{
    const char *digest = image_id != NULL ? strstr(image_id, "sha256:") : NULL;
    return copy_of(arena, digest);
}

static struct view_container read_container(struct arena *arena, const cJSON *status)
{
    const cJSON *state = json_get(status, "state"), *last = json_get(status, "lastState");
    const cJSON *waiting = json_get(state, "waiting"), *running = json_get(state, "running");
    const cJSON *ended = json_get(state, "terminated");
    if (ended == NULL)
        ended = json_get(last, "terminated");
    struct view_container container = {
        .name = copy_member(arena, status, "name"),
        .image = copy_member(arena, status, "image"),
        .image_digest = digest_of(arena, json_get_string(status, "imageID")),
        .ready = json_is_true(json_get(status, "ready")),
        .running = running != NULL,
        .restarts = view_number(status, "restartCount", 0),
        .exit_code = view_number(ended, "exitCode", 0),
        .waiting_reason = copy_member(arena, waiting, "reason"),
        .waiting_message = copy_member(arena, waiting, "message"),
        .last_reason = copy_member(arena, ended, "reason"),
        .last_message = copy_member(arena, ended, "message"),
        .ended_at = time_of(ended, "finishedAt"),
    };
    container.started_at = time_of(running != NULL ? running : ended, "startedAt");
    return container;
}

/* init containers first, as they run. */
static void read_containers(struct arena *arena, const cJSON *status, struct view_pod *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    size_t count = 0;
    for (size_t i = 0; i < 2; i++)
        count += json_count(json_get(status, lists[i]));
    pod->containers = arena_array(arena, count, sizeof *pod->containers);
    const cJSON *one;
    for (size_t i = 0; i < 2; i++) {
        cJSON_ArrayForEach(one, json_get(status, lists[i]))
            pod->containers[pod->container_count++] = read_container(arena, one);
    }
}

int view_pod(struct arena *arena, const cJSON *object, struct view_pod *ret_pod, struct err *reterr)
{
    int code = check_object(object, "Pod", reterr);
    if (code < 0)
        return code;
    const cJSON *metadata = json_get(object, "metadata"), *status = json_get(object, "status");
    const cJSON *ready = condition(status, "Ready");
    struct view_pod pod = {
        .name = copy_member(arena, metadata, "name"),
        .uid = copy_member(arena, metadata, "uid"),
        .owner_uid = owner_uid(arena, object),
        .node = copy_member(arena, json_get(object, "spec"), "nodeName"),
        .phase = copy_member(arena, status, "phase"),
        .reason = copy_member(arena, status, "reason"),
        .ready = ready != NULL && has_status(ready, "True"),
        .deleting = json_get(metadata, "deletionTimestamp") != NULL,
        .created_at = time_of(metadata, "creationTimestamp"),
    };
    read_containers(arena, status, &pod);
    *ret_pod = pod;
    return 0;
}

const struct view_set *view_new_set(const struct project_view *view)
{
    const struct view_set *found = NULL;
    for (size_t i = 0; view->deployment != NULL && i < view->set_count; i++) {
        const struct view_set *set = &view->sets[i];
        if (set->owner_uid == NULL || strcmp(set->owner_uid, view->deployment->uid) != 0 ||
            strcmp(set->template_sha, view->deployment->template_sha) != 0)
            continue;
        /* Of equal times the controller takes the smaller name (ReplicaSetsByCreationTimestamp). */
        if (found == NULL || set->created_at < found->created_at ||
            (set->created_at == found->created_at && strcmp(set->name, found->name) < 0))
            found = set;
    }
    return found;
}
