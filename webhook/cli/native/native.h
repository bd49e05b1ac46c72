/* A policy set as the API server's own admission policies, which hold while the webhook is dead:
 * ValidatingAdmissionPolicy and its binding (admissionregistration.k8s.io/v1, from 1.30).
 *
 *   policy --for each mode--> one object and one binding: enforce Deny, warn Warn, audit Audit
 *   rule --for each kind--> a CEL expression that holds where /validate lets the object pass;
 *   kinds with the same text share one validation
 *
 * What CEL cannot say is left out as a whole and told: a rule is never exported in part.
 */
#ifndef PROCTOR_CLI_NATIVE_H
#define PROCTOR_CLI_NATIVE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "policy/set.h"

#include <stddef.h>
#include <stdint.h>

struct native_remark {
    const char *policy;
    const char *rule; /* NULL: all of the policy */
    const char *why;
    bool left_out; /* else it is there, and holds with this in mind */
};

struct native {
    cJSON **objects; /* in the order of the set */
    size_t count, capacity;
    struct native_remark *remarks;
    size_t remark_count, remark_capacity;
    size_t rule_count, rules_left_out; /* of all that were asked for */
};

/* Compiles the set as it stands at `now` (Unix time: exceptions end).  All lives in `arena` and
 * borrows from `set`. */
void native_from_set(const struct policy_set *set, int64_t now, struct arena *arena,
                     struct native *ret_native);

/* Appends what the rules change, as MutatingAdmissionPolicies (admissionregistration.k8s.io/v1,
 * from 1.36); see native_set.h.  A rule that is left out there stands among the remarks. */
void native_add_mutating(const struct policy_set *set, int64_t now, struct arena *arena,
                         struct native *native);

/* Appends YAML documents, the remarks as comments at the head; or one JSON object:
 * {apiVersion: v1, kind: List, items, notExpressed: [{policy, rule, why}]}. */
void native_write_yaml(const struct native *native, struct buf *buf);
void native_write_json(const struct native *native, struct arena *arena, struct buf *buf);

#endif
