#include "recorder/record_pool.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "recorder/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_PAUSE_US 250000
#define STACK_BYTES    (512UL * 1024UL)

/* Of the request's thread and of a worker; whoever lets go of it last frees it. */
struct job {
    struct job *next;
    struct record_pool *pool;
    char *body;
    size_t length;
    struct arena arena;
    struct intent intent;
    struct buf answer; /* in the arena */
    struct err err;
    int code;          /* of intent_read, or of the store */
    bool store_failed; /* while reading: hold and nonce are not known */
    bool is_read;
    int64_t until_us; /* monotonic: so long it is tried again; 0: it was not begun */
    int64_t due_us;   /* the next try */
    bool done;        /* under the lock: the answer is ready */
    bool given_up;    /* under the lock: it was answered without it */
    unsigned owners;
    pthread_cond_t ready;
};

struct record_pool {
    struct record_pool_options options;
    pthread_mutex_t lock;
    pthread_cond_t work;         /* on the monotonic clock, as are the jobs' */
    struct job *first, **last;   /* new ones */
    struct job *waiting, **tail; /* those that the store failed, in the order of due_us */
    size_t count;                /* of all that is not freed */
    size_t bytes;
    bool stop;
    pthread_t *threads;
    size_t thread_count;
};

static struct log_limit lines;

/* ---- What intent_read asks ----------------------------------------------------------------- */

static bool is_held(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold)
{
    struct job *job = context;
    struct store_hold hold;
    struct err err;
    const int r = store_hold_find(job->pool->options.store, &job->arena, namespace_, name,
                                  template_sha, clock_unix_us(), &hold, &err);
    if (r == 0)
        *ret_hold = (struct intent_hold){hold.set_by, hold.reason, hold.until};
    else if (r != -(int)ERR_NOT_FOUND)
        job->store_failed = true;
    return r == 0;
}

static bool nonce_is_new(void *context, const char *nonce, const char *claim)
{
    struct job *job = context;
    struct err err;
    const int r = store_nonce_use(job->pool->options.store, nonce, claim, clock_unix_us(), &err);
    if (r != 0 && r != -(int)ERR_CONFLICT)
        job->store_failed = true;
    return r == 0;
}

static void read_job(void *context)
{
    struct job *job = context;
    struct intent_settings settings = job->pool->options.settings;
    settings.context = job;
    settings.is_held = is_held;
    settings.nonce_is_new = nonce_is_new;
    job->code = intent_read(&job->arena, job->body, job->length, &settings, clock_unix_us(),
                            &job->intent, &job->err);
}

static void write_answer(void *context)
{
    struct job *job = context;
    buf_init(&job->answer, &job->arena, LIMIT_ARENA_BYTES);
    intent_answer(&job->arena, &job->intent, &job->answer);
}

/* ---- The work ------------------------------------------------------------------------------ */

static bool is_given_up(struct job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    const bool given_up = job->given_up;
    pthread_mutex_unlock(&job->pool->lock);
    return given_up;
}

static bool may_try_again(const struct job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    const bool stop = job->pool->stop;
    pthread_mutex_unlock(&job->pool->lock);
    return !stop && clock_monotonic_us() < job->until_us;
}

enum step { STEP_DONE, STEP_AGAIN, STEP_BAD };

/* What the store cannot tell is let through at last. */
static enum step read_step(struct job *job)
{
    arena_reset(&job->arena, LIMIT_ARENA_FIRST_BLOCK);
    job->intent = (struct intent){.review_uid = ""};
    job->store_failed = false;
    if (!arena_try(&job->arena, read_job, job)) {
        job->intent = (struct intent){.review_uid = ""};
        job->code = err_set(&job->err, ERR_LIMIT, "the review needs too much memory");
    }
    if (job->code != 0)
        return STEP_BAD;
    if (job->store_failed && may_try_again(job))
        return STEP_AGAIN;
    if (job->store_failed)
        metrics_add(METRICS_HOLDS_UNKNOWN, 1);
    /* It was let through before the hold could be said: then it happened, and is remembered. */
    if (job->intent.refused && !job->intent.dry_run && is_given_up(job)) {
        job->intent.refused = false;
        job->intent.counts = true;
    }
    job->is_read = true;
    return STEP_DONE;
}

