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
        if (*text == '\0')
            continue; /* nothing was found: it would fit everywhere */
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
    bool exists;           /* some value is there */
    bool fits;             /* some value passes every positive test */
    bool offended;         /* some value fails a negative test */
    const char *undecided; /* why some value cannot be judged; NULL: all can */
};

static bool try_value(void *context, struct target *at, cJSON *seen)
{
    struct trial *trial = context;
    const struct condition *condition = trial->condition;
    bool fits = true;
    if (at->unreadable) {
        trial->undecided = "cannot be read as an image reference";
        return true;
    }
    trial->exists |= seen != NULL;
    for (size_t i = 0; i < condition->action_count; i++) {
        const struct action *action = &condition->actions[i];
        struct finding finding = {0};
        const bool holds = action->verb->check(trial->eval, NULL, action, at, seen, &finding);
        if (!holds && finding.undecided)
            trial->undecided = finding.bound;
        else if (action->verb->negative)
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

static enum eval_answer condition_holds(struct eval *eval, const struct condition *condition,
                                        const struct target *target, const char **ret_why)
{
    struct trial trial = {.eval = eval, .condition = condition};
    eval_each_value(eval, condition->field, target, try_value, &trial);
    if (trial.offended)
        return EVAL_NO;
    if (trial.undecided != NULL) {
        *ret_why = arena_printf(eval->arena, "its condition on %s %s", condition->field->text,
                                trial.undecided);
        return EVAL_UNDECIDED;
    }
    if (condition->tests_existence && trial.exists != condition->exists)
        return EVAL_NO;
    return trial.fits || !has_positive(condition) ? EVAL_YES : EVAL_NO;
}

enum eval_answer eval_conditions_hold(struct eval *eval, const struct rule *rule,
                                      const struct target *target, const char **ret_why)
{
    enum eval_answer answer = EVAL_YES;
    for (size_t i = 0; i < rule->condition_count; i++) {
        switch (condition_holds(eval, &rule->conditions[i], target, ret_why)) {
        case EVAL_NO:
            return EVAL_NO;
        case EVAL_UNDECIDED:
            answer = EVAL_UNDECIDED;
            break;
        case EVAL_YES:
            break;
        }
    }
    return answer;
}
