/* equals: V — of a map only the keys that V has, unless exactly. */
#include "policy/verb.h"

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    const char *unresolved;
    const cJSON *wanted = expr_value(eval, &action->value, target, &unresolved);
    if (wanted == NULL)
        return verb_unjudged(eval, rule, ret_finding, seen, unresolved);
    if (verb_holds(rule, target, seen, wanted))
        return true;
    if (rule == NULL)
        return false; /* in `when` nobody reads the words */
    const bool zero = verb_zero_is_absent(target) && schema_is_zero(wanted);
    if (seen == NULL) {
        if (verb_absent(rule, ret_finding))
            return true;
        ret_finding->wanted = wanted;
        return false;
    }
    struct buf bound = verb_buf(eval);
    buf_add_string(&bound, "must be ");
    if (rule != NULL && rule->exactly)
        buf_add_string(&bound, "exactly ");
    value_write_plain(wanted, 200, &bound);
    if (zero)
        buf_add_string(&bound, " or absent");
    verb_invalid(ret_finding, seen, bound.data);
    ret_finding->wanted = zero || target->view != VIEW_NONE ? NULL : wanted;
    return false;
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    buf_add_string(buf, "exactly ");
    value_write_plain(action->value.value, 200, buf);
}

extern const struct verb verb_equals;
const struct verb verb_equals = {
    .name = "equals",
    .value = "a value",
    .in_when = true,
    .parse = verb_parse_expr,
    .check = check,
    .explain = explain,
    .lint = verb_lint_value,
};
