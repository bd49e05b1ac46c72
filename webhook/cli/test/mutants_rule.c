/* Slips in one rule: it is gone, a bound is a step wider, its mode is weaker. */
#include "base/limits.h"
#include "cli/test/mutants_internal.h"
#include "policy/value.h"
#include "policy/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_DIGITS_MAX 15

struct rule_source {
    const struct mutant_source *source;
    struct arena *arena;
    const cJSON *rule;
    const char *id;
    const char *mode;
    const char *field; /* NULL: a deny rule */
    bool changes;      /* it corrects: its work is seen in `changes` */
};

static struct mutant *add(const struct rule_source *of, enum mutant_kind kind, const cJSON *at,
                          const char *what)
{
    struct mutant *mutant =
        mutants_add(of->source, kind, at,
                    arena_printf(of->arena, "%s/%s: %s", of->source->policy, of->id, what));
    mutant->rule = of->id;
    return mutant;
}

/* Where a case shows that the rule acted. */
static const char *shown_in(const struct rule_source *of)
{
    return strcmp(of->mode, "warn") == 0    ? "`warned`"
           : strcmp(of->mode, "audit") == 0 ? "`audited`"
           : of->changes                    ? "`changes` or `object`"
                                            : "`violations`";
}

/* ---- dropped ------------------------------------------------------------------------------ */

static bool has_text(const cJSON *list, const char *text)
{
    if (json_is_string(list))
        return strcmp(json_string(list), text) == 0;
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next)
        if (json_is_string(item) && strcmp(json_string(item), text) == 0)
            return true;
    return false;
}

static bool has_exception(const struct rule_source *of)
{
    const struct mutants *mutants = of->source->mutants;
    for (size_t i = 0; i < mutants->document_count; i++) {
        const cJSON *spec = json_get(mutants->documents[i].root, "spec");
        const char *policy = json_get_string(spec, "policy");
        if (policy != NULL && strcmp(policy, of->source->policy) == 0 &&
            has_text(json_get(spec, "rules"), of->id))
            return true;
    }
    return false;
}

/* A policy needs a rule, and an exception the rule that it waives: one that never speaks. */
static const cJSON *silent_rule(const struct rule_source *of)
{
    struct arena *arena = of->arena;
    cJSON *rule = json_new_object(arena), *when = json_new_array(arena);
    cJSON *never = json_new_object(arena);
    json_add(arena, never, "field", json_new_string(arena, "$request.operation"));
    json_add(arena, never, "equals", json_new_string(arena, "NONE"));
    json_append(when, never);
    json_add(arena, rule, "id", json_new_string(arena, of->id));
    json_add(arena, rule, "why", json_new_string(arena, "It says nothing."));
    json_add(arena, rule, "deny", json_new_bool(arena, true));
    json_add(arena, rule, "when", when);
    return rule;
}

static void drop(const struct rule_source *of)
{
    const bool alone = json_count(json_get(of->source->spec, "rules")) == 1;
    struct mutant *mutant = add(of, MUTANT_DROPPED, of->rule, "dropped");
    mutants_edit(mutant, of->rule, alone || has_exception(of) ? silent_rule(of) : NULL);
    mutant->hint =
        arena_printf(of->arena, "a case in which it acts, and that expects it in %s", shown_in(of));
}

/* ---- a bound, one step wider -------------------------------------------------------------- */

/* "512Mi" -> "513Mi", "0.5" -> "0.6": the last digit as it is written.  NULL: no number. */
static const char *step(struct arena *arena, const char *text, int by)
{
    char digits[STEP_DIGITS_MAX + 2];
    size_t count = 0, decimals = 0, at = text[0] == '-' || text[0] == '+';
    const bool negative = text[0] == '-';
    bool after_dot = false;
    for (; text[at] != '\0'; at++) {
        if (text[at] == '.' && !after_dot) {
            after_dot = true;
            continue;
        }
        if (text[at] < '0' || text[at] > '9')
            break;
        if (count == STEP_DIGITS_MAX)
            return NULL;
        digits[count++] = text[at];
        decimals += after_dot;
    }
    if (count == 0)
        return NULL;
    digits[count] = '\0';
    const int64_t value = (negative ? -1 : 1) * (int64_t)strtoll(digits, NULL, 10) + by;
    const char *sign = value < 0 ? "-" : "";
    int64_t size = value < 0 ? -value : value, scale = 1;
    for (size_t i = 0; i < decimals; i++)
        scale *= 10;
    if (decimals == 0)
        return arena_printf(arena, "%s%" PRId64 "%s", sign, size, text + at);
    return arena_printf(arena, "%s%" PRId64 ".%0*" PRId64 "%s", sign, size / scale, (int)decimals,
                        size % scale, text + at);
}

static const cJSON *stepped(struct arena *arena, const cJSON *value, const char *text, int by)
{
    const char *wider = step(arena, text, by);
    if (wider == NULL)
        return NULL;
    return json_is_number(value) ? json_new_number_text(arena, wider)
                                 : json_new_string(arena, wider);
}

static void loosen_by_step(const struct rule_source *of, const cJSON *bound, const char *text)
{
    struct arena *arena = of->arena;
    const cJSON *wider = stepped(arena, bound, text, strcmp(bound->string, "min") == 0 ? -1 : 1);
    char scratch[32];
    if (wider == NULL)
        return;
    const char *wider_text =
        json_is_number(wider) ? json_number_text(wider, scratch) : json_string(wider);
    struct mutant *mutant =
        add(of, MUTANT_LOOSENED, bound,
            arena_printf(arena, "%s %s -> %s", bound->string, text, wider_text));
    const char *outside = json_get_string(of->rule, "outside");
    const bool clamps = outside != NULL && strcmp(outside, "clamp") == 0;
    mutants_edit(mutant, bound, wider);
    mutant->because = mutants_same_bound(of->rule, bound);
    mutant->hint = clamps
                       ? arena_printf(arena,
                                      "a case with %s = %s, of which `object` or `warnings` says "
                                      "that it becomes %s",
                                      of->field, wider_text, text)
                       : arena_printf(arena, "a case with %s = %s that expects it in %s", of->field,
                                      wider_text, shown_in(of));
}

