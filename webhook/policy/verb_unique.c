/* unique: true — no value twice in one list: of ports[*].name each name once among its ports, of
 * a list itself each element once.  A table for each list keeps it linear. */
#include "policy/verb.h"

#include <string.h>

struct list_table {
    const struct rule *rule;
    const cJSON *list;
    const char **texts; /* open addressing */
    size_t *indexes;
    size_t slots;
};

static const char *text_of(struct eval *eval, const cJSON *value)
{
    struct buf text = verb_buf(eval);
    json_write(&text, value);
    return text.data;
}

static size_t find_slot(const struct list_table *table, const char *text)
{
    /* Where the table lies is the seed: nobody can choose texts that all meet in one slot. */
    uint64_t hash = 14695981039346656037U ^ (uintptr_t)table->texts;
    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    size_t slot = (size_t)(hash ^ hash >> 32) & (table->slots - 1);
    while (table->texts[slot] != NULL && strcmp(table->texts[slot], text) != 0)
        slot = (slot + 1) & (table->slots - 1);
    return slot;
}

static struct list_table *new_table(struct eval *eval, const struct rule *rule, const cJSON *list)
{
    struct list_table *table = arena_alloc(eval->arena, sizeof *table);
    table->rule = rule;
    table->list = list;
    table->slots = 16;
    while (table->slots < json_count(list) * 2)
        table->slots *= 2;
    table->texts = arena_array(eval->arena, table->slots, sizeof *table->texts);
    table->indexes = arena_array(eval->arena, table->slots, sizeof *table->indexes);
    eval->unique_cache = table;
    return table;
}

static struct list_table *table_of(struct eval *eval, const struct rule *rule, const cJSON *list)
{
    struct list_table *table = eval->unique_cache;
    /* The values of one list come one after the other: only the last table can be its own. */
    const bool same = table != NULL && table->rule == rule && table->list == list;
    return same ? table : new_table(eval, rule, list);
}

static bool twice(struct eval *eval, struct finding *ret_finding, const cJSON *found)
{
    (void)eval;
    return verb_invalid(ret_finding, found, "stands twice in one list");
}

static bool check_list(struct eval *eval, const struct rule *rule, const cJSON *list,
                       struct finding *ret_finding)
{
    struct list_table *table = new_table(eval, rule, list);
    for (const cJSON *element = list->child; element != NULL; element = element->next) {
        const char *text = text_of(eval, element);
        const size_t slot = find_slot(table, text);
        if (table->texts[slot] != NULL)
            return twice(eval, ret_finding, element);
        table->texts[slot] = text;
    }
    return true;
}

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    (void)action;
    if (seen == NULL)
        return true;
    const size_t base = target->path->base;
    if (json_is_array(seen))
        return check_list(eval, rule, seen, ret_finding);
    if (base == 0 || base > target->depth)
        return true;
    struct list_table *table = table_of(eval, rule, target->chain[base - 1]);
    const char *text = text_of(eval, seen);
    const size_t slot = find_slot(table, text);
    if (table->texts[slot] == NULL) {
        table->texts[slot] = text;
        table->indexes[slot] = target->index[base];
        return true;
    }
    return table->indexes[slot] == target->index[base] || twice(eval, ret_finding, seen);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    (void)action;
    buf_add_string(buf, "must hold no value twice");
}

extern const struct verb verb_unique;
const struct verb verb_unique = {
    .name = "unique",
    .value = "true",
    .takes = KEY_TRUE,
    .negative = true,
    .parse = verb_parse_true,
    .check = check,
    .explain = explain,
};
