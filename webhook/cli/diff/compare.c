#include "cli/diff/compare.h"

#include "cli/diff/compare_internal.h"
#include "cli/explain/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const compare_way_names[] = {"changed", "stricter", "looser"};

void compare_add(struct comparer *comparer, enum compare_way way, const char *what,
                 const char *format, ...)
{
    struct comparison *out = comparer->out;
    struct compare_change change = comparer->about;
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    change.way = way;
    change.what = what;
    change.words = arena_strdup(comparer->arena, text);
    out->items =
        arena_room(comparer->arena, out->items, out->count, &out->capacity, sizeof *out->items);
    out->items[out->count++] = change;
}

static enum compare_way opposite(enum compare_way way)
{
    return way == COMPARE_STRICTER ? COMPARE_LOOSER
           : way == COMPARE_LOOSER ? COMPARE_STRICTER
                                   : COMPARE_OTHER;
}

/* ---- lists of names ----------------------------------------------------------------------- */

static bool holds(policy_strings list, const char *text)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

/* Those of `list` that `other` lacks. */
static policy_strings without(struct arena *arena, policy_strings list, policy_strings other)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL)
        count++;
    const char **left = arena_array(arena, count + 1, sizeof *left);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!holds(other, list[i]))
            left[kept++] = list[i];
    return left;
}

/* NULL is all. */
static void compare_list(struct comparer *comparer, const char *key, policy_strings before,
                         policy_strings after)
{
    struct arena *arena = comparer->arena;
    if (before == NULL && after == NULL)
        return;
    if (before == NULL || after == NULL) {
        compare_add(comparer, after == NULL ? COMPARE_STRICTER : COMPARE_LOOSER, "match",
                    after == NULL ? "%s: all, no longer only %s" : "%s: only %s, no longer all",
                    key, prose_list(arena, after == NULL ? before : after, "or"));
        return;
    }
    policy_strings gone = without(arena, before, after), come = without(arena, after, before);
    if (come[0] != NULL)
        compare_add(comparer, COMPARE_STRICTER, "match", "%s: also %s", key,
                    prose_list(arena, come, "and"));
    if (gone[0] != NULL)
        compare_add(comparer, COMPARE_LOOSER, "match", "%s: no longer %s", key,
                    prose_list(arena, gone, "and"));
}

/* What is compared as a set of sentences: conditions, exclusions, requirements. */
static void compare_sentences(struct comparer *comparer, const char *what, const char *come_words,
                              const char *gone_words, enum compare_way come_way,
                              policy_strings before, policy_strings after)
{
    policy_strings gone = without(comparer->arena, before, after);
    policy_strings come = without(comparer->arena, after, before);
    for (size_t i = 0; come[i] != NULL; i++)
        compare_add(comparer, come_way, what, "%s %s", come_words, come[i]);
    for (size_t i = 0; gone[i] != NULL; i++)
        compare_add(comparer, opposite(come_way), what, "%s %s", gone_words, gone[i]);
}

/* ---- match -------------------------------------------------------------------------------- */

static policy_strings excludes_of(struct arena *arena, const struct policy_match *match)
{
    const char **list = arena_array(arena, match->exclude_count + 1, sizeof *list);
    for (size_t i = 0; i < match->exclude_count; i++)
        list[i] = prose_exclude(arena, &match->excludes[i]);
    return list;
}

static policy_strings selector_of(struct arena *arena, const struct policy_match *match)
{
    const char **list = arena_array(arena, match->selector_count + 1, sizeof *list);
    for (size_t i = 0; i < match->selector_count; i++)
        list[i] = prose_requirement(arena, &match->selector[i]);
    return list;
}

static void compare_match(struct comparer *comparer, const struct policy_match *before,
                          const struct policy_match *after)
{
    struct arena *arena = comparer->arena;
    const unsigned come = after->operations & ~before->operations;
    const unsigned gone = before->operations & ~after->operations;
    compare_list(comparer, "namespaces", before->namespaces, after->namespaces);
    compare_list(comparer, "resources", before->resources, after->resources);
    if (come != 0)
        compare_add(comparer, COMPARE_STRICTER, "match", "also when something is %s",
                    prose_operations(arena, come));
    if (gone != 0)
        compare_add(comparer, COMPARE_LOOSER, "match", "no longer when something is %s",
                    prose_operations(arena, gone));
    compare_list(comparer, "names", before->names, after->names);
    compare_list(comparer, "users", before->users, after->users);
    compare_list(comparer, "groups", before->groups, after->groups);
    compare_sentences(comparer, "match", "only where", "no longer only where", COMPARE_LOOSER,
                      selector_of(arena, before), selector_of(arena, after));
    compare_sentences(comparer, "exclude", "no longer judges", "judges again", COMPARE_LOOSER,
                      excludes_of(arena, before), excludes_of(arena, after));
}

