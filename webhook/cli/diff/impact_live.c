/* The objects of a cluster, judged as if somebody sent them anew. */
#include "cli/diff/impact.h"

#include "base/limits.h"
#include "cli/live/live.h"

#include <string.h>

#define LIST_BYTES (1024 * LIMIT_MIB)

/* What only the cluster writes: nobody sends it, and no policy is asked about it by a person. */
static bool is_left_out(const struct live_kind *kind)
{
    static const char *const kinds[] = {"Secret", "Endpoints", "EndpointSlice"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind->kind, kinds[i]) == 0)
            return true;
    return false;
}

static void judge_all(struct impact *impact, struct arena *arena, const struct live_kind *kind,
                      cJSON *items)
{
    cJSON *next;
    for (cJSON *object = items->child; object != NULL; object = next) {
        next = object->next;
        if (live_is_made(object) || json_path(object, "metadata", "deletionTimestamp", NULL)) {
            impact->left_out++;
            continue;
        }
        live_clean(arena, kind, object);
        const struct input_item item = {.file = "cluster", .object = object};
        impact_judge(impact, &item);
    }
}

static void judge_kind(struct impact *impact, struct kube_client *client,
                       const struct live_kind *kind, const char *name_space)
{
    struct arena arena;
    struct err err;
    cJSON *items;
    arena_init(&arena, LIST_BYTES);
    struct arena *before = arena_use(&arena);
    const int r = live_list(client, &arena, kind, name_space, &items, &err);
    if (r == 0)
        judge_all(impact, &arena, kind, items);
    else if (r != -(int)ERR_NOT_FOUND) { /* a cluster without that API has none of them */
        const struct input_problem problem = {.file = kind->resource, .text = err.text};
        impact_problem(impact, &problem);
    }
    arena_use(before);
    arena_done(&arena);
}

void impact_live(struct impact *impact, struct kube_client *client, const char *name_space)
{
    const struct policy_set *const sets[] = {impact->sets[0], impact->sets[1], NULL};
    const struct live_kinds kinds = live_kinds_known(&impact->arena, sets);
    for (size_t i = 0; i < kinds.count; i++)
        if (!is_left_out(&kinds.items[i]) && (name_space == NULL || kinds.items[i].namespaced))
            judge_kind(impact, client, &kinds.items[i], name_space);
}
