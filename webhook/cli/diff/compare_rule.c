/* Two versions of one rule. */
#include "cli/diff/compare_internal.h"

#include "base/limits.h"
#include "cli/explain/prose.h"
#include "policy/verb.h"

#include <string.h>

const char *compare_words(struct comparer *comparer, const struct rule *rule)
{
    return arena_printf(comparer->arena, "%s%s%s",
                        prose_rule(comparer->arena, rule, comparer->language),
                        rule->mode == POLICY_ENFORCE ? "" : "; its mode is ",
                        rule->mode == POLICY_ENFORCE ? "" : policy_mode_names[rule->mode]);
}

const char *compare_essence(struct comparer *comparer, const struct rule *rule)
{
    return arena_printf(comparer->arena, "%s|%s|%d%d%d%d%d",
                        rule->field != NULL ? rule->field->text : "", compare_words(comparer, rule),
                        rule->clamp, rule->optional, rule->exactly, rule->ratchet_never,
                        (int)rule->type);
}

/* ---- values ------------------------------------------------------------------------------- */

static bool same_value(const struct action *a, const struct action *b)
{
    if (a->value.value == NULL || b->value.value == NULL)
        return a->value.value == b->value.value && a->flag == b->flag;
    return a->flag == b->flag && json_equal(a->value.value, b->value.value);
}

static enum value_type type_of(const struct rule *rule)
{
    for (size_t i = 0; rule->field != NULL && i <= schema_kind_count; i++) {
        const struct path_list *paths = field_paths(rule->field, i);
        if (rule->field->view == VIEW_COUNT)
            return VALUE_INT;
        if (paths->count > 0 && paths->items[0].node != NULL)
            return value_type_at(rule->type, paths->items[0].node);
    }
    return rule->type;
}

static enum compare_way way_of_bound(const struct rule *rule, const struct action *before,
                                     const struct action *after)
{
    if (!before->value.is_constant || !after->value.is_constant)
        return COMPARE_OTHER;
    const bool is_max = strcmp(before->verb->name, "max") == 0;
    switch (value_compare(type_of(rule), before->value.value, after->value.value)) {
    case VALUE_LESS: /* the bound is higher now */
        return is_max ? COMPARE_LOOSER : COMPARE_STRICTER;
    case VALUE_MORE:
        return is_max ? COMPARE_STRICTER : COMPARE_LOOSER;
    default:
        return COMPARE_OTHER;
    }
}

static bool list_holds(const cJSON *list, const cJSON *value)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (json_equal(entry, value))
            return true;
    }
    return false;
}

/* The entries of `list` that `other` lacks, as "a, b and c"; NULL: none. */
static const char *missing_in(struct arena *arena, const cJSON *list, const cJSON *other)
{
    const char **words = arena_array(arena, json_count(list) + 1, sizeof *words);
    size_t count = 0;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        struct buf buf;
        if (list_holds(other, entry))
            continue;
        buf_init(&buf, arena, LIMIT_MIB);
        value_write_plain(entry, 200, &buf);
        words[count++] = buf.data;
    }
    return count > 0 ? prose_list(arena, words, "and") : NULL;
}

static enum compare_way way_of_entries(const struct verb *verb, bool more)
{
    const bool each_binds = strcmp(verb->name, "oneOf") != 0; /* noneOf, contains */
    return more == each_binds ? COMPARE_STRICTER : COMPARE_LOOSER;
}

static void compare_lists(struct comparer *comparer, const struct action *before,
                          const struct action *after)
{
    const char *come = missing_in(comparer->arena, after->value.value, before->value.value);
    const char *gone = missing_in(comparer->arena, before->value.value, after->value.value);
    const struct verb *verb = after->verb;
    if (come != NULL)
        compare_add(comparer, way_of_entries(verb, true), "list", "%s: also %s", verb->name, come);
    if (gone != NULL)
        compare_add(comparer, way_of_entries(verb, false), "list", "%s: no longer %s", verb->name,
                    gone);
    if (come == NULL && gone == NULL)
        compare_add(comparer, COMPARE_OTHER, "list", "%s: in another order", verb->name);
}

/* The value behind the verb's name. */
static const char *value_words(struct comparer *comparer, const struct action *action)
{
    const char *words = prose_value(comparer->arena, action);
    const size_t length = strlen(action->verb->name);
    return words[length] == ' ' ? words + length + 1 : words;
}

