/* The kinds that a policy can meet: what its match's resources carry. */
#ifndef PROCTOR_POLICY_KINDS_H
#define PROCTOR_POLICY_KINDS_H

#include "policy/set.h"

struct policy_kinds {
    const struct schema_kind **items; /* NULL: a kind that the table lacks */
    size_t count;
    bool every; /* the match names no resource, or "*" */
};

bool policy_kinds_have(const struct policy_kinds *kinds, const struct schema_kind *kind);

/* Every version of a kind is in it once.  Lives in `arena`. */
struct policy_kinds policy_kinds_of(struct arena *arena, const struct policy_match *match);

#endif
