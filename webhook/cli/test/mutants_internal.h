/* What the files of the mutants share: mutants.c reads and writes, mutants_rule.c and
 * mutants_match.c make the slips, mutants_same.c knows those that change nothing. */
#ifndef PROCTOR_CLI_MUTANTS_INTERNAL_H
#define PROCTOR_CLI_MUTANTS_INTERNAL_H

#include "cli/test/mutants.h"

/* What is made into mutants now. */
struct mutant_source {
    struct mutants *mutants;
    const char *file;
    const char *policy; /* its name */
    const cJSON *spec;
    const cJSON *match;
};

/* Adds one; its place is where `at` stands.  The caller fills hint, because and edits. */
struct mutant *mutants_add(const struct mutant_source *source, enum mutant_kind kind,
                           const cJSON *at, const char *name);
void mutants_edit(struct mutant *mutant, const cJSON *target, const cJSON *value);

void mutants_of_rule(const struct mutant_source *source, const cJSON *rule);
void mutants_of_match(const struct mutant_source *source);

/* Why the policies would match the same without this entry of the list at match.KEY; NULL: they
 * would not. */
const char *mutants_same_match(struct arena *arena, const char *key, const cJSON *list,
                               const cJSON *entry);

/* Why as many are left out by `wider` as by the exclusion `entry` that it takes the place of. */
const char *mutants_same_exclude(const struct mutant_source *source, const cJSON *entry,
                                 const cJSON *wider);

/* Why a bound that is one step wider can let nothing through. */
const char *mutants_same_bound(const cJSON *rule, const cJSON *bound);

/* The operations that the policy judges: a list, as written or the default. */
const cJSON *mutants_operations(struct arena *arena, const cJSON *match);

/* A copy of the mapping with one member anew, or without it (value NULL). */
cJSON *mutants_with(struct arena *arena, const cJSON *mapping, const char *key, const cJSON *value);

/* The words of a list, or of one word, with `between`. */
const char *mutants_join(struct arena *arena, const cJSON *list, const char *between);

#endif
