#include "history/rollback_internal.h"

#include "base/limits.h"
#include "client/patch.h"

#include <string.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define CHANGE_CAUSE "kubernetes.io/change-cause"
#define HISTORY_ID   "proctor.dev/history-id"
#define ON_BEHALF_OF "proctor.dev/on-behalf-of"

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

static void restore_annotations(struct arena *arena, const struct rollback_request *request,
                                const cJSON *object, const cJSON *pod_template, cJSON *patch)
{
    const cJSON *annotations = json_path(object, "metadata", "annotations", NULL);
    const char *applied_now = json_get_string(annotations, LAST_APPLIED);
    const char *applied = request->last_applied;
    patch_annotations(arena, patch, object);
    if (applied == NULL && applied_now != NULL)
        applied = compose_last_applied(arena, applied_now, pod_template);
    if (applied != NULL)
        patch_annotate(arena, patch, LAST_APPLIED, applied);
    if (request->change_cause != NULL)
        patch_annotate(arena, patch, CHANGE_CAUSE, request->change_cause);
    else if (json_find(annotations, CHANGE_CAUSE) != NULL)
        patch_add(arena, patch, "remove", patch_annotation_path(arena, CHANGE_CAUSE), NULL);
    if (request->on_behalf_of != NULL)
        patch_annotate(arena, patch, ON_BEHALF_OF, request->on_behalf_of);
    if (request->history_id != NULL)
        patch_annotate(arena, patch, HISTORY_ID, request->history_id);
}

cJSON *rollback_patch(struct arena *arena, const struct rollback_request *request,
                      const cJSON *object, const cJSON *pod_template)
{
    cJSON *patch = json_new_array(arena);
    const cJSON *metadata = json_get(object, "metadata");
    patch_add(arena, patch, "test", "/metadata/uid", json_dup(arena, json_get(metadata, "uid")));
    patch_add(arena, patch, "test", "/metadata/generation",
              json_dup(arena, json_get(metadata, "generation")));
    patch_add(arena, patch, "replace", "/spec/template", json_dup(arena, pod_template));
    if (request->resume && json_is_true(json_path(object, "spec", "paused", NULL)))
        patch_add(arena, patch, "remove", "/spec/paused", NULL);
    restore_annotations(arena, request, object, pod_template, patch);
    return patch;
}
