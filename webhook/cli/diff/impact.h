/* Objects judged by two policy sets: for whom a change of policies changes something.
 *
 *   impact_begin, impact_walk (files) or impact_live (a cluster), then the objects that differ
 *
 * Each object is judged as `proctor review` does it, by the old set and by the new one, as the same
 * user's same request.
 */
#ifndef PROCTOR_CLI_IMPACT_H
#define PROCTOR_CLI_IMPACT_H

#include "admit/judge.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "cli/progress.h"

/* What becomes of an object, from the worst on. */
enum impact_kind {
    IMPACT_REFUSED,  /* it would now be refused */
    IMPACT_ADMITTED, /* it would no longer be refused */
    IMPACT_REASONS,  /* it is refused by both, for other reasons */
    IMPACT_RESULT,   /* it is taken by both, and comes out otherwise */
    IMPACT_WARNINGS, /* only what is said to the user differs */
    IMPACT_NONE
};

struct impact_object {
    enum impact_kind kind;
    const char *file; /* NULL: in the cluster */
    unsigned line;
    const char *api_version, *object_kind, *name_space, *name; /* name_space NULL: cluster-scoped */
    const char *old_verdict, *new_verdict;
    const char *const *come; /* what the new set says and the old one does not; ends with NULL */
    const char *const *gone; /* the other way round */
};

/* How many objects of one kind were judged. */
struct impact_count {
    const char *object_kind;
    size_t judged;
    size_t by_kind[IMPACT_NONE + 1];
};

struct impact {
    const struct cli *cli;
    const struct policy_set *sets[2]; /* old, new */
    struct judge_question question;   /* who asks, and for what */
    int64_t now;
    struct arena arena;            /* of the result; until impact_end */
    struct arena judging[2];       /* of the object being judged */
    struct impact_object *objects; /* those that differ, in the order in which they came */
    size_t object_count, object_capacity;
    struct impact_count *counts; /* in the order in which the kinds came */
    size_t count_count, count_capacity;
    size_t judged;
    size_t left_out; /* of a cluster: what controllers made */
    size_t problems; /* what could not be judged, told on stderr: the result is incomplete */
    const struct input_item *item;
    struct progress progress;
    int64_t began_us;
};

void impact_begin(struct impact *impact, const struct cli *cli);
void impact_end(struct impact *impact);

/* Files, folders, - for stdin. */
void impact_walk(struct impact *impact, const char *const *paths, size_t count);

/* One object, as if it had come from a file; `item` lives until the call returns. */
void impact_judge(struct impact *impact, const struct input_item *item);

/* Tells a problem on stderr, and counts it. */
void impact_problem(struct impact *impact, const struct input_problem *problem);

/* The objects of the cluster that `client` speaks to, of every kind that either set speaks of:
 * those of one namespace, or all (NULL).  Secrets are not read, what a controller made is left out.
 * A kind that may not be read is a problem. */
struct kube_client;
void impact_live(struct impact *impact, struct kube_client *client, const char *name_space);

/* "Deployments", "Ingresses", "NetworkPolicies". */
const char *impact_plural(struct arena *arena, const char *kind);

#endif