static void compare_value(struct comparer *comparer, const struct rule *rule,
                          const struct action *before, const struct action *after)
{
    const struct verb *verb = after->verb;
    if (same_value(before, after))
        return;
    if (strcmp(verb->name, "min") == 0 || strcmp(verb->name, "max") == 0)
        compare_add(comparer, way_of_bound(rule, before, after), "bound", "%s moves from %s to %s",
                    verb->name, value_words(comparer, before), value_words(comparer, after));
    else if (json_is_array(before->value.value) && json_is_array(after->value.value) &&
             verb->parse == verb_parse_list)
        compare_lists(comparer, before, after);
    else if (strcmp(verb->name, "immutable") == 0)
        compare_add(comparer, after->flag ? COMPARE_STRICTER : COMPARE_LOOSER, "value",
                    after->flag ? "must never change, no longer only once it is set"
                                : "must not change once it is set, no longer: never");
    else
        compare_add(comparer, COMPARE_OTHER, "value", "%s is %s, no longer %s", verb->name,
                    value_words(comparer, after), value_words(comparer, before));
}

/* ---- verbs, conditions, switches ---------------------------------------------------------- */

static const struct action *find_action(const struct rule *rule, const struct verb *verb)
{
    for (size_t i = 0; i < rule->action_count; i++)
        if (rule->actions[i].verb == verb)
            return &rule->actions[i];
    return NULL;
}

static void compare_actions(struct comparer *comparer, const struct rule *before,
                            const struct rule *after)
{
    for (size_t i = 0; i < after->action_count; i++) {
        const struct action *action = &after->actions[i];
        const struct action *old_action = find_action(before, action->verb);
        if (old_action != NULL)
            compare_value(comparer, after, old_action, action);
        else
            compare_add(comparer, COMPARE_STRICTER, "verb", "also has %s",
                        prose_value(comparer->arena, action));
    }
    for (size_t i = 0; i < before->action_count; i++)
        if (find_action(after, before->actions[i].verb) == NULL)
            compare_add(comparer, COMPARE_LOOSER, "verb", "no longer has %s",
                        prose_value(comparer->arena, &before->actions[i]));
}

static bool has_condition(struct comparer *comparer, const struct rule *rule, const char *words)
{
    for (size_t i = 0; i < rule->condition_count; i++)
        if (strcmp(prose_condition(comparer->arena, &rule->conditions[i]), words) == 0)
            return true;
    return false;
}

static void compare_conditions(struct comparer *comparer, const struct rule *before,
                               const struct rule *after)
{
    for (size_t i = 0; i < after->condition_count; i++) {
        const char *words = prose_condition(comparer->arena, &after->conditions[i]);
        if (!has_condition(comparer, before, words))
            compare_add(comparer, COMPARE_LOOSER, "when", "only if %s", words);
    }
    for (size_t i = 0; i < before->condition_count; i++) {
        const char *words = prose_condition(comparer->arena, &before->conditions[i]);
        if (!has_condition(comparer, after, words))
            compare_add(comparer, COMPARE_STRICTER, "when", "no longer only if %s", words);
    }
}

static void compare_switch(struct comparer *comparer, bool before, bool after, bool is_stricter,
                           const char *on, const char *off)
{
    if (before != after)
        compare_add(comparer, after == is_stricter ? COMPARE_STRICTER : COMPARE_LOOSER, "switch",
                    "%s", after ? on : off);
}

void compare_rule(struct comparer *comparer, const struct rule *before, const struct rule *after)
{
    const char *old_field = before->field != NULL ? before->field->text : "";
    const char *new_field = after->field != NULL ? after->field->text : "";
    if (strcmp(old_field, new_field) != 0)
        compare_add(comparer, COMPARE_OTHER, "field", "judges %s, no longer %s",
                    *new_field != '\0' ? new_field : "the request",
                    *old_field != '\0' ? old_field : "the request");
    /* A rule that goes with its policy's mode has been told there. */
    if (before->mode != before->policy->mode || after->mode != after->policy->mode)
        compare_mode(comparer, before->mode, after->mode);
    compare_actions(comparer, before, after);
    compare_conditions(comparer, before, after);
    compare_switch(comparer, before->clamp, after->clamp, false,
                   "moves a value that is outside to its bound, and no longer refuses it",
                   "refuses a value that is outside, and no longer moves it to its bound");
    compare_switch(comparer, before->optional, after->optional, false,
                   "the field may now be left out", "the field may no longer be left out");
    compare_switch(comparer, before->exactly, after->exactly, true,
                   "nothing else may stand beside it", "other things may stand beside it");
    compare_switch(comparer, before->ratchet_never, after->ratchet_never, true,
                   "old violations are no longer let pass", "old violations are let pass");
    if (before->type != after->type)
        compare_add(comparer, COMPARE_OTHER, "switch", "compares as another type");
    compare_text(comparer, "its why", &before->why, &after->why);
    compare_text(comparer, "its message", &before->message, &after->message);
    compare_text(comparer, "its fix", &before->fix, &after->fix);
}
