/* deny: true — the request itself is the violation; the rule has no field. */
#include "policy/verb.h"

static bool check(struct eval *eval, const struct rule *rule, const struct action *action,
                  const struct target *target, const cJSON *seen, struct finding *ret_finding)
{
    (void)eval;
    (void)rule;
    (void)action;
    (void)target;
    (void)seen;
    *ret_finding = (struct finding){.reason = FINDING_FORBIDDEN, .bound = "not allowed here"};
    return false;
}

static void explain(const struct rule *rule, const struct action *action, struct buf *buf)
{
    (void)rule;
    (void)action;
    buf_add_string(buf, "is refused");
}

extern const struct verb verb_deny;
const struct verb verb_deny = {
    .name = "deny",
    .value = "true",
    .takes = KEY_TRUE,
    .without_field = true,
    .parse = verb_parse_true,
    .check = check,
    .explain = explain,
};