static void log_failure(const struct job *job, const char *error)
{
    if (log_allowed(&lines))
        log_event(LOG_ERROR, "a change could not be recorded", "error", error, "namespace",
                  job->intent.namespace_ != NULL ? job->intent.namespace_ : "", "project",
                  job->intent.name != NULL ? job->intent.name : "", "consequence",
                  "it was let through; by whom it was is not known", NULL);
}

/* On disk, and told to the keeper. */
static enum step store_step(struct job *job)
{
    const struct record_pool_options *options = &job->pool->options;
    const struct intent *intent = &job->intent;
    struct machine_intent machine = intent->machine;
    job->code = store_intent(options->store, &machine, intent->namespace_, intent->name,
                             &machine.id, &job->err);
    if (job->code == -(int)ERR_STORE && may_try_again(job))
        return STEP_AGAIN;
    if (job->code != 0)
        return STEP_BAD;
    if (options->keeper != NULL)
        keeper_intent(options->keeper, intent->namespace_, intent->name, &machine);
    return STEP_DONE;
}

static void count(const struct job *job, bool late)
{
    if (job->intent.not_on_behalf != NULL)
        metrics_add(METRICS_INTENTS_UNTRUSTED, 1);
    if (job->intent.counts)
        metrics_add(late ? METRICS_INTENTS_LATE_STORED : METRICS_INTENTS_STORED, 1);
    else if (!late)
        metrics_add(job->intent.refused ? METRICS_INTENTS_HELD : METRICS_INTENTS_OTHER, 1);
}

/* To the request, if it still waits; counted before it answers. */
static void hand_over(struct job *job, bool counts)
{
    pthread_mutex_lock(&job->pool->lock);
    if (counts)
        count(job, job->given_up);
    job->done = true;
    pthread_cond_signal(&job->ready);
    pthread_mutex_unlock(&job->pool->lock);
}

/* False: it is to be tried again. */
static bool work_on(struct job *job)
{
    if (job->until_us == 0)
        job->until_us = clock_monotonic_us() + RECORD_RETRY_US;
    enum step step = job->is_read ? STEP_DONE : read_step(job);
    if (step == STEP_AGAIN)
        return false;
    if (step == STEP_BAD) {
        hand_over(job, false);
        return true;
    }
    if (job->intent.counts)
        step = store_step(job);
    if (step == STEP_AGAIN)
        return false;
    if (step == STEP_BAD) {
        metrics_add(METRICS_INTENTS_FAILED, 1);
        log_failure(job, job->err.text);
    }
    job->code = 0;
    if (!arena_try(&job->arena, write_answer, job))
        job->code = err_set(&job->err, ERR_LIMIT, "the answer needs too much memory");
    hand_over(job, step == STEP_DONE);
    return true;
}

/* ---- Threads ------------------------------------------------------------------------------- */

/* Under the lock; unlocks it. */
static void let_go(struct job *job)
{
    struct record_pool *pool = job->pool;
    const bool last = --job->owners == 0;
    if (last) {
        pool->count--;
        pool->bytes -= job->length;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!last)
        return;
    metrics_add(METRICS_INTENTS_WAITING, -1);
    pthread_cond_destroy(&job->ready);
    arena_done(&job->arena);
    free(job->body);
    free(job);
}

/* Under the lock: what is to be done now, NULL: nothing.  New ones come first, so that holds are
 * known though the store takes no changes. */
static struct job *next_job(struct record_pool *pool)
{
    struct job *job = pool->first;
    if (job != NULL) {
        pool->first = job->next;
        if (pool->first == NULL)
            pool->last = &pool->first;
        return job;
    }
    job = pool->waiting;
    if (job == NULL || (!pool->stop && job->due_us > clock_monotonic_us()))
        return NULL;
    pool->waiting = job->next;
    if (pool->waiting == NULL)
        pool->tail = &pool->waiting;
    return job;
}

