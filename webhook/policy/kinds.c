#include "policy/kinds.h"

#include <string.h>

bool policy_kinds_have(const struct policy_kinds *kinds, const struct schema_kind *kind)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (kinds->items[i] == kind)
            return true;
    return false;
}

static void add_kind(struct policy_kinds *kinds, const struct schema_kind *kind)
{
    if (!policy_kinds_have(kinds, kind))
        kinds->items[kinds->count++] = kind;
}

static void add_resource(struct arena *arena, struct policy_kinds *kinds, const char *text)
{
    bool known;
    const struct schema_resource_name name = schema_resource_split(arena, text);
    const struct schema_kind *kind =
        schema_kind_of_resource(name.group, name.resource, name.subresource, &known);
    add_kind(kinds, kind);
    /* Every version of the kind that may come by this resource. */
    for (size_t i = 0; kind != NULL && i < schema_kind_count; i++)
        if (strcmp(schema_kinds[i].kind, kind->kind) == 0 &&
            strcmp(schema_kinds[i].group, kind->group) == 0)
            add_kind(kinds, &schema_kinds[i]);
}

struct policy_kinds policy_kinds_of(struct arena *arena, const struct policy_match *match)
{
    struct policy_kinds kinds = {.every = match->resources == NULL};
    kinds.items = arena_array(arena, schema_kind_count + 1, sizeof(struct schema_kind *));
    for (size_t i = 0; match->resources != NULL && match->resources[i] != NULL; i++) {
        kinds.every |= strcmp(match->resources[i], "*") == 0;
        if (!kinds.every)
            add_resource(arena, &kinds, match->resources[i]);
    }
    for (size_t i = 0; kinds.every && i < schema_kind_count; i++)
        add_kind(&kinds, &schema_kinds[i]);
    if (kinds.every)
        add_kind(&kinds, NULL);
    return kinds;
}
