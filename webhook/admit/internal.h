/* What the files of admit/ share: one job is one review on its way (see admit.h for the road).
 *
 *   request.c  bytes -> struct admit_request
 *   match.c    request -> the policies that judge it
 *   review.c   policies -> edits and violations          (the engine's loop)
 *   changes.c  edits -> the annotation proctor.dev/policy-changes
 *   message.c  violations -> status and causes
 *   warning.c  edits and violations -> warnings
 *   response.c verdict -> bytes
 */
#ifndef PROCTOR_ADMIT_INTERNAL_H
#define PROCTOR_ADMIT_INTERNAL_H

#include "admit/admit.h"
#include "policy/verb.h"

struct job {
    const struct policy_set *set;
    const struct admit_request *request;
    int64_t now;
    struct arena *arena;
    struct eval eval;
    const struct policy **policies; /* that match, in the set's order */
    size_t policy_count;
    size_t policy_capacity;
    const struct policy_exclude *excluded_by; /* the last exclusion that held */
    bool template_changed;                    /* this request makes or changes the pod template */
    struct violation *violations;
    struct violation **last_violation;
    size_t rule_violations; /* of the rule that is checked now */
    bool cut; /* some rule has more than LIMIT_RULE_VIOLATIONS: the rest was not looked for */
    struct verdict *verdict;
    const struct rule *asked_rule; /* whose exception was looked for last, in check */
    const struct policy_exception *exception;
    bool exception_expired;
    bool has_manifest;     /* manifest was looked for */
    const cJSON *manifest; /* kubectl's last-applied-configuration; NULL: none */
};

/* The name that rules see: metadata.name, or the generateName prefix of a generated one. */
const char *admit_effective_name(struct arena *arena, const struct admit_request *request);

/* Fills job->policies.  *ret_reason says why nobody judges, if so ("" otherwise). */
void admit_match(struct job *job, const char **ret_reason);

/* Whether the match (a policy's or an exception's) holds for the request. */
bool admit_match_holds(struct job *job, const struct policy_match *match);

/* The exception that covers the rule in this request; an unexpired one if there is one. */
const struct policy_exception *admit_exception(struct job *job, const struct rule *rule,
                                               bool *ret_expired);

/* Brings the annotation in line with what this request changed. */
void admit_note_changes(struct job *job);

/* Orders the violations by the document and fills the verdict's status. */
void admit_sort_violations(struct job *job);
void admit_write_status(struct job *job);

/* Fills the verdict's warnings.  `refused`: some violation denies. */
void admit_write_warnings(struct job *job, bool refused);

/* The node of `other` that corresponds to `pointer` in `root`: lists by their elements' names,
 * else by place.  NULL if there is none. */
const cJSON *admit_corresponding(struct arena *arena, const cJSON *root, const cJSON *other,
                                 const char *pointer);

#endif
