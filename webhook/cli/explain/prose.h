/* Policies in words, for people who do not read YAML: what `proctor explain` and `proctor diff`
 * say of one rule, one condition, one match, one exception.
 *
 * The sentences of the verbs are the verbs' own (verb.h, explain); here fields, variables and
 * whoever is meant get their words.  A variable stands in capitals, as in a refusal's fix: NAME is
 * the object's own name.  Texts live in `arena`; what comes from files is not yet made visible:
 * whoever prints does that.
 */
#ifndef PROCTOR_CLI_PROSE_H
#define PROCTOR_CLI_PROSE_H

#include "policy/set.h"

/* How a field that reaches several values is spoken of. */
enum prose_reach {
    PROSE_EACH, /* nodePort of each of spec.ports */
    PROSE_SOME, /* ... of one of ... */
    PROSE_ANY   /* ... of any of ... */
};

/* "resources.limits.cpu of each container and init container", "the number of spec.ports". */
const char *prose_field(struct arena *arena, const struct field *field, enum prose_reach reach);

/* What the rule says of its field: "becomes 500m if it is not given; is lowered to 500m if it is
 * more".  Of a deny rule: "is refused". */
const char *prose_demand(struct arena *arena, const struct rule *rule);

/* Field and demand, and the conditions behind them: a whole rule in one sentence without its why.
 * Of a deny rule its message is what is refused; `language` chooses it. */
const char *prose_rule(struct arena *arena, const struct rule *rule, const char *language);

/* What a rule without a field refuses: its message, or "the request". */
const char *prose_denied(const struct rule *rule, const char *language);

/* One entry of `when`: "spec.strategy.type is RollingUpdate", "there is no ...". */
const char *prose_condition(struct arena *arena, const struct condition *condition);

/* One verb of a rule as it would stand in the file, for two values side by side: "max 1". */
const char *prose_value(struct arena *arena, const struct action *action);

/* "created or changed"; 0 is nothing. */
const char *prose_operations(struct arena *arena, unsigned operations);

/* "a, b and c" ("or" for `last` = "or"). */
const char *prose_list(struct arena *arena, policy_strings strings, const char *last);

/* Who is meant, and when: "For members of students in the namespaces a or b, when something is
 * created or changed". */
const char *prose_match(struct arena *arena, const struct policy_match *match);

/* Who is not judged, and where: "members of system:nodes, for pods/status, when changed". */
const char *prose_exclude(struct arena *arena, const struct policy_exclude *exclude);

/* "app is one of a or b", "app is there". */
const char *prose_requirement(struct arena *arena, const struct label_requirement *requirement);

/* "STUDENT is what ^s([0-9]+)$ finds in USER". */
const char *prose_variable(struct arena *arena, const struct policy_variable *variable);

/* The words in capitals that the policy's sentences hold, besides those of its own variables:
 * "NAME is the object's own name".  Ends with NULL. */
policy_strings prose_capitals(struct arena *arena, const struct policy *policy);

/* What an exception waives, for whom, and until when: "one-replica is waived in the namespace a
 * for b until 2026-12-31". */
const char *prose_exception(struct arena *arena, const struct policy_exception *exception);

/* "until 2026-12-31, 40 days from now", "expired on 2026-12-31: it has no effect". */
const char *prose_expiry(struct arena *arena, const struct policy_exception *exception,
                         int64_t now);

#endif
