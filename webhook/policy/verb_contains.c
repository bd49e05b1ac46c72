/* contains: [V...] — each V must be in the list; an absent list holds nothing. */
#include "policy/verb.h"

static bool has(const struct target *target, const cJSON *seen, const cJSON *wanted)
{
    const struct schema_node *node = verb_seen_node(target);
    const struct schema_node *item = node != NULL ? node->item : NULL;
    for (const cJSON *element = seen->child; element != NULL; element = element->next)
        if (value_holds(VALUE_AUTO, item, false, element, wanted, false))
            return true;
    return false;
}

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    const char *unresolved;
    const cJSON *list = expr_list(eval, &action->value, target, &unresolved);
    if (list == NULL)
        return verb_unjudged(eval, rule, ret_finding, seen, unresolved);
    if (seen == NULL) {
        if (verb_absent(rule, ret_finding))
            return true;
        ret_finding->wanted = list;
        return false;
    }
    for (const cJSON *wanted = list->child; wanted != NULL; wanted = wanted->next) {
        if (json_is_array(seen) && has(target, seen, wanted))
            continue;
        struct buf bound = verb_buf(eval);
        buf_add_string(&bound, "must contain ");
        value_write_plain(wanted, 200, &bound);
        return verb_invalid(ret_finding, seen, bound.data);
    }
    return true;
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    buf_add_string(buf,
                   json_count(action->value.value) > 1 ? "must contain each of " : "must contain ");
    verb_write_choice(action->value.value, buf);
}

extern const struct verb verb_contains;
const struct verb verb_contains = {
    .name = "contains",
    .value = "a list of values",
    .takes = KEY_VALUES,
    .parse = verb_parse_list,
    .check = check,
    .explain = explain,
};