/* Under the lock. */
static void wait_for_work(struct record_pool *pool)
{
    if (pool->waiting == NULL) {
        pthread_cond_wait(&pool->work, &pool->lock);
        return;
    }
    const int64_t due_us = pool->waiting->due_us;
    const struct timespec due = {due_us / 1000000, (long)(due_us % 1000000) * 1000};
    pthread_cond_timedwait(&pool->work, &pool->lock, &due);
}

static void put_off(struct job *job)
{
    struct record_pool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    job->next = NULL;
    job->due_us = clock_monotonic_us() + RETRY_PAUSE_US;
    *pool->tail = job;
    pool->tail = &job->next;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void *run(void *context)
{
    struct record_pool *pool = context;
    for (;;) {
        struct job *job;
        pthread_mutex_lock(&pool->lock);
        while ((job = next_job(pool)) == NULL && !pool->stop)
            wait_for_work(pool);
        pthread_mutex_unlock(&pool->lock);
        if (job == NULL)
            return NULL;
        if (!work_on(job)) {
            put_off(job);
            continue;
        }
        pthread_mutex_lock(&pool->lock);
        let_go(job);
    }
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

int record_pool_start(const struct record_pool_options *options, struct record_pool **ret_pool,
                      struct err *reterr)
{
    struct record_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    pool->options = *options;
    pool->last = &pool->first;
    pool->tail = &pool->waiting;
    pthread_mutex_init(&pool->lock, NULL);
    init_condition(&pool->work);
    pool->threads = calloc((size_t)options->threads, sizeof *pool->threads);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (pool->threads != NULL && pool->thread_count < (size_t)options->threads &&
           pthread_create(&pool->threads[pool->thread_count], &attributes, run, pool) == 0)
        pool->thread_count++;
    pthread_attr_destroy(&attributes);
    if (pool->thread_count < (size_t)options->threads) {
        record_pool_stop(pool);
        return err_set(reterr, ERR_NO_MEMORY, "no threads to record with");
    }
    *ret_pool = pool;
    return 0;
}

void record_pool_stop(struct record_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

/* Into the queue; NULL if it is full or memory is short: the body is freed then. */
static struct job *take_on(struct record_pool *pool, char *body, size_t length)
{
    struct job *job = calloc(1, sizeof *job);
    pthread_mutex_lock(&pool->lock);
    if (job == NULL || pool->count >= RECORD_JOBS_MAX || pool->bytes + length > RECORD_JOB_BYTES) {
        pthread_mutex_unlock(&pool->lock);
        free(job);
        free(body);
        return NULL;
    }
    *job = (struct job){.pool = pool, .body = body, .length = length, .owners = 2};
    arena_init(&job->arena, LIMIT_ARENA_BYTES);
    init_condition(&job->ready);
    pool->count++;
    pool->bytes += length;
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    metrics_add(METRICS_INTENTS_WAITING, 1);
    return job;
}

enum record_outcome record_pool_ask(struct record_pool *pool, char *body, size_t length,
                                    int64_t budget_us, struct buf *answer, struct err *reterr)
{
    const int64_t until_us = clock_monotonic_us() + budget_us;
    const struct timespec until = {until_us / 1000000, (long)(until_us % 1000000) * 1000};
    struct job *job = take_on(pool, body, length);
    if (job == NULL)
        return RECORD_FULL;
    pthread_mutex_lock(&pool->lock);
    int waited = 0;
    while (!job->done && waited == 0)
        waited = pthread_cond_timedwait(&job->ready, &pool->lock, &until);
    enum record_outcome outcome = RECORD_LATE;
    if (!job->done) {
        job->given_up = true;
    } else if (job->code != 0) {
        *reterr = job->err;
        outcome = RECORD_BAD;
    } else {
        buf_add(answer, job->answer.data, job->answer.length);
        outcome = RECORD_ANSWERED;
    }
    let_go(job);
    return outcome;
}
