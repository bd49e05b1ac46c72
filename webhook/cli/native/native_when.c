#include "cli/native/native_cel.h"

#include <string.h>

/* ---- conditions ------------------------------------------------------------------------------ */

static const char *readable(const struct cel_value *seen)
{
    return seen->readable;
}

static const char *exists(struct cel *cel, void *context, const struct cel_target *target,
                          const struct cel_value *seen)
{
    (void)context;
    (void)target;
    return cel_and(cel, readable(seen), cel_not(cel, seen->absent));
}

static const char *passes(struct cel *cel, void *context, const struct cel_target *target,
                          const struct cel_value *seen)
{
    const struct condition *condition = context;
    const char *all = readable(seen);
    for (size_t i = 0; i < condition->action_count; i++)
        if (!condition->actions[i].verb->negative)
            all = cel_and(cel, all, cel_check(cel, NULL, &condition->actions[i], target, seen));
    return all;
}

static const char *offends(struct cel *cel, void *context, const struct cel_target *target,
                           const struct cel_value *seen)
{
    const struct condition *condition = context;
    const char *any = "false";
    for (size_t i = 0; i < condition->action_count; i++) {
        const struct action *action = &condition->actions[i];
        if (action->verb->negative)
            any = cel_or(cel, any,
                         cel_and(cel, cel_known(cel, action, target),
                                 cel_not(cel, cel_check(cel, NULL, action, target, seen))));
    }
    return cel_and(cel, readable(seen), any);
}

static const char *is_undecided(struct cel *cel, void *context, const struct cel_target *target,
                                const struct cel_value *seen)
{
    const struct condition *condition = context;
    const char *any = "false";
    for (size_t i = 0; i < condition->action_count; i++)
        any = cel_or(cel, any, cel_not(cel, cel_known(cel, &condition->actions[i], target)));
    return cel_or(cel, cel_not(cel, readable(seen)), cel_and(cel, cel_not(cel, seen->absent), any));
}

static bool has(const struct condition *condition, bool negative)
{
    for (size_t i = 0; i < condition->action_count; i++)
        if (condition->actions[i].verb->negative == negative)
            return true;
    return false;
}

static struct cel_when one_condition(struct cel *cel, const struct condition *condition,
                                     const struct cel_target *target)
{
    void *context = (void *)(uintptr_t)condition;
    const struct field *field = condition->field;
    struct cel_when when = {"true", "false"};
    const char *offended = "false";
    when.undecided = cel_field(cel, field, target, CEL_ANY, is_undecided, context);
    if (has(condition, true))
        offended = cel_field(cel, field, target, CEL_ANY, offends, context);
    if (condition->tests_existence) {
        const char *any = cel_field(cel, field, target, CEL_ANY, exists, context);
        when.holds = condition->exists ? any : cel_not(cel, any);
    }
    if (has(condition, false))
        when.holds =
            cel_and(cel, when.holds, cel_field(cel, field, target, CEL_ANY, passes, context));
    /* What cannot be decided does not switch the rule off. */
    when.holds = cel_and(cel, cel_not(cel, offended), cel_or(cel, when.undecided, when.holds));
    return when;
}

static bool reads_target(const struct expr *expr)
{
    for (size_t i = 0; i < expr->variable_count; i++) {
        const struct variable *variable = expr->variables[i];
        if (variable->kind == VARIABLE_CONTAINER || variable->kind == VARIABLE_PORT ||
            (variable->kind == VARIABLE_FIELD && variable->field->root == FIELD_ELEMENT))
            return true;
    }
    return false;
}

static bool is_relative(const struct condition *condition)
{
    bool relative = condition->field->root == FIELD_ELEMENT;
    for (size_t i = 0; i < condition->action_count; i++)
        relative |= reads_target(&condition->actions[i].value);
    return relative;
}

struct cel_when cel_conditions(struct cel *cel, const struct rule *rule,
                               const struct cel_target *target, bool relative)
{
    struct cel_when all = {"true", "false"};
    for (size_t i = 0; i < rule->condition_count; i++) {
        if (is_relative(&rule->conditions[i]) != relative)
            continue;
        const struct cel_when one = one_condition(cel, &rule->conditions[i], target);
        all.holds = cel_and(cel, all.holds, one.holds);
        all.undecided = cel_or(cel, all.undecided, one.undecided);
    }
    return all;
}

/* ---- the ratchet ----------------------------------------------------------------------------- */

static const char *at_prefix(struct cel *cel, const struct path *path, const char *root)
{
    size_t at = 0;
    const char *text = cel_members(cel, path, root, &at);
    return at == 0 ? text : cel_or_null(cel, text);
}

static const char *same_path(struct cel *cel, const struct path *path)
{
    if (path->root == FIELD_ELEMENT)
        return "true";
    if (path->root != FIELD_OBJECT)
        return "false";
    const char *same = cel_text(cel, "%s == %s", at_prefix(cel, path, "object"),
                                at_prefix(cel, path, "oldObject"));
    return path->fallback != NULL ? cel_and(cel, same, same_path(cel, path->fallback)) : same;
}

static const char *same_field(struct cel *cel, const struct field *field)
{
    const char *all = "true";
    const struct path_list *paths =
        field->by_kind != NULL ? field_paths(field, cel->kind_index) : NULL;
    for (size_t i = 0; paths != NULL && i < paths->count; i++) {
        const char *same = same_path(cel, &paths->items[i]);
        if (strstr(all, same) == NULL)
            all = cel_and(cel, all, same);
    }
    return all;
}

