#include "policy/eval.h"

#include "policy/verb.h"

#include <string.h>

cJSON *eval_root(const struct eval *eval, const struct path *path, const struct target *target)
{
    switch (path->root) {
    case FIELD_OLD:
        return eval->old_object;
    case FIELD_OPTIONS:
        return eval->options;
    case FIELD_REQUEST:
        return eval->request;
    case FIELD_ELEMENT:
        if (target == NULL)
            return eval->object;
        return path->count == 0 ? target->value : target_element(target);
    default:
        return eval->object;
    }
}

void eval_enter(struct eval *eval, const struct policy *policy)
{
    eval->policy = policy;
    if (policy->variable_count == 0)
        return;
    eval->declared_values = arena_array(eval->arena, policy->variable_count, sizeof(char *));
    eval->declared_known = arena_array(eval->arena, policy->variable_count, sizeof(bool));
    for (size_t i = 0; i < policy->variable_count; i++) {
        const struct policy_variable *variable = &policy->variables[i];
        const char *unresolved;
        const char *text = json_string(expr_value(eval, &variable->from, NULL, &unresolved));
        if (text == NULL)
            continue;
        if (variable->pattern != NULL &&
            pattern_match(variable->pattern, eval->arena, text, &text) != PATTERN_YES)
            continue;
        eval->declared_values[i] = text;
        eval->declared_known[i] = true;
    }
}

/* ---- values of a field ------------------------------------------------------------------ */

struct each_value {
    struct eval *eval;
    enum field_view view;
    struct target *at;
    bool (*visit)(void *context, struct target *at, cJSON *seen);
    void *context;
};

static bool each_seen(void *context, cJSON *seen)
{
    struct each_value *each = context;
    return each->visit(each->context, each->at, seen);
}

static bool take_fallback(void *context, struct target *at)
{
    *(cJSON **)context = at->value;
    return true;
}

static bool each_target(void *context, struct target *at)
{
    struct each_value *each = context;
    at->view = each->view;
    each->at = at;
    if (at->value == NULL && at->path->fallback != NULL)
        field_walk(at->path->fallback, each->eval->object, take_fallback, &at->value);
    bool go_on = value_view(each->eval->arena, each->view, at, each_seen, each, &at->unreadable);
    return go_on && at->unreadable ? each->visit(each->context, at, NULL) : go_on;
}

bool eval_each_value(struct eval *eval, const struct field *field, const struct target *target,
                     bool (*visit)(void *context, struct target *at, cJSON *seen), void *context)
{
    struct each_value each = {.eval = eval, .view = field->view, .visit = visit};
    each.context = context;
    bool go_on = true;
    const struct path_list *paths =
        field->by_kind != NULL ? field_paths(field, eval->kind_index) : NULL;
    for (size_t i = 0; paths != NULL && i < paths->count && go_on; i++) {
        const struct path *path = &paths->items[i];
        go_on = field_walk(path, eval_root(eval, path, target), each_target, &each);
    }
    return go_on;
}

/* ---- conditions ------------------------------------------------------------------------- */

struct trial {
    struct eval *eval;
    const struct condition *condition;
    bool exists;   /* some value is there */
    bool fits;     /* some value passes every positive test */
    bool offended; /* some value fails a negative test */
};

static bool try_value(void *context, struct target *at, cJSON *seen)
{
    struct trial *trial = context;
    const struct condition *condition = trial->condition;
    bool fits = true;
    if (at->unreadable)
        return true;
    trial->exists |= seen != NULL;
    for (size_t i = 0; i < condition->action_count; i++) {
        const struct action *action = &condition->actions[i];
        struct finding ignored;
        const bool holds = action->verb->check(trial->eval, NULL, action, at, seen, &ignored);
        if (action->verb->negative)
            trial->offended |= !holds;
        else
            fits &= holds;
    }
    trial->fits |= fits;
    return true;
}

static bool has_positive(const struct condition *condition)
{
    for (size_t i = 0; i < condition->action_count; i++)
        if (!condition->actions[i].verb->negative)
            return true;
    return false;
}

static bool condition_holds(struct eval *eval, const struct condition *condition,
                            const struct target *target)
{
    struct trial trial = {.eval = eval, .condition = condition};
    eval_each_value(eval, condition->field, target, try_value, &trial);
    if (condition->tests_existence && trial.exists != condition->exists)
        return false;
    return !trial.offended && (trial.fits || !has_positive(condition));
}

bool eval_conditions_hold(struct eval *eval, const struct rule *rule, const struct target *target)
{
    for (size_t i = 0; i < rule->condition_count; i++)
        if (!condition_holds(eval, &rule->conditions[i], target))
            return false;
    return true;
}
