/* What the files of the analysis share.
 *
 *   analyse_pair.c  two accesses: can they meet, and do they agree
 *   analyse.c       all pairs that can meet, and what is reported
 */
#ifndef PROCTOR_POLICY_ANALYSE_INTERNAL_H
#define PROCTOR_POLICY_ANALYSE_INTERNAL_H

#include "policy/set.h"

/* A rule's write or read of one path, for one kind and one literal namespace or any. */
struct access {
    const struct rule *rule;
    const struct step *steps;
    size_t count;
    size_t base; /* steps up to the last that chooses */
    size_t kind_index;
    const char *name_space; /* literal; NULL: any */
    const char *field;      /* as written */
    const char *variable;   /* a read for this declared variable; else NULL */
    bool writes;
    struct access *next;
};

/* Whether some text fits both lists of globs; a list that is not given (NULL) is fitted by all. */
bool analyse_lists_meet(policy_strings a, policy_strings b);

/* Whether one request can be matched by both. */
bool analyse_policies_meet(const struct policy *a, const struct policy *b);

/* Whether the rules' conditions on one field can never hold for one object at once. */
bool analyse_conditions_exclude(const struct access *a, const struct access *b);

/* Whether the paths can lead to one place, or one of them through the end of the other. */
bool analyse_paths_meet(const struct access *a, const struct access *b);

/* Whether two writes at places that meet leave each other's value as it is. */
bool analyse_writes_agree(const struct access *a, const struct access *b);

#endif
