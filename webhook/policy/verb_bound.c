/* min: V, max: V — a value outside is moved to the bound (outside: clamp, or a default that was
 * just put in) or is a violation.  One file for both: they differ in a sign. */
#include "policy/edit.h"
#include "policy/verb.h"

extern const struct verb verb_min, verb_max;

static enum value_type type_of(const struct rule *rule, const struct target *target)
{
    if (target->view == VIEW_COUNT)
        return VALUE_INT;
    return value_type_at(rule != NULL ? rule->type : VALUE_AUTO, verb_seen_node(target));
}

/* Absent is 0 where the API omits it. */
static const cJSON *or_zero(struct eval *eval, const struct target *target, const cJSON *seen)
{
    const struct schema_node *node = verb_seen_node(target);
    if (seen == NULL && verb_zero_is_absent(target) && node != NULL && node->type == SCHEMA_INT)
        return json_new_int(eval->arena, 0);
    return seen;
}

static bool is_min(const struct action *action)
{
    return action->verb == &verb_min;
}

static bool is_outside(const struct action *action, enum value_order order)
{
    return order == (is_min(action) ? VALUE_LESS : VALUE_MORE);
}

static void mutate(struct eval *eval, const struct rule *rule, const struct action *action,
                   struct target *target)
{
    const char *unresolved;
    if (target->view != VIEW_NONE || (!rule->clamp && !target->defaulted))
        return;
    const cJSON *seen = or_zero(eval, target, target->value);
    const cJSON *bound = expr_value(eval, &action->value, target, &unresolved);
    if (seen != NULL && bound != NULL &&
        is_outside(action, value_compare(type_of(rule, target), seen, bound)))
        edit_set(eval, target, bound, true);
}

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    const char *unresolved;
    seen = or_zero(eval, target, seen);
    if (seen == NULL)
        return verb_absent(rule, ret_finding);
    const cJSON *bound = expr_value(eval, &action->value, target, &unresolved);
    if (bound == NULL)
        return verb_unresolved(eval, ret_finding, seen, unresolved);
    const enum value_order order = value_compare(type_of(rule, target), seen, bound);
    if (order != VALUE_INCOMPARABLE && !is_outside(action, order))
        return true;
    if (rule == NULL)
        return false; /* in `when` nobody reads the words */
    struct buf text = verb_buf(eval);
    buf_add_string(&text, is_min(action) ? "at least " : "at most ");
    value_write_plain(bound, 100, &text);
    if (order == VALUE_INCOMPARABLE)
        buf_add_string(&text, ", and it cannot be compared with that");
    verb_invalid(ret_finding, seen, text.data);
    ret_finding->wanted = target->view == VIEW_NONE ? bound : NULL;
    return false;
}

static bool parse(struct verb_parse *parse, const cJSON *value, struct action *action)
{
    if (json_is_object(value) || json_is_array(value) || json_is_bool(value))
        return verb_fail(parse, value, "bad-value", "%s takes one number, quantity or duration",
                         action->verb->name);
    return verb_parse_expr(parse, value, action);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    if (rule != NULL && rule->clamp) {
        buf_add_string(buf, is_min(action) ? "is raised to " : "is lowered to ");
        value_write_plain(action->value.value, 200, buf);
        buf_add_string(buf, is_min(action) ? " if it is less" : " if it is more");
        return;
    }
    verb_explain_being(rule, buf);
    buf_add_string(buf, is_min(action) ? "at least " : "at most ");
    value_write_plain(action->value.value, 200, buf);
}

const struct verb verb_min = {
    .name = "min",
    .value = "a number, quantity or duration",
    .takes = KEY_BOUND,
    .mutates = true,
    .clamps = true,
    .in_when = true,
    .parse = parse,
    .mutate = mutate,
    .check = check,
    .explain = explain,
};

const struct verb verb_max = {
    .name = "max",
    .value = "a number, quantity or duration",
    .takes = KEY_BOUND,
    .mutates = true,
    .clamps = true,
    .in_when = true,
    .parse = parse,
    .mutate = mutate,
    .check = check,
    .explain = explain,
};
