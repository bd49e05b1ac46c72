/* What both halves share: how objects, messages and remarks are put together. */
#ifndef PROCTOR_CLI_NATIVE_INTERNAL_H
#define PROCTOR_CLI_NATIVE_INTERNAL_H

#include "cli/native/native.h"
#include "cli/native/native_cel.h"

#include <stdbool.h>

/* {apiVersion, kind, metadata}. */
cJSON *native_new_object(struct arena *arena, const char *kind, const char *name);

void native_add_object(struct native *native, struct arena *arena, cJSON *object);

void native_remark(struct native *native, struct arena *arena, const struct policy *policy,
                   const struct rule *rule, bool left_out, const char *why);

/* Short names for what the expression binds. */
const char *native_finish(struct cel *cel, const char *text);

/* The validation's `message`, and `messageExpression` where it can say more: the found value and
 * the variables. */
void native_add_messages(const struct policy_set *set, struct cel *cel, const struct rule *rule,
                         cJSON *validation);

/* Whether the exception is from this rule. */
bool native_names_rule(const struct policy_exception *exception, const struct rule *rule);

/* Notes which exceptions from the rule hold, and until when. */
void native_remark_exceptions(struct native *native, const struct policy_set *set, int64_t now,
                              struct arena *arena, const struct rule *rule);

/* cel_match_conditions, with short names for what the expressions bind. */
cJSON *native_match_conditions(struct cel *cel, const struct policy_match *match);

#endif