static const char *same_entry(struct cel *cel, const char *map, const char *key)
{
    const char *rest = cel_get(cel, cel_text(cel, ".?metadata.?%s", map), key);
    return cel_text(cel, "object%s == oldObject%s", rest, rest);
}

static const char *same_expr(struct cel *cel, const struct expr *expr)
{
    const char *all = "true";
    for (size_t i = 0; i < expr->variable_count; i++) {
        const struct variable *variable = expr->variables[i];
        if (variable->kind == VARIABLE_FIELD)
            all = cel_and(cel, all, same_field(cel, variable->field));
        else if (variable->kind == VARIABLE_LABEL)
            all = cel_and(cel, all, same_entry(cel, "labels", variable->key));
        else if (variable->kind == VARIABLE_ANNOTATION)
            all = cel_and(cel, all, same_entry(cel, "annotations", variable->key));
        else if (variable->kind == VARIABLE_DECLARED)
            all =
                cel_and(cel, all, same_expr(cel, &cel->policy->variables[variable->declared].from));
    }
    return all;
}

static const char *same_actions(struct cel *cel, const struct action *actions, size_t count)
{
    const char *all = "true";
    for (size_t i = 0; i < count; i++)
        all = cel_and(cel, all, same_expr(cel, &actions[i].value));
    return all;
}

const char *cel_ratchet(struct cel *cel, const struct rule *rule)
{
    if ((cel->operations & OPERATION_UPDATE) == 0 || rule->field == NULL || rule->ratchet_never ||
        rule->reads_request)
        return "false";
    const struct path_list *paths = field_paths(rule->field, cel->kind_index);
    const char *same = "variables.sameTemplate";
    if (paths->count > 0 && paths->items[0].in_template)
        cel->needs |= CEL_SAME_TEMPLATE;
    else
        same = cel_and(cel, "request.operation == \"UPDATE\"", same_field(cel, rule->field));
    for (size_t i = 0; i < rule->condition_count; i++) {
        const struct condition *condition = &rule->conditions[i];
        same = cel_and(cel, same, same_field(cel, condition->field));
        same = cel_and(cel, same, same_actions(cel, condition->actions, condition->action_count));
    }
    return cel_and(cel, same, same_actions(cel, rule->actions, rule->action_count));
}

/* ---- a rule ---------------------------------------------------------------------------------- */

struct judging {
    const struct rule *rule;
    const char *undecided; /* of what does not hang on the target */
};

static const char *judge(struct cel *cel, void *context, const struct cel_target *target,
                         const struct cel_value *seen)
{
    const struct judging *judging = context;
    const struct rule *rule = judging->rule;
    const struct cel_when when = cel_conditions(cel, rule, target, true);
    const char *all = cel_and(cel, cel_not(cel, judging->undecided), readable(seen));
    all = cel_and(cel, all, cel_not(cel, when.undecided));
    for (size_t i = 0; i < rule->action_count; i++)
        all = cel_and(cel, all, cel_check(cel, rule, &rule->actions[i], target, seen));
    return cel_or(cel, cel_not(cel, when.holds), all);
}

/* immutable: what the field reaches, before and after. */
static const char *unchanged(struct cel *cel, const struct rule *rule, const struct action *action)
{
    const struct path_list *paths = field_paths(rule->field, cel->kind_index);
    const char *all = "true";
    for (size_t i = 0; i < paths->count; i++) {
        const struct path *path = &paths->items[i];
        const bool chooses = cel_plain_path(cel, path, "oldObject") == NULL;
        if (path->root != FIELD_OBJECT || rule->field->view != VIEW_NONE)
            return cel_cannot(cel, "immutable over what is no field of the object");
        const char *before =
            chooses ? cel_values(cel, path, "oldObject") : cel_plain_path(cel, path, "oldObject");
        const char *after =
            chooses ? cel_values(cel, path, "object") : at_prefix(cel, path, "object");
        const char *same = cel_text(cel, "%s == %s", after, before);
        if (!action->flag) /* once */
            same = cel_or(cel, cel_text(cel, "%s == %s", before, chooses ? "[]" : "null"), same);
        all = cel_and(cel, all, same);
    }
    return cel_is(all, "true") ? all : cel_or(cel, "request.operation != \"UPDATE\"", all);
}

static const char *whole(struct cel *cel, const struct rule *rule)
{
    const char *all = "true";
    for (size_t i = 0; i < rule->action_count; i++) {
        if (rule->actions[i].verb->check_whole == NULL)
            continue;
        for (size_t c = 0; c < rule->condition_count; c++)
            if (is_relative(&rule->conditions[c]))
                return cel_cannot(cel, "immutable under a condition on the element");
        all = cel_and(cel, all, unchanged(cel, rule, &rule->actions[i]));
    }
    return all;
}

const char *cel_rule(struct cel *cel, const struct rule *rule)
{
    struct cel_when when = cel_conditions(cel, rule, NULL, false);
    if (rule->field == NULL) /* there is no element: .x stands nowhere */
        when.holds = cel_and(cel, when.holds, cel_conditions(cel, rule, NULL, true).holds);
    struct judging judging = {rule, when.undecided};
    const char *body = "false";
    if (rule->field != NULL) {
        const char *each = cel_field(cel, rule->field, NULL, CEL_ALL, judge, &judging);
        const char *all = whole(cel, rule);
        if (!cel_is(all, "true"))
            all = cel_and(cel, cel_not(cel, when.undecided), all);
        /* Only what is judged as a whole has nothing to judge one by one. */
        body = cel_and(cel, each, all);
    }
    return cel_is(body, "true") ? body : cel_or(cel, cel_not(cel, when.holds), body);
}
