/* Which rules their suites do not show: a rule without a passing and a failing case is a warning.
 *
 * A failing case expects the rule in violations, warned, audited or changes.  A passing one is any
 * other case of a suite that loads the rule's policy, that is judged, and whose kind has the
 * rule's field.  Nothing is judged here: whether the expectations hold is `proctor test`'s.
 */
#ifndef PROCTOR_CLI_LINT_CASES_H
#define PROCTOR_CLI_LINT_CASES_H

#include "policy/diag.h"
#include "policy/set.h"

/* Adds the warnings ("no-case") for the set that `paths` (ends with NULL) gave, from the suites in
 * those folders and beside those files; a suite that cannot be read is a warning too
 * ("bad-suite").  ERR_NO_MEMORY. */
NODISCARD int lint_cases(const char *const *paths, const struct policy_set *set, int64_t now,
                         struct diagnostics *diagnostics, struct err *reterr);

#endif
