/* The work on intents: read, judged, stored and told to the keeper, by threads that go on when the
 * request that brought it has been answered.
 *
 *     request thread --record_pool_ask--> queue --> worker: hold, nonce, store, keeper
 *            |                                        |
 *            +<--------- the answer, or time-out -----+
 *
 * What is late is still done: a store that is away is tried again for RECORD_RETRY_US.  What waits
 * is bounded in number and bytes; past that, intents are let through and lost (counted).
 */
#ifndef PROCTOR_RECORDER_RECORD_POOL_H
#define PROCTOR_RECORDER_RECORD_POOL_H

#include "base/buf.h"
#include "recorder/record.h"

#define RECORD_JOBS_MAX  1024U
#define RECORD_JOB_BYTES (32UL * 1024UL * 1024UL)
#define RECORD_RETRY_US  20000000

struct record_pool;

struct record_pool_options {
    struct intent_settings settings; /* context and functions are the pool's */
    struct store *store;
    struct keeper *keeper; /* NULL: nobody is told */
    long threads;
};

NODISCARD int record_pool_start(const struct record_pool_options *options,
                                struct record_pool **ret_pool, struct err *reterr);

/* Works off what waits, without trying again, and ends. */
void record_pool_stop(struct record_pool *pool);

enum record_outcome {
    RECORD_ANSWERED, /* *answer is the AdmissionReview */
    RECORD_LATE,     /* budget_us have passed: the work goes on */
    RECORD_FULL,     /* it was not taken on */
    RECORD_BAD,      /* no review that can be answered: *reterr */
};

/* Takes `body` (heap, body[length] is NUL) over, waits at most budget_us.  `answer` is appended to
 * for RECORD_ANSWERED. */
enum record_outcome record_pool_ask(struct record_pool *pool, char *body, size_t length,
                                    int64_t budget_us, struct buf *answer, struct err *reterr);

#endif
