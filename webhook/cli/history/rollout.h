/* How one rollout of one Deployment ends: the recorder's own judgement (history/machine.h) put to
 * the use of somebody who waits for it.  Pure: views and times in, words and an end out.
 *
 *     project_view, now --rollout_view--> machine --> which version is meant, how far it is,
 *                                                     whether and how it has ended
 *
 * Meant is the version that the first view shows.  A time-out that Kubernetes told before anybody
 * looked is believed only if its own time stamps prove that it is of this version: it came later
 * than the last write by a good part of the deadline.
 */
#ifndef PROCTOR_CLI_ROLLOUT_H
#define PROCTOR_CLI_ROLLOUT_H

#include "history/machine.h"

struct rollout;

enum rollout_end {
    ROLLOUT_GOES_ON,
    ROLLOUT_COMPLETED,
    ROLLOUT_FAILED,
    ROLLOUT_OVERTAKEN /* neither: superseded, deleted, scaled to 0 */
};

struct rollout_image {
    const char *container, *image;
};

struct rollout_options {
    struct machine_settings machine;
    int64_t generation;                 /* that is to be there first; 0: whatever is there */
    const struct rollout_image *images; /* that the version must have; ends with a NULL container;
                                           NULL: any */
    bool soak;                          /* completed is not enough: it must prove to be good */
};

/* `options` must outlive it.  ERR_NO_MEMORY. */
NODISCARD int rollout_new(const struct rollout_options *options, struct rollout **ret_rollout,
                          struct err *reterr);
void rollout_free(struct rollout *rollout); /* NULL is fine */

/* As machine_view, machine_tick, machine_sync, machine_next_tick. */
void rollout_view(struct rollout *rollout, const struct project_view *view, bool gap, int64_t now);
void rollout_tick(struct rollout *rollout, int64_t now);
void rollout_lost(struct rollout *rollout);
int64_t rollout_next_tick(const struct rollout *rollout);

enum rollout_end rollout_end(const struct rollout *rollout);

/* "60 %: 1 of 2 new pods available; app waits: ImagePullBackOff"; until the next call. */
const char *rollout_words(const struct rollout *rollout);

/* The evidence, in the shape of evidence.h, without events: copied into `arena`.  The version's
 * pods are those of the last view in which it was the current one. */
cJSON *rollout_evidence(const struct rollout *rollout, struct arena *arena);

/* The uids whose events belong to it: Deployment, ReplicaSet, pods; ends with NULL, in `arena`. */
const char *const *rollout_uids(const struct rollout *rollout, struct arena *arena);

#endif