/* A variable has no step: the rule is left without the bound, if it says anything then. */
static void loosen_wholly(const struct rule_source *of, const cJSON *bound, const char *text)
{
    size_t verbs_left = 0, bounds_left = 0;
    for (size_t i = 0; verbs[i] != NULL; i++) {
        const char *name = verbs[i]->name;
        if (strcmp(name, bound->string) == 0 || json_find(of->rule, name) == NULL)
            continue;
        verbs_left++;
        bounds_left += strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
    }
    if (verbs_left == 0)
        return;
    const cJSON *rule = mutants_with(of->arena, of->rule, bound->string, NULL);
    if (bounds_left == 0)
        rule = mutants_with(of->arena, rule, "outside", NULL);
    struct mutant *mutant =
        add(of, MUTANT_LOOSENED, bound, arena_printf(of->arena, "without %s", bound->string));
    mutants_edit(mutant, of->rule, rule);
    mutant->hint = arena_printf(of->arena, "a case with %s past %s", of->field, text);
}

static void loosen(const struct rule_source *of, const char *key)
{
    char scratch[32];
    const cJSON *bound = json_get(of->rule, key);
    if (bound == NULL || of->field == NULL || !(json_is_number(bound) || json_is_string(bound)))
        return;
    const char *text =
        json_is_number(bound) ? json_number_text(bound, scratch) : json_string(bound);
    if (strstr(text, "${") != NULL)
        loosen_wholly(of, bound, text);
    else
        loosen_by_step(of, bound, text);
}

/* ---- other bounds ------------------------------------------------------------------------- */

static bool stands_twice(const cJSON *list, const cJSON *entry)
{
    for (const cJSON *other = list->child; other != NULL; other = other->next)
        if (other != entry && json_equal(other, entry))
            return true;
    return false;
}

/* What may not be there, or what must: one less of several. */
static void loosen_list(const struct rule_source *of, const char *key)
{
    const cJSON *list = json_get(of->rule, key);
    if (!json_is_array(list) || json_count(list) < 2)
        return;
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next) {
        struct buf text;
        buf_init(&text, of->arena, LIMIT_MIB);
        value_write_plain(entry, 60, &text);
        struct mutant *mutant = add(of, MUTANT_LOOSENED, entry,
                                    arena_printf(of->arena, "%s without %s", key, text.data));
        mutants_edit(mutant, entry, NULL);
        mutant->because = stands_twice(list, entry) ? "it stands there twice" : NULL;
        mutant->hint = arena_printf(
            of->arena, "a case with %s %s %s, and nothing else of the list, that expects it in %s",
            of->field != NULL ? of->field : "?", strcmp(key, "contains") == 0 ? "without" : "=",
            text.data, shown_in(of));
    }
}

static void loosen_immutable(const struct rule_source *of)
{
    const cJSON *value = json_get(of->rule, "immutable");
    if (value == NULL || !json_is_true(value))
        return;
    struct mutant *mutant = add(of, MUTANT_LOOSENED, value, "immutable true -> once");
    mutants_edit(mutant, value, json_new_string(of->arena, "once"));
    mutant->hint = arena_printf(
        of->arena, "a case with old, in which %s is set for the first time, that expects it in %s",
        of->field != NULL ? of->field : "?", shown_in(of));
}

/* ---- its mode ----------------------------------------------------------------------------- */

static void flip(const struct rule_source *of)
{
    const char *other = strcmp(of->mode, "warn") == 0 ? "audit" : "warn";
    const cJSON *own = json_get(of->rule, "mode");
    struct mutant *mutant = add(of, MUTANT_MODE, own != NULL ? own : of->rule,
                                arena_printf(of->arena, "mode %s -> %s", of->mode, other));
    mutants_edit(mutant, of->rule,
                 mutants_with(of->arena, of->rule, "mode", json_new_string(of->arena, other)));
    mutant->hint =
        arena_printf(of->arena, "a case in which it acts, and that expects it in %s", shown_in(of));
}

static bool corrects(const cJSON *rule)
{
    const char *outside = json_get_string(rule, "outside");
    return json_find(rule, "default") != NULL || json_find(rule, "set") != NULL ||
           json_find(rule, "remove") != NULL || (outside != NULL && strcmp(outside, "clamp") == 0);
}

void mutants_of_rule(const struct mutant_source *source, const cJSON *rule)
{
    const char *id = json_get_string(rule, "id");
    const char *own = json_get_string(rule, "mode"), *all = json_get_string(source->spec, "mode");
    if (id == NULL)
        return;
    const struct rule_source of = {
        .source = source,
        .arena = source->mutants->arena,
        .rule = rule,
        .id = id,
        .mode = own != NULL   ? own
                : all != NULL ? all
                              : "enforce",
        .field = json_get_string(rule, "field"),
        .changes = corrects(rule),
    };
    drop(&of);
    loosen(&of, "min");
    loosen(&of, "max");
    loosen_list(&of, "noneOf");
    loosen_list(&of, "contains");
    loosen_immutable(&of);
    flip(&of);
}
