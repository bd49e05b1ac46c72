#include "recorder/deploy_internal.h"

#include "client/patch.h"
#include "kube/pointer.h"

#include <string.h>

#define POINTER_BYTES (64UL * 1024UL)

struct diffing {
    struct arena *arena;
    cJSON *patch;
};

static void add_operation(const struct diffing *diffing, const char *op, const char *path,
                          const cJSON *value)
{
    patch_add(diffing->arena, diffing->patch, op, path,
              value != NULL ? json_dup(diffing->arena, value) : NULL);
}

static const char *below(struct arena *arena, const char *path, const char *token)
{
    struct buf pointer;
    buf_init(&pointer, arena, POINTER_BYTES);
    buf_add_string(&pointer, path);
    pointer_add_token(&pointer, token);
    return pointer.data;
}

/* Kubernetes' objects nest less deep than a reader allows: see LIMIT_JSON_DEPTH. */
static void diff_nodes(const struct diffing *diffing, const char *path, const cJSON *was,
                       const cJSON *is);

static void diff_objects(const struct diffing *diffing, const char *path, const cJSON *was,
                         const cJSON *is)
{
    struct arena *arena = diffing->arena;
    for (const cJSON *member = was->child; member != NULL; member = member->next)
        if (json_find(is, member->string) == NULL)
            add_operation(diffing, "remove", below(arena, path, member->string), NULL);
    for (const cJSON *member = is->child; member != NULL; member = member->next) {
        const cJSON *before = json_find(was, member->string);
        if (before == NULL)
            add_operation(diffing, "add", below(arena, path, member->string), member);
        else
            diff_nodes(diffing, below(arena, path, member->string), before, member);
    }
}

static void diff_lists(const struct diffing *diffing, const char *path, const cJSON *was,
                       const cJSON *is)
{
    size_t index = 0;
    for (was = was->child, is = is->child; is != NULL; was = was->next, is = is->next)
        diff_nodes(diffing, arena_printf(diffing->arena, "%s/%zu", path, index++), was, is);
}

static void diff_nodes(const struct diffing *diffing, const char *path, const cJSON *was,
                       const cJSON *is)
{
    if (json_equal(was, is))
        return;
    if (json_is_object(was) && json_is_object(is))
        diff_objects(diffing, path, was, is);
    else if (json_is_array(was) && json_is_array(is) && json_count(was) == json_count(is))
        diff_lists(diffing, path, was, is);
    else
        add_operation(diffing, "replace", path, is);
}

cJSON *deploy_patch(struct arena *arena, enum deploy_kind kind, const cJSON *live,
                    const cJSON *wanted)
{
    const char *fence = kind == DEPLOY_DEPLOYMENT ? "generation" : "resourceVersion";
    const cJSON *metadata = json_get(live, "metadata");
    struct diffing diffing = {arena, json_new_array(arena)};
    diff_nodes(&diffing, "", live, wanted);
    if (diffing.patch->child == NULL)
        return diffing.patch;
    cJSON *changes = diffing.patch;
    diffing.patch = json_new_array(arena);
    add_operation(&diffing, "test", "/metadata/uid", json_get(metadata, "uid"));
    add_operation(&diffing, "test", arena_printf(arena, "/metadata/%s", fence),
                  json_get(metadata, fence));
    for (cJSON *change = changes->child, *next; change != NULL; change = next) {
        next = change->next;
        json_unlink(changes, change);
        json_append(diffing.patch, change);
    }
    return diffing.patch;
}
