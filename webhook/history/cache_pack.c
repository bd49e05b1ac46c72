#include "history/cache_pack.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* Once without memory, to count; once with it, to copy. */
struct pack {
    char *memory;
    size_t used;
};

static void *take(struct pack *pack, size_t bytes)
{
    void *at = pack->memory != NULL ? pack->memory + pack->used : NULL;
    const size_t align = alignof(max_align_t);
    pack->used += (bytes + align - 1) & ~(align - 1);
    return at;
}

static void *copy(struct pack *pack, const void *bytes, size_t count)
{
    void *at = take(pack, count);
    if (at != NULL && count > 0)
        memcpy(at, bytes, count);
    return at;
}

static void text(struct pack *pack, const char **member)
{
    if (*member == NULL)
        return;
    const char *copied = copy(pack, *member, strlen(*member) + 1);
    if (copied != NULL)
        *member = copied;
}

static char *node_text(struct pack *pack, const char *from)
{
    return from != NULL ? copy(pack, from, strlen(from) + 1) : NULL;
}

/* cJSON's lists: the first child's prev is the last child.  Depth is bounded by json_parse. */
static cJSON *tree(struct pack *pack, const cJSON *node)
{
    cJSON *copied = copy(pack, node, sizeof *node);
    char *value = node_text(pack, node->valuestring), *key = node_text(pack, node->string);
    cJSON *first = NULL, *last = NULL;
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        cJSON *one = tree(pack, child);
        if (one == NULL)
            continue;
        one->prev = last;
        if (last != NULL)
            last->next = one;
        else
            first = one;
        last = one;
    }
    if (copied == NULL)
        return NULL;
    if (first != NULL)
        first->prev = last;
    copied->valuestring = value;
    copied->string = key;
    copied->child = first;
    copied->next = copied->prev = NULL;
    return copied;
}

static void json(struct pack *pack, const cJSON **member)
{
    const cJSON *copied = *member != NULL ? tree(pack, *member) : NULL;
    if (copied != NULL)
        *member = copied;
}

static void pack_deployment(struct pack *pack, struct view_deployment *view)
{
    const char **const texts[] = {
        &view->namespace_,
        &view->name,
        &view->uid,
        &view->resource_version,
        &view->template_sha,
        &view->progressing.reason,
        &view->progressing.message,
        &view->progressing.last_update,
        &view->progressing.names_set,
        &view->replica_failure,
        &view->history_id,
        &view->change_cause,
        &view->policy_changes,
        &view->last_applied,
        &view->manager,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text(pack, texts[i]);
    json(pack, &view->object);
    view->pod_template = json_path(view->object, "spec", "template", NULL);
}

static void pack_set(struct pack *pack, struct view_set *view)
{
    const char **const texts[] = {&view->name, &view->uid, &view->owner_uid, &view->template_sha,
                                  &view->revision_history};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text(pack, texts[i]);
    json(pack, &view->pod_template);
}

static void pack_container(struct pack *pack, struct view_container *view)
{
    const char **const texts[] = {
        &view->name,           &view->image,           &view->image_digest,
        &view->waiting_reason, &view->waiting_message, &view->last_reason,
        &view->last_message};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text(pack, texts[i]);
}

static void pack_pod(struct pack *pack, struct view_pod *view)
{
    const char **const texts[] = {&view->name, &view->uid,   &view->owner_uid,
                                  &view->node, &view->phase, &view->reason};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        text(pack, texts[i]);
    struct view_container *containers =
        copy(pack, view->containers, view->container_count * sizeof *view->containers);
    for (size_t i = 0; i < view->container_count; i++) {
        struct view_container counted = view->containers[i];
        pack_container(pack, containers != NULL ? &containers[i] : &counted);
    }
    if (containers != NULL)
        view->containers = containers;
}

static void pack_any(struct pack *pack, enum cache_kind kind, union cache_object *object)
{
    if (kind == CACHE_DEPLOYMENTS)
        pack_deployment(pack, &object->deployment);
    else if (kind == CACHE_SETS)
        pack_set(pack, &object->set);
    else
        pack_pod(pack, &object->pod);
}

int cache_pack(enum cache_kind kind, const union cache_object *object,
               union cache_object *ret_packed, void **ret_memory, struct err *reterr)
{
    struct pack count = {0};
    union cache_object packed = *object;
    pack_any(&count, kind, &packed);
    packed = *object;
    struct pack pack = {.memory = malloc(count.used > 0 ? count.used : 1)};
    if (pack.memory == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for an object of the API server");
    pack_any(&pack, kind, &packed);
    *ret_packed = packed;
    *ret_memory = pack.memory;
    return 0;
}
