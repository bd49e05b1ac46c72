/* Lint: what a policy file may say, but hardly means.  Mostly warnings; errors where a rule could
 * never be satisfied. */
#ifndef PROCTOR_POLICY_LINT_H
#define PROCTOR_POLICY_LINT_H

#include "policy/set.h"

#include <stdint.h>

/* Looks at every policy and exception of the set; lint_never is a part of it. */
void lint_set(const struct policy_set *set, int64_t now, struct diagnostics *diagnostics);

/* lint_never.c: rules that can never act or never refuse, and exceptions that waive nothing. */
void lint_never(const struct policy_set *set, struct diagnostics *diagnostics);

#endif