/* ---- policies ----------------------------------------------------------------------------- */

void compare_mode(struct comparer *comparer, enum policy_mode before, enum policy_mode after)
{
    if (before != after)
        compare_add(comparer, after < before ? COMPARE_STRICTER : COMPARE_LOOSER, "mode",
                    "mode moves from %s to %s", policy_mode_names[before],
                    policy_mode_names[after]);
}

static policy_strings variables_of(struct arena *arena, const struct policy *policy)
{
    const char **list = arena_array(arena, policy->variable_count + 1, sizeof *list);
    for (size_t i = 0; i < policy->variable_count; i++)
        list[i] = prose_variable(arena, &policy->variables[i]);
    return list;
}

void compare_text(struct comparer *comparer, const char *key, const struct policy_text *before,
                  const struct policy_text *after)
{
    const char *old_words = policy_text_in(before, comparer->language);
    const char *new_words = policy_text_in(after, comparer->language);
    if (strcmp(old_words, new_words) != 0)
        compare_add(comparer, COMPARE_OTHER, "text", "%s reads \"%s\", no longer \"%s\"", key,
                    new_words, old_words);
}

static const struct rule *find_rule(const struct policy *policy, const char *id)
{
    for (size_t i = 0; i < policy->rule_count; i++)
        if (strcmp(policy->rules[i].id, id) == 0)
            return &policy->rules[i];
    return NULL;
}

/* The rule that is gone from `before` and says the same as this new one; NULL: none. */
static const struct rule *find_renamed(struct comparer *comparer, const struct policy *before,
                                       const struct policy *after, const struct rule *rule)
{
    const char *essence = compare_essence(comparer, rule);
    for (size_t i = 0; i < before->rule_count; i++)
        if (find_rule(after, before->rules[i].id) == NULL &&
            strcmp(compare_essence(comparer, &before->rules[i]), essence) == 0)
            return &before->rules[i];
    return NULL;
}

static void compare_new_rule(struct comparer *comparer, const struct policy *before,
                             const struct policy *after, const struct rule *rule)
{
    const struct rule *renamed = find_renamed(comparer, before, after, rule);
    if (renamed != NULL)
        compare_add(comparer, COMPARE_OTHER, "rule-renamed", "is the rule that was called %s",
                    renamed->id);
    else
        compare_add(comparer, COMPARE_STRICTER, "rule-added", "is new: %s",
                    compare_words(comparer, rule));
}

static void compare_gone_rule(struct comparer *comparer, const struct policy *before,
                              const struct policy *after, const struct rule *rule)
{
    for (size_t i = 0; i < after->rule_count; i++)
        if (find_rule(before, after->rules[i].id) == NULL &&
            find_renamed(comparer, before, after, &after->rules[i]) == rule)
            return;
    compare_add(comparer, COMPARE_LOOSER, "rule-removed", "is gone: %s",
                compare_words(comparer, rule));
}

/* Where the rules that both have stand in another order: what one builds on may come later. */
static void compare_order(struct comparer *comparer, const struct policy *before,
                          const struct policy *after)
{
    const struct rule *last = NULL;
    for (size_t i = 0; i < after->rule_count; i++) {
        const struct rule *rule = find_rule(before, after->rules[i].id);
        if (rule == NULL)
            continue;
        if (last != NULL && rule < last) {
            compare_add(comparer, COMPARE_OTHER, "order", "the rule %s now comes after %s",
                        rule->id, last->id);
            return;
        }
        last = rule;
    }
}

static void compare_policy(struct comparer *comparer, const struct policy *before,
                           const struct policy *after)
{
    comparer->about = (struct compare_change){.policy = after->name};
    compare_text(comparer, "its title", &before->title, &after->title);
    compare_mode(comparer, before->mode, after->mode);
    compare_match(comparer, &before->match, &after->match);
    compare_sentences(comparer, "variable", "a variable:", "no longer a variable:", COMPARE_OTHER,
                      variables_of(comparer->arena, before), variables_of(comparer->arena, after));
    compare_order(comparer, before, after);
    for (size_t i = 0; i < after->rule_count; i++) {
        const struct rule *rule = &after->rules[i], *old_rule = find_rule(before, rule->id);
        comparer->about.rule = rule->id;
        if (old_rule != NULL)
            compare_rule(comparer, old_rule, rule);
        else
            compare_new_rule(comparer, before, after, rule);
    }
    for (size_t i = 0; i < before->rule_count; i++) {
        comparer->about.rule = before->rules[i].id;
        if (find_rule(after, before->rules[i].id) == NULL)
            compare_gone_rule(comparer, before, after, &before->rules[i]);
    }
    comparer->about.rule = NULL;
}

