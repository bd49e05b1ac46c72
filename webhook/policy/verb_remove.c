/* remove: true — present is taken out; what is left must be absent. */
#include "policy/edit.h"
#include "policy/verb.h"

static void mutate(struct eval *eval, const struct rule *rule, const struct action *action,
                   struct target *target)
{
    (void)rule;
    (void)action;
    if (target->value != NULL)
        edit_remove(eval, target);
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    (void)action;
    buf_add_string(buf, "is taken out");
}

extern const struct verb verb_remove;
const struct verb verb_remove = {
    .name = "remove",
    .value = "true",
    .takes = KEY_TRUE,
    .mutates = true,
    .negative = true,
    .parse = verb_parse_true,
    .mutate = mutate,
    .check = verb_check_absent,
    .explain = explain,
};
