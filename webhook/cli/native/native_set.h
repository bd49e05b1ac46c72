/* What a policy's rules do at /mutate, as the mutations of a MutatingAdmissionPolicy.
 *
 *   rule, verb, kind --path by path--> CEL that yields a list of JSONPatch --same text of several
 *   kinds put together--> one mutation, behind those of the rules before it
 *
 * The API server runs the mutations in their order, each on what the one before left (variables
 * are computed anew, defaults filled in again), so that a rule reads what stands there after the
 * rules so far, as in Proctor.  JSON Patch, not an apply configuration: only it can remove, tell
 * apart two entries of one name, and write where a list is atomic.  Places in lists are counted by
 * transformList, which CEL has since 1.32; MutatingAdmissionPolicy is v1 from 1.36 on.
 *
 * What cannot be said exactly is not said at all: the rule is named, with the reason.
 */
#ifndef PROCTOR_CLI_NATIVE_SET_H
#define PROCTOR_CLI_NATIVE_SET_H

#include "base/arena.h"
#include "base/json.h"
#include "policy/set.h"

#include <stddef.h>

struct native_mutation {
    const struct rule *rule;
    const char *expression; /* CEL: a list of JSONPatch */
};

struct native_unset {
    const struct rule *rule;
    const char *why; /* "it sets a part of an image" */
};

struct native_set {
    struct native_mutation *items;
    size_t count, capacity;
    struct native_unset *unset; /* rules that change objects, and are not among the items */
    size_t unset_count, unset_capacity;
    size_t rule_count; /* rules that change objects, said or not */
};

/* Collects one policy's mutations, without its exceptions; all lives in `arena` and borrows from
 * the policy's set. */
void native_set_from_policy(const struct policy *policy, struct arena *arena,
                            struct native_set *ret_set);

/* The variables that the expressions read: {name, expression} each, in their order. */
cJSON *native_set_variables(struct arena *arena);

#endif