/* A policy that only one set has, with each of its rules. */
static void tell_policy(struct comparer *comparer, const struct policy *policy, bool is_new)
{
    const enum compare_way way = is_new ? COMPARE_STRICTER : COMPARE_LOOSER;
    comparer->about = (struct compare_change){.policy = policy->name};
    compare_add(comparer, way, is_new ? "policy-added" : "policy-removed",
                "the policy is %s. %s%s%s", is_new ? "new" : "gone",
                prose_match(comparer->arena, &policy->match),
                policy->mode == POLICY_ENFORCE ? "" : "; its mode is ",
                policy->mode == POLICY_ENFORCE ? "" : policy_mode_names[policy->mode]);
    for (size_t i = 0; i < policy->rule_count; i++) {
        comparer->about.rule = policy->rules[i].id;
        compare_add(comparer, way, is_new ? "rule-added" : "rule-removed", "is %s: %s",
                    is_new ? "new" : "gone", compare_words(comparer, &policy->rules[i]));
    }
    comparer->about.rule = NULL;
}

/* ---- exceptions --------------------------------------------------------------------------- */

static void compare_member(struct comparer *comparer, const char *key, const char *before,
                           const char *after)
{
    if (strcmp(before, after) != 0)
        compare_add(comparer, COMPARE_OTHER, "text", "its %s is %s, no longer %s", key, after,
                    before);
}

static void compare_exception(struct comparer *comparer, const struct policy_exception *before,
                              const struct policy_exception *after)
{
    struct arena *arena = comparer->arena;
    const char *old_words = prose_exception(arena, before);
    const char *new_words = prose_exception(arena, after);
    if (strcmp(old_words, new_words) != 0)
        compare_add(comparer, COMPARE_OTHER, "exception", "%s; no longer: %s", new_words,
                    old_words);
    if (before->expires_at != after->expires_at)
        compare_add(
            comparer, after->expires_at > before->expires_at ? COMPARE_LOOSER : COMPARE_STRICTER,
            "expiry", "lasts until %s, no longer until %s", after->expires, before->expires);
    compare_member(comparer, "reason", before->reason, after->reason);
    compare_member(comparer, "owner", before->owner, after->owner);
    compare_member(comparer, "ticket", before->ticket, after->ticket);
}

static const struct policy_exception *find_exception(const struct policy_set *set, const char *name)
{
    for (size_t i = 0; i < set->exception_count; i++)
        if (strcmp(set->exceptions[i].name, name) == 0)
            return &set->exceptions[i];
    return NULL;
}

static void compare_exceptions(struct comparer *comparer, const struct policy_set *old_set,
                               const struct policy_set *new_set)
{
    for (size_t i = 0; i < new_set->exception_count; i++) {
        const struct policy_exception *exception = &new_set->exceptions[i];
        const struct policy_exception *before = find_exception(old_set, exception->name);
        comparer->about = (struct compare_change){.exception = exception->name};
        if (before != NULL)
            compare_exception(comparer, before, exception);
        else
            compare_add(comparer, COMPARE_LOOSER, "exception-added", "is new: %s until %s",
                        prose_exception(comparer->arena, exception), exception->expires);
    }
    for (size_t i = 0; i < old_set->exception_count; i++) {
        const struct policy_exception *exception = &old_set->exceptions[i];
        comparer->about = (struct compare_change){.exception = exception->name};
        if (find_exception(new_set, exception->name) == NULL)
            compare_add(comparer, COMPARE_STRICTER, "exception-removed", "is gone: %s until %s",
                        prose_exception(comparer->arena, exception), exception->expires);
    }
}

/* ---- all of it ---------------------------------------------------------------------------- */

void compare_sets(struct arena *arena, const struct policy_set *old_set,
                  const struct policy_set *new_set, const char *language,
                  struct comparison *ret_comparison)
{
    struct comparison out = {0};
    struct comparer comparer = {.arena = arena, .language = language, .out = &out};
    size_t i = 0, j = 0;
    while (i < old_set->policy_count && j < new_set->policy_count) { /* both are by name */
        const int order = strcmp(old_set->policies[i].name, new_set->policies[j].name);
        if (order < 0)
            tell_policy(&comparer, &old_set->policies[i++], false);
        else if (order > 0)
            tell_policy(&comparer, &new_set->policies[j++], true);
        else
            compare_policy(&comparer, &old_set->policies[i++], &new_set->policies[j++]);
    }
    while (i < old_set->policy_count)
        tell_policy(&comparer, &old_set->policies[i++], false);
    while (j < new_set->policy_count)
        tell_policy(&comparer, &new_set->policies[j++], true);
    compare_exceptions(&comparer, old_set, new_set);
    *ret_comparison = out;
}
