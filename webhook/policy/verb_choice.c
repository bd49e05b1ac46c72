/* oneOf: [V...], noneOf: [V...] — the value is, or is not, in a list.  One file for both: the one
 * is the other turned round. */
#include "policy/verb.h"

static bool is_in(const struct rule *rule, const struct target *target, const cJSON *seen,
                  const cJSON *list)
{
    for (const cJSON *value = list->child; value != NULL; value = value->next)
        if (verb_holds(rule, target, seen, value))
            return true;
    return false;
}

/* Whether a text or number is held against a list or map: never the same, which must not pass for
 * "none of them". */
static bool has_other_shape(const cJSON *seen, const cJSON *list)
{
    for (const cJSON *value = list->child; value != NULL; value = value->next)
        if ((json_is_array(value) || json_is_object(value)) && !json_is_array(seen) &&
            !json_is_object(seen))
            return true;
    return false;
}

static bool check_one_of(struct eval *eval, const struct rule *rule, const struct action *action,
                         const struct target *target, const cJSON *seen,
                         struct finding *ret_finding)
{
    const char *unresolved;
    const cJSON *list = expr_list(eval, &action->value, target, &unresolved);
    if (list == NULL)
        return verb_unjudged(eval, rule, ret_finding, seen, unresolved);
    if (is_in(rule, target, seen, list))
        return true;
    if (seen == NULL && verb_absent(rule, ret_finding))
        return true;
    if (rule == NULL)
        return false; /* in `when` nobody reads the words */
    struct buf bound = verb_buf(eval);
    buf_add_string(&bound, json_count(list) == 1 ? "must be " : "must be one of ");
    if (json_count(list) == 0)
        buf_add_string(&bound, "none: the list is empty here");
    verb_write_choice(list, &bound);
    if (seen != NULL)
        verb_invalid(ret_finding, seen, bound.data);
    ret_finding->bound = bound.data;
    ret_finding->wanted = json_count(list) == 1 && target->view == VIEW_NONE ? list->child : NULL;
    return false;
}

static bool check_none_of(struct eval *eval, const struct rule *rule, const struct action *action,
                          const struct target *target, const cJSON *seen,
                          struct finding *ret_finding)
{
    const char *unresolved;
    if (seen == NULL)
        return true;
    const cJSON *list = expr_list(eval, &action->value, target, &unresolved);
    if (list == NULL)
        return verb_unresolved(eval, ret_finding, seen, unresolved);
    const bool shaped = has_other_shape(seen, list);
    if (!shaped && !is_in(rule, target, seen, list))
        return true;
    if (rule == NULL && !shaped)
        return false; /* in `when` nobody reads the words */
    struct buf bound = verb_buf(eval);
    buf_add_string(&bound, "must not be ");
    verb_write_choice(list, &bound);
    if (shaped)
        buf_add_string(&bound, ", and it cannot be compared with that");
    verb_invalid(ret_finding, seen, bound.data);
    ret_finding->undecided = shaped;
    return false;
}

static bool is_single(const cJSON *list)
{
    return !json_is_array(list) || json_count(list) == 1;
}

static void explain_one_of(const struct rule *rule, const struct action *action, struct buf *buf)
{
    verb_explain_being(rule, buf);
    if (!is_single(action->value.value))
        buf_add_string(buf, "one of ");
    verb_write_choice(action->value.value, buf);
}

static void explain_none_of(const struct rule *rule, const struct action *action, struct buf *buf)
{
    if (is_single(action->value.value)) {
        buf_add_string(buf, rule == NULL ? "is not " : "must not be ");
    } else {
        verb_explain_being(rule, buf);
        buf_add_string(buf, "none of ");
    }
    verb_write_choice(action->value.value, buf);
}

extern const struct verb verb_one_of;
const struct verb verb_one_of = {
    .name = "oneOf",
    .value = "a list of values",
    .takes = KEY_VALUES,
    .in_when = true,
    .parse = verb_parse_list,
    .check = check_one_of,
    .explain = explain_one_of,
};

extern const struct verb verb_none_of;
const struct verb verb_none_of = {
    .name = "noneOf",
    .value = "a list of values",
    .takes = KEY_VALUES,
    .in_when = true,
    .negative = true,
    .parse = verb_parse_list,
    .check = check_none_of,
    .explain = explain_none_of,
};
