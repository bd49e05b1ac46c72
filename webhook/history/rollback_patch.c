#include "history/rollback_internal.h"

#include "base/limits.h"

#include <string.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define CHANGE_CAUSE "kubernetes.io/change-cause"
#define HISTORY_ID   "proctor.dev/history-id"

void rollback_add_operation(struct arena *arena, cJSON *patch, const char *op, const char *path,
                            cJSON *value)
{
    cJSON *operation = json_new_object(arena);
    json_add(arena, operation, "op", json_new_string(arena, op));
    json_add(arena, operation, "path", json_new_string(arena, path));
    if (value != NULL)
        json_add(arena, operation, "value", value);
    json_append(patch, operation);
}

/* RFC 6901. */
static const char *annotation_path(struct arena *arena, const char *key)
{
    struct buf path;
    buf_init(&path, arena, 1024);
    buf_add_string(&path, "/metadata/annotations/");
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/')
            buf_add_string(&path, *key == '~' ? "~0" : "~1");
        else
            buf_add_char(&path, *key);
    }
    return path.data;
}

static void set_annotation(struct arena *arena, cJSON *patch, const char *key, const char *text)
{
    rollback_add_operation(arena, patch, "add", annotation_path(arena, key),
                           json_new_string(arena, text));
}

/* Where nobody knows what was written then, the whole template of then counts as written: what the
 * next manifest leaves out of it is taken out, and the API server fills its defaults in again. */
static const char *compose_last_applied(struct arena *arena, const char *now,
                                        const cJSON *pod_template)
{
    struct buf text;
    cJSON *written;
    if (json_parse(arena, now, strlen(now), &json_limits_review, &written, NULL) < 0)
        return NULL;
    cJSON *spec = json_get(written, "spec");
    cJSON *was = json_get(spec, "template");
    if (!json_is_object(was))
        return NULL;
    json_assign(arena, was, pod_template);
    buf_init(&text, arena, LIMIT_ANSWER_BYTES);
    json_write(&text, written);
    buf_add_char(&text, '\n'); /* as kubectl writes it */
    return text.data;
}

static void patch_annotations(struct arena *arena, const struct rollback_request *request,
                              const cJSON *object, const cJSON *pod_template, cJSON *patch)
{
    const cJSON *annotations = json_path(object, "metadata", "annotations", NULL);
    const char *applied_now = json_get_string(annotations, LAST_APPLIED);
    const char *applied = request->last_applied;
    if (annotations == NULL)
        rollback_add_operation(arena, patch, "add", "/metadata/annotations",
                               json_new_object(arena));
    if (applied == NULL && applied_now != NULL)
        applied = compose_last_applied(arena, applied_now, pod_template);
    if (applied != NULL)
        set_annotation(arena, patch, LAST_APPLIED, applied);
    if (request->change_cause != NULL)
        set_annotation(arena, patch, CHANGE_CAUSE, request->change_cause);
    else if (json_find(annotations, CHANGE_CAUSE) != NULL)
        rollback_add_operation(arena, patch, "remove", annotation_path(arena, CHANGE_CAUSE), NULL);
    if (request->history_id != NULL)
        set_annotation(arena, patch, HISTORY_ID, request->history_id);
}

cJSON *rollback_patch(struct arena *arena, const struct rollback_request *request,
                      const cJSON *object, const cJSON *pod_template)
{
    cJSON *patch = json_new_array(arena);
    const cJSON *metadata = json_get(object, "metadata");
    rollback_add_operation(arena, patch, "test", "/metadata/uid",
                           json_dup(arena, json_get(metadata, "uid")));
    rollback_add_operation(arena, patch, "test", "/metadata/generation",
                           json_dup(arena, json_get(metadata, "generation")));
    rollback_add_operation(arena, patch, "replace", "/spec/template",
                           json_dup(arena, pod_template));
    if (request->resume && json_is_true(json_path(object, "spec", "paused", NULL)))
        rollback_add_operation(arena, patch, "remove", "/spec/paused", NULL);
    patch_annotations(arena, request, object, pod_template, patch);
    return patch;
}
