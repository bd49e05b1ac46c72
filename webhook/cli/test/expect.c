#include "cli/test/expect.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- sets of strings ---------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct texts {
    struct arena *arena;
    const char **items;
    size_t count;
    size_t capacity;
};

static void add(struct texts *texts, const char *text)
{
    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity == 0 ? 16 : texts->capacity * 2;
        const char **items = arena_array(texts->arena, capacity, sizeof *items);
        for (size_t i = 0; i < texts->count; i++)
            items[i] = texts->items[i];
        texts->items = items;
        texts->capacity = capacity;
    }
    texts->items[texts->count++] = text;
}

/* As a JSON list, sorted and each once. */
static cJSON *as_set(struct texts *texts)
{
    cJSON *list = json_new_array(texts->arena);
    if (texts->count > 0)
        qsort(texts->items, texts->count, sizeof *texts->items, by_text);
    for (size_t i = 0; i < texts->count; i++) {
        if (i == 0 || strcmp(texts->items[i - 1], texts->items[i]) != 0)
            json_append(list, json_new_string(texts->arena, texts->items[i]));
    }
    return list;
}

static cJSON *set_of(struct arena *arena, const cJSON *list)
{
    struct texts texts = {.arena = arena};
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        if (json_is_string(item))
            add(&texts, json_string(item));
    }
    return as_set(&texts);
}

static cJSON *violations_of(struct arena *arena, const struct judgement *judgement,
                            enum judge_effect effect)
{
    struct texts texts = {.arena = arena};
    const struct violation *at = judgement->last->violations;
    for (; at != NULL; at = at->next) {
        if (judge_effect_of(at) == effect)
            add(&texts, arena_printf(arena, "%s %s", at->rule->full_id, at->field));
    }
    return as_set(&texts);
}

static cJSON *changes_of(struct arena *arena, const struct judgement *judgement)
{
    struct texts texts = {.arena = arena};
    for (const struct edit *at = judgement->mutation.edits; at != NULL; at = at->next) {
        if (at->rule != NULL)
            add(&texts, arena_printf(arena, "%s %s", at->rule->full_id, at->field));
    }
    return as_set(&texts);
}

/* ---- objects ------------------------------------------------------------------------------ */

static cJSON *null_node(struct arena *arena)
{
    struct arena *before = arena_use(arena);
    cJSON *null = cJSON_CreateNull();
    arena_use(before);
    return null;
}

cJSON *expect_project(struct arena *arena, const cJSON *shape, const cJSON *actual)
{
    if (actual == NULL)
        return null_node(arena);
    if (json_is_object(shape) && json_is_object(actual)) {
        cJSON *object = json_new_object(arena);
        for (const cJSON *child = shape->child; child != NULL; child = child->next) {
            const cJSON *member = json_get(actual, child->string);
            json_add(arena, object, child->string, expect_project(arena, child, member));
        }
        return object;
    }
    if (json_is_array(shape) && json_is_array(actual) && json_count(shape) == json_count(actual)) {
        cJSON *list = json_new_array(arena);
        const cJSON *b = actual->child;
        for (const cJSON *a = shape->child; a != NULL; a = a->next, b = b->next)
            json_append(list, expect_project(arena, a, b));
        return list;
    }
    return json_dup(arena, actual);
}

/* ---- the two sides ------------------------------------------------------------------------ */

static void add_if(struct arena *arena, cJSON *side, const cJSON *expect, const char *key,
                   cJSON *value)
{
    if (json_get(expect, key) != NULL)
        json_add(arena, side, key, value);
}

cJSON *expect_wanted(struct arena *arena, const cJSON *expect, const cJSON *object)
{
    cJSON *side = json_new_object(arena);
    const char *verdict = json_get_string(expect, "verdict");
    if (verdict != NULL)
        json_add(arena, side, "verdict", json_new_string(arena, verdict));
    json_add(arena, side, "violations", set_of(arena, json_get(expect, "violations")));
    static const char *const sets[] = {"warned", "audited", "changes"};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        const cJSON *set = json_get(expect, sets[i]);
        add_if(arena, side, expect, sets[i], set_of(arena, set));
    }
    static const char *const whole[] = {"warnings", "message"};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        const cJSON *value = json_get(expect, whole[i]);
        if (value != NULL)
            json_add(arena, side, whole[i], json_dup(arena, value));
    }
    if (object != NULL)
        json_add(arena, side, "object", json_dup(arena, object));
    return side;
}

static cJSON *message_of(struct arena *arena, const cJSON *expect,
                         const struct judgement *judgement)
{
    const char *wanted = json_get_string(expect, "message");
    const char *message = judgement->last->message;
    if (message == NULL)
        return json_new_string(arena, "");
    bool holds = wanted != NULL && strstr(message, wanted) != NULL;
    return json_new_string(arena, holds ? wanted : message);
}

cJSON *expect_got(struct arena *arena, const cJSON *expect, const cJSON *object,
                  const struct judgement *judgement)
{
    cJSON *side = json_new_object(arena);
    json_add(arena, side, "verdict",
             json_new_string(arena, judge_outcome_name(judgement->outcome)));
    json_add(arena, side, "violations", violations_of(arena, judgement, JUDGE_DENIES));
    add_if(arena, side, expect, "warned", violations_of(arena, judgement, JUDGE_WARNS));
    add_if(arena, side, expect, "audited", violations_of(arena, judgement, JUDGE_AUDITS));
    add_if(arena, side, expect, "changes", changes_of(arena, judgement));
    cJSON *warnings = json_new_array(arena);
    for (size_t i = 0; i < judgement->warning_count; i++)
        json_append(warnings, json_new_string(arena, judgement->warnings[i]));
    add_if(arena, side, expect, "warnings", warnings);
    add_if(arena, side, expect, "message", message_of(arena, expect, judgement));
    if (object != NULL)
        json_add(arena, side, "object", expect_project(arena, object, judgement->after));
    return side;
}
