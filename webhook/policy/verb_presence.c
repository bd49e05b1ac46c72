/* required: true, forbidden: true — the value is there, or it is not. */
#include "policy/verb.h"

static bool check_required(struct eval *eval, const struct rule *rule, const struct action *action,
                           const struct target *target, const cJSON *seen,
                           struct finding *ret_finding)
{
    (void)eval;
    (void)action;
    (void)target;
    return seen != NULL || verb_absent(rule, ret_finding);
}

static void explain_required(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    (void)action;
    buf_add_string(buf, "must be there");
}

static void explain_forbidden(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    (void)action;
    buf_add_string(buf, "must not be there");
}

extern const struct verb verb_required;
const struct verb verb_required = {
    .name = "required",
    .value = "true",
    .takes = KEY_TRUE,
    .parse = verb_parse_true,
    .check = check_required,
    .explain = explain_required,
};

extern const struct verb verb_forbidden;
const struct verb verb_forbidden = {
    .name = "forbidden",
    .value = "true",
    .takes = KEY_TRUE,
    .negative = true,
    .parse = verb_parse_true,
    .check = verb_check_absent,
    .explain = explain_forbidden,
};
