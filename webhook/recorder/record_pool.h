/* The work on intents: read, judged, stored and told to the keeper, by threads that go on when the
 * request that brought it has been answered.
 *
 *     request --record_pool_begin--> queue --> worker: hold, nonce --> what is read
 *        |                                                                |
 *        +<------ woken: the answer ------- one of the workers: store, keeper
 *        +<------ woken: time-out --------- the clock
 *
 * The worker that finds nobody writing writes all that is read, in one commit, until there is no
 * more; so as many share a commit as came while the one before was on its way to the disk.
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

struct record_job;

/* Takes `body` (heap, body[length] is NUL) over.  `wake_up` is called once, by another thread and
 * under the pool's lock, when there is an answer or budget_us are over; perhaps before this
 * returns.  Each caller's budget is the same.  NULL: it was not taken on, and nobody is woken. */
struct record_job *record_pool_begin(struct record_pool *pool, char *body, size_t length,
                                     int64_t budget_us, void (*wake_up)(void *context),
                                     void *context);

/* What has become of it; the job is the caller's no more.  `answer` is appended to for
 * RECORD_ANSWERED. */
enum record_outcome record_pool_take(struct record_job *job, struct buf *answer,
                                     struct err *reterr);

/* Whoever asked is gone, woken or not yet; `wake_up` is not called any more. */
void record_pool_drop(struct record_job *job);

/* Begins, waits, and takes. */
enum record_outcome record_pool_ask(struct record_pool *pool, char *body, size_t length,
                                    int64_t budget_us, struct buf *answer, struct err *reterr);

/* Waits until all that began have been woken; from now on only record_pool_ask is taken on. */
void record_pool_calm(struct record_pool *pool);

#endif
