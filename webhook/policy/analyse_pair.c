#include "kube/names.h"
#include "policy/analyse_internal.h"
#include "policy/verb.h"

#include <string.h>

/* ---- whether two rules can meet on one object --------------------------------------------- */

static bool texts_meet(const char *a, const char *b)
{
    const bool glob_a = glob_is_pattern(a), glob_b = glob_is_pattern(b);
    if (glob_a && glob_b)
        return true;
    return glob_a ? glob_matches(a, b) : glob_b ? glob_matches(b, a) : strcmp(a, b) == 0;
}

bool analyse_lists_meet(policy_strings a, policy_strings b)
{
    if (a == NULL || b == NULL)
        return true;
    for (size_t i = 0; a[i] != NULL; i++)
        for (size_t j = 0; b[j] != NULL; j++)
            if (texts_meet(a[i], b[j]))
                return true;
    return false;
}

bool analyse_policies_meet(const struct policy *a, const struct policy *b)
{
    return a == b || ((a->match.operations & b->match.operations) != 0 &&
                      analyse_lists_meet(a->match.resources, b->match.resources) &&
                      analyse_lists_meet(a->match.namespaces, b->match.namespaces) &&
                      analyse_lists_meet(a->match.names, b->match.names));
}

static const struct action *find_action(const struct action *actions, size_t count,
                                        const char *verb)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(actions[i].verb->name, verb) == 0)
            return &actions[i];
    return NULL;
}

/* The constant values of a condition's verb: a list, or one value (then *ret_single). */
static const cJSON *constant_of(const struct condition *condition, const char *verb)
{
    const struct action *action = find_action(condition->actions, condition->action_count, verb);
    return action != NULL && action->value.is_constant ? action->value.value : NULL;
}

static bool is_in(const cJSON *value, const cJSON *values)
{
    if (!json_is_array(values))
        return json_equal(value, values);
    for (const cJSON *entry = values->child; entry != NULL; entry = entry->next)
        if (json_equal(value, entry))
            return true;
    return false;
}

static const cJSON *allowed_by(const struct condition *condition)
{
    const cJSON *values = constant_of(condition, "equals");
    if (values == NULL)
        values = constant_of(condition, "oneOf");
    return values;
}

/* Whether a value that satisfies `a` never satisfies `b`. */
static bool excludes(const struct condition *a, const struct condition *b)
{
    const cJSON *mine = allowed_by(a), *others = allowed_by(b);
    const cJSON *refused = constant_of(b, "noneOf");
    if (a->tests_existence && b->tests_existence && a->exists != b->exists)
        return true;
    if (mine != NULL && b->tests_existence && !b->exists)
        return true;
    if (mine == NULL || (others == NULL && refused == NULL))
        return false;
    for (const cJSON *value = json_is_array(mine) ? mine->child : mine; value != NULL;
         value = json_is_array(mine) ? value->next : NULL)
        if (!((others != NULL && !is_in(value, others)) ||
              (refused != NULL && is_in(value, refused))))
            return false;
    return true;
}

static bool is_single(const struct field *field)
{
    if (field->root == FIELD_APP_CONTAINERS || field->root == FIELD_CONTAINERS ||
        field->root == FIELD_ANY_CONTAINERS || field->root == FIELD_SECURITY_CONTEXT ||
        field->view == VIEW_KEYS)
        return false;
    for (size_t i = 0; i < field->step_count; i++)
        if (field->steps[i].kind != STEP_MEMBER)
            return false;
    return true;
}

static bool same_step(const struct step *a, const struct step *b)
{
    return a->kind == b->kind && (a->name == b->name || (a->name != NULL && b->name != NULL &&
                                                         strcmp(a->name, b->name) == 0));
}

