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
    return verb_not_wanted(eval, rule, target, seen, wanted, ret_finding);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    verb_explain_being(rule, buf);
    if (rule != NULL && rule->exactly)
        buf_add_string(buf, "exactly ");
    value_write_plain(action->value.value, 200, buf);
}

extern const struct verb verb_equals;
const struct verb verb_equals = {
    .name = "equals",
    .value = "a value",
    .takes = KEY_VALUE,
    .in_when = true,
    .parse = verb_parse_expr,
    .check = check,
    .explain = explain,
    .lint = verb_lint_value,
};
