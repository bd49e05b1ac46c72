#include "policy/stem.h"

#include <string.h>

static struct stem *child_stem(struct arena *arena, struct stem_tree *tree, struct stem *parent,
                               const char *name)
{
    struct stem **at = parent != NULL ? &parent->children : &tree->tops;
    for (; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    struct stem *stem = arena_alloc(arena, sizeof *stem);
    stem->parent = parent;
    stem->name = name;
    stem->depth = parent != NULL ? parent->depth + 1 : 1;
    stem->number = tree->count++;
    *at = stem;
    return stem;
}

void stem_plant(struct arena *arena, struct stem_tree *tree, struct path *path)
{
    struct stem *stem = NULL;
    if (path->root != FIELD_OBJECT)
        return;
    for (size_t i = 0; i < path->literal && path->steps[i].field != NULL; i++)
        stem = child_stem(arena, tree, stem, path->steps[i].name);
    path->stem = stem;
}

cJSON *stem_find(const struct stem *stem, const cJSON *root, struct stem_value *values)
{
    struct stem_value *value = &values[stem->number];
    if (!value->known) {
        if (stem->parent != NULL)
            root = stem_find(stem->parent, root, values);
        *value = (struct stem_value){json_get(root, stem->name), true};
    }
    return value->node;
}
