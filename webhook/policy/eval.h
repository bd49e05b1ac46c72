/* One evaluation: what verbs and expressions may see and change while one request is judged.
 *
 * Made by admit/review.c for each request, from the request's arena.  The trees are the
 * request's own: `object` is changed in place by edit.h, the others are never changed.
 */
#ifndef PROCTOR_POLICY_EVAL_H
#define PROCTOR_POLICY_EVAL_H

#include "policy/set.h"

struct edit;

struct eval {
    struct arena *arena;
    cJSON *object;     /* NULL on DELETE and CONNECT without options */
    cJSON *old_object; /* NULL on CREATE */
    cJSON *options;
    cJSON *request;    /* $request: the review's `request` member */
    size_t kind_index; /* see field_kind_index */
    enum operation operation;
    const char *name; /* metadata.name, or the generateName prefix */
    const char *name_space;
    const char *user;
    const struct policy *policy;  /* whose rules run now */
    const char **declared_values; /* of policy->variables; computed once a policy */
    bool *declared_known;
    struct edit *edits; /* what was changed so far, in order; see edit.h */
    struct edit **last_edit;
    size_t edit_count;
    const struct rule *rule;        /* who edits now */
    void *unique_cache;             /* verb_unique.c's */
    struct stem_value *stem_values; /* of `object`, once nothing changes it any more; else NULL */
};

/* The tree that a path starts from, for a target of the rule (NULL: none); NULL if absent. */
cJSON *eval_root(const struct eval *eval, const struct path *path, const struct target *target);

/* Calls visit for each value that the field shows in this request, below `target`'s element if
 * the field is relative.  An absent one is shown as NULL; so is an image that cannot be read, with
 * at->unreadable set.  Returns false when visit did. */
bool eval_each_value(struct eval *eval, const struct field *field, const struct target *target,
                     bool (*visit)(void *context, struct target *at, cJSON *seen), void *context);

#endif
