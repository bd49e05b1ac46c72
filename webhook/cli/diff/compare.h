/* Two policy sets compared: what of it means something, in words, and which way each change goes.
 *
 * Policies and exceptions are told by their names, rules by their ids; a rule that only got
 * another id is called renamed.  Comments, layout and the order of policies' files are no change.
 */
#ifndef PROCTOR_CLI_COMPARE_H
#define PROCTOR_CLI_COMPARE_H

#include "policy/set.h"

/* Which way: more is refused, changed or judged; or less; or that cannot be said. */
enum compare_way { COMPARE_OTHER, COMPARE_STRICTER, COMPARE_LOOSER };
extern const char *const compare_way_names[]; /* "changed", "stricter", "looser" */

struct compare_change {
    const char *policy;    /* NULL: of an exception */
    const char *rule;      /* NULL: of the policy as a whole */
    const char *exception; /* NULL: of a policy */
    const char *what;      /* stable, for tools: "rule-added", "bound", "match", ... */
    const char *words;     /* one line; as the files have it: whoever prints makes it harmless */
    enum compare_way way;
};

struct comparison {
    struct compare_change *items; /* policies by name, a policy's own first, then rules in order */
    size_t count, capacity;
};

/* Everything lives in `arena`, texts of both sets are borrowed. */
void compare_sets(struct arena *arena, const struct policy_set *old_set,
                  const struct policy_set *new_set, const char *language,
                  struct comparison *ret_comparison);

#endif
