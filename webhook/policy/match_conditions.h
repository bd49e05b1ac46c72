/* The exclusions of a policy set as the API server's own matchConditions, so that it does not even
 * ask about what nobody would judge: a controller's pods, a kubelet's pod status.
 *
 *   excludes of all policies --cut into (who, resource, operations)--> those that EVERY policy
 *   leaves out --put together again--> {name, CEL expression}, at most one per who and operations
 *
 * A condition is false only for a request that no policy of the set would judge; the reverse need
 * not hold, since a request that is asked about for nothing is only slower.  A pair is taken if
 * each policy either cannot match it (other resources, other operations, only users or groups that
 * this user is not in) or excludes it.  The groups of a service account are known; of anybody else
 * any group may be claimed, so the condition says itself that the user is in none that a policy
 * names.
 *
 * Members of system:masters are always asked about: break-glass has to be logged.
 */
#ifndef PROCTOR_POLICY_MATCH_CONDITIONS_H
#define PROCTOR_POLICY_MATCH_CONDITIONS_H

#include "base/arena.h"
#include "base/err.h"
#include "policy/set.h"

/* The API server takes 64 a webhook; some are left for `proctor disarm` and for other hands. */
#define MATCH_CONDITIONS_MAX 56U

struct match_condition {
    const char *name;       /* a qualified name: letters, digits, - and ., at most 63 */
    const char *expression; /* CEL, one line */
};

struct match_conditions {
    struct match_condition *items; /* in the order of the set */
    size_t count;
    /* Pairs that are not (wholly) among them, and why: the webhook is asked about those. */
    const char **remarks;
    size_t remark_count;
};

/* All lives in `arena`.  The same set gives the same text.  Past MATCH_CONDITIONS_MAX there is one
 * condition for each user; ERR_LIMIT if even those are too many. */
NODISCARD int match_conditions_from_set(const struct policy_set *set, struct arena *arena,
                                        struct match_conditions *ret_conditions,
                                        struct err *reterr);

/* Appends `text` as a CEL string with its quotes. */
struct buf;
void match_conditions_quote(struct buf *buf, const char *text);

/* Append what a request must be: of one of the operations; of "name.group[/subresource]". */
void match_conditions_add_operations(struct buf *buf, unsigned mask);
void match_conditions_add_resource(struct buf *buf, struct arena *arena, const char *resource);

/* That an UPDATE leaves all but metadata as it was. */
extern const char *const match_conditions_only_metadata;

#endif
