#include "policy/set.h"

#include <stdlib.h>
#include <string.h>

const char *const policy_mode_names[] = {"enforce", "warn", "audit", NULL};

const char *policy_text_in(const struct policy_text *text, const char *language)
{
    for (size_t i = 0; language != NULL && i < text->count; i++)
        if (strcmp(text->items[i].language, language) == 0)
            return text->items[i].words;
    return text->count > 0 ? text->items[0].words : "";
}

struct policy_set *policy_set_ref(struct policy_set *set)
{
    atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    return set;
}

void policy_set_unref(struct policy_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel) != 1)
        return;
    policy_set_unref(set->previous);
    for (size_t i = 0; i < set->pattern_count; i++)
        pattern_free(set->patterns[i]);
    /* The arena holds the set itself: it must not die while it is being freed. */
    struct arena arena = set->arena;
    arena_done(&arena);
}

void policy_set_keep(struct policy_set *set, struct pattern *pattern)
{
    set->patterns = arena_room(&set->arena, set->patterns, set->pattern_count,
                               &set->pattern_capacity, sizeof *set->patterns);
    set->patterns[set->pattern_count++] = pattern;
}

void policy_set_follow(struct policy_set *set, struct policy_set *previous, int64_t until)
{
    policy_set_unref(set->previous);
    set->previous = previous != NULL ? policy_set_ref(previous) : NULL;
    set->previous_until = until;
}
