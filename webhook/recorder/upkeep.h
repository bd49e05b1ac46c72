/* What has to be done from time to time: each hour old versions go, each day a copy is made.
 *
 * By the replica that leads, in a thread of its own.  Copies are DIR/proctor-TIME.db, each checked
 * before it gets this name; the newest are kept.
 */
#ifndef PROCTOR_RECORDER_UPKEEP_H
#define PROCTOR_RECORDER_UPKEEP_H

#include "history/store.h"

struct upkeep;

struct upkeep_options {
    struct store *store;
    struct store_retention retention; /* before and now are set anew each time */
    int64_t retain_us;                /* how long versions are kept; 0: not by age */
    const char *backup;               /* the folder; NULL: no copies */
    long backup_keep;
};

/* Makes the folder of the copies if it is not there.  ERR_IO: it cannot be made or written. */
NODISCARD int upkeep_start(const struct upkeep_options *options, struct upkeep **ret_upkeep,
                           struct err *reterr);

/* Waits for what is being done; NULL is fine. */
void upkeep_stop(struct upkeep *upkeep);

#endif
