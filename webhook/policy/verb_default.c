/* default: V — absent becomes V, moved into the rule's own min and max; afterwards it must be
 * there, unless optional. */
#include "policy/edit.h"
#include "policy/verb.h"

#include <string.h>

/* A Scale leaves nothing open: without replicas it asks for none (KUBERNETES fact 9), and a
 * default there would start what was just stopped. */
static bool is_scale(const struct eval *eval)
{
    return eval->kind_index > 0 && strcmp(schema_kinds[eval->kind_index - 1].kind, "Scale") == 0;
}

static void mutate(struct eval *eval, const struct rule *rule, const struct action *action,
                   struct target *target)
{
    const char *unresolved;
    (void)rule;
    /* Where the API omits zeros a zero is absent, and so is a zero that would be put in. */
    const bool zero_is_absent = verb_zero_is_absent(target);
    if (zero_is_absent && is_scale(eval))
        return;
    if (target->value != NULL && !(zero_is_absent && schema_is_zero(target->value)))
        return;
    const cJSON *value = expr_value(eval, &action->value, target, &unresolved);
    /* Without a value there is nothing to put in: the check says so. */
    if (value != NULL && !(zero_is_absent && schema_is_zero(value)))
        target->defaulted = edit_set(eval, target, value, true);
}

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    const char *unresolved;
    if (seen != NULL || (verb_zero_is_absent(target) && is_scale(eval)) ||
        verb_absent(rule, ret_finding))
        return true;
    ret_finding->wanted = expr_value(eval, &action->value, target, &unresolved);
    if (ret_finding->wanted == NULL)
        return verb_unresolved(eval, ret_finding, seen, unresolved);
    /* A default that is the zero which the API omits is there by being absent. */
    return verb_zero_is_absent(target) && schema_is_zero(ret_finding->wanted);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    buf_add_string(buf, "becomes ");
    value_write_plain(action->value.value, 200, buf);
    buf_add_string(buf, " if it is not given");
}

extern const struct verb verb_default;
const struct verb verb_default = {
    .name = "default",
    .value = "a value",
    .takes = KEY_VALUE,
    .mutates = true,
    .parse = verb_parse_expr,
    .mutate = mutate,
    .check = check,
    .explain = explain,
    .lint = verb_lint_value,
};