static bool same_base(const struct access *a, const struct access *b)
{
    if (a->base != b->base)
        return false;
    for (size_t i = 0; i < a->base; i++)
        if (!same_step(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

bool analyse_conditions_exclude(const struct access *a, const struct access *b)
{
    for (size_t i = 0; i < a->rule->condition_count; i++)
        for (size_t j = 0; j < b->rule->condition_count; j++) {
            const struct condition *one = &a->rule->conditions[i], *two = &b->rule->conditions[j];
            if (strcmp(one->field->text, two->field->text) != 0 || !is_single(one->field) ||
                (one->field->root == FIELD_ELEMENT && !same_base(a, b)))
                continue;
            if (excludes(one, two) || excludes(two, one))
                return true;
        }
    return false;
}

/* ---- whether two paths touch one place ---------------------------------------------------- */

static bool steps_meet(const struct step *a, const struct step *b)
{
    if (a->kind == STEP_MEMBER && b->kind == STEP_MEMBER)
        return strcmp(a->name, b->name) == 0;
    if (a->kind == STEP_ELEMENT && b->kind == STEP_ELEMENT && strcmp(a->name, b->name) == 0)
        return strcmp(a->value, b->value) == 0;
    if (a->kind == STEP_GLOB && b->kind == STEP_MEMBER)
        return glob_matches(a->name, b->name);
    if (b->kind == STEP_GLOB && a->kind == STEP_MEMBER)
        return glob_matches(b->name, a->name);
    return true;
}

bool analyse_paths_meet(const struct access *a, const struct access *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!steps_meet(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

/* ---- whether two writes agree ------------------------------------------------------------- */

static const struct action *action_of(const struct access *access, const char *verb)
{
    return find_action(access->rule->actions, access->rule->action_count, verb);
}

static const struct expr *written_by(const struct access *access)
{
    const struct action *action = action_of(access, "set");
    if (action == NULL)
        action = action_of(access, "default");
    return action != NULL ? &action->value : NULL;
}

static enum value_order compare(const struct access *access, const cJSON *a, const cJSON *b)
{
    const struct schema_node *node = access->steps[access->count - 1].node;
    return value_compare(value_type_at(access->rule->type, node), a, b);
}

/* Whether a constant lies within the bounds that the other rule clamps to. */
static bool is_within(const struct access *bounds, const cJSON *value)
{
    const struct action *min = action_of(bounds, "min"), *max = action_of(bounds, "max");
    if (!bounds->rule->clamp)
        return true; /* it does not write */
    if (min != NULL && min->value.is_constant &&
        compare(bounds, value, min->value.value) == VALUE_LESS)
        return false;
    return max == NULL || !max->value.is_constant ||
           compare(bounds, value, max->value.value) != VALUE_MORE;
}

static bool same_value(const struct access *access, const cJSON *a, const cJSON *b)
{
    if (json_equal(a, b))
        return true;
    return !json_is_object(a) && !json_is_array(a) && !json_is_object(b) && !json_is_array(b) &&
           compare(access, a, b) == VALUE_SAME;
}

/* The part of the shorter access's value that stands where the longer one writes. */
static const cJSON *value_below(const struct access *from, const struct access *to,
                                const cJSON *value)
{
    for (size_t i = from->count; i < to->count && value != NULL; i++)
        if (to->steps[i].kind == STEP_MEMBER)
            value = json_get(value, to->steps[i].name);
        else
            return value->child;
    return value;
}

static bool removal_agrees(const struct access *removal, const struct access *other)
{
    if (action_of(other, "remove") != NULL)
        return true;
    /* An element that is taken out is no place where the other could write any more. */
    return removal->count == removal->base && removal->count < other->count;
}

/* Whether it sets what only the request decides; a default gives way to any bound. */
static bool puts_unknown(const struct access *access)
{
    const struct action *set = action_of(access, "set");
    return set != NULL && !set->value.is_constant;
}

/* `a` writes at the same place as `b` or above it. */
static bool values_agree(const struct access *a, const struct access *b)
{
    const struct expr *mine = written_by(a), *theirs = written_by(b);
    if (mine != NULL && a->count < b->count) {
        if (a->rule->exactly)
            return false;
        const cJSON *part = value_below(a, b, mine->value);
        if (part == NULL)
            return true;
        if (theirs != NULL)
            return same_value(b, part, theirs->value);
        return is_within(b, part);
    }
    if (mine != NULL && theirs != NULL)
        return same_value(a, mine->value, theirs->value);
    if (puts_unknown(a) ? b->rule->clamp : puts_unknown(b) && a->rule->clamp)
        return false; /* the one would move what the other puts back */
    if (mine != NULL && mine->is_constant)
        return is_within(b, mine->value);
    if (theirs != NULL && theirs->is_constant)
        return a->count < b->count || is_within(a, theirs->value);
    return true;
}

/* Two clamps agree if some value suits both. */
static bool bounds_agree(const struct access *a, const struct access *b)
{
    const struct action *min = action_of(a, "min"), *max = action_of(b, "max");
    return !a->rule->clamp || !b->rule->clamp || a->count != b->count || min == NULL ||
           max == NULL || !min->value.is_constant || !max->value.is_constant ||
           compare(a, min->value.value, max->value.value) != VALUE_MORE;
}

bool analyse_writes_agree(const struct access *a, const struct access *b)
{
    if (action_of(a, "remove") != NULL)
        return removal_agrees(a, b);
    if (action_of(b, "remove") != NULL)
        return removal_agrees(b, a);
    return (a->count <= b->count ? values_agree(a, b) : values_agree(b, a)) && bounds_agree(a, b) &&
           bounds_agree(b, a);
}
