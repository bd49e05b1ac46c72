/* Analysis of a whole set: two rules that write one field differently, and rules that read what
 * a later rule writes.  Either would make the outcome depend on the order, or a second run change
 * it again: the set is refused. */
#ifndef PROCTOR_POLICY_ANALYSE_H
#define PROCTOR_POLICY_ANALYSE_H

#include "policy/set.h"

/* Every field of the set must be bound.  Reports errors. */
void analyse_set(struct policy_set *set, struct diagnostics *diagnostics);

#endif
