/* Conditions: a rule's `when` (POLICY.md).  All entries must hold; of several values one must fit a
 * positive test, none a negative one.
 */
#ifndef PROCTOR_POLICY_CONDITION_H
#define PROCTOR_POLICY_CONDITION_H

#include "policy/eval.h"

enum condition_answer { CONDITION_NO, CONDITION_YES, CONDITION_UNDECIDED };

/* Whether all conditions of the rule hold for the target (NULL for a deny rule).
 * CONDITION_UNDECIDED: one that matters cannot be judged (a variable without a value, an image that
 * cannot be read, a match past its limit); *ret_why says which.  The rule is violated then: what a
 * requester writes must not switch it off. */
enum condition_answer conditions_hold(struct eval *eval, const struct rule *rule,
                                      const struct target *target, const char **ret_why);

#endif
