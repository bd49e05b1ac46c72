/* Mutants: policies with one slip in them each, to see whether the suites would notice.
 *
 *   files --read--> documents --> mutants, each a few changed nodes --write--> files --> a set
 *
 * Slips are made in the documents, never in the compiled set, so a mutant is a policy that somebody
 * could have written:
 *
 *   P/R: dropped                      the rule is gone
 *   P/R: max 1 -> 2                   a bound is one step wider (the last digit as it is written)
 *   P/R: without max                  a bound that is a variable has no step
 *   P/R: noneOf without X             one less of several (also contains)
 *   P/R: immutable true -> once       the first set is free
 *   P/R: mode enforce -> warn         one mode weaker (audit, the weakest: warn)
 *   P: without resource X             match, one entry less (also namespaces, operations, names,
 *                                     users, groups)
 *   P: exclude U PAIR: any resource   an exclusion, one fence less (also: any operation, not only
 *                                     metadata)
 *
 * A mutant that nobody could tell from the policy itself says `because`; see mutants_same.c.
 */
#ifndef PROCTOR_CLI_MUTANTS_H
#define PROCTOR_CLI_MUTANTS_H

#include "policy/load.h"

#define MUTANT_EDITS_MAX 4U

/* Where the document has `target`, the mutant has `value`; NULL: nothing. */
struct mutant_edit {
    const cJSON *target;
    const cJSON *value;
};

enum mutant_kind { MUTANT_DROPPED, MUTANT_LOOSENED, MUTANT_MODE, MUTANT_NARROWED, MUTANT_WIDENED };

struct mutant {
    enum mutant_kind kind;
    const char *name;
    const char *policy;
    const char *rule; /* its id; NULL: the policy's match */
    struct place place;
    const char *hint;    /* what a case would have to show to tell it from the policy */
    const char *because; /* NULL; else nothing that can be seen changes, and why */
    struct mutant_edit edits[MUTANT_EDITS_MAX];
    size_t edit_count;
};

struct mutant_document {
    size_t file;
    const cJSON *root;
};

struct mutants {
    struct arena *arena;
    struct policy_file *files; /* as they are */
    size_t file_count, file_capacity;
    struct mutant_document *documents;
    size_t document_count, document_capacity;
    struct mutant *items;
    size_t count, capacity;
};

/* Reads the policy files of `paths` (ends with NULL; folders as policy_load reads them) and makes
 * all mutants, in the files' order.  ERR_IO, ERR_YAML, ERR_LIMIT.  All lives in `arena`. */
NODISCARD int mutants_make(struct arena *arena, const char *const *paths,
                           struct mutants *ret_mutants, struct err *reterr);

/* The policy set with this slip in it; `mutant` NULL: as it is, but written anew like the mutants
 * are.  `scratch` is reset.  ERR_POLICY if the loader refuses it: its first error. */
NODISCARD int mutants_load(const struct mutants *mutants, const struct mutant *mutant, int64_t now,
                           struct arena *scratch, struct policy_set **ret_set, struct err *reterr);

#endif
