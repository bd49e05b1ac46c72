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
struct record_job {
    struct record_job *next;
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
    void (*wake)(void *context); /* under the lock; NULL: it was woken */
    void *waker;
    int64_t answer_us; /* then it is woken at the latest */
    struct record_job *asked_after, *asked_before;
};

struct record_pool {
    struct record_pool_options options;
    pthread_mutex_t lock;
    pthread_cond_t work, asking; /* on the monotonic clock */
    pthread_cond_t calm;
    struct record_job *first, **last;   /* new ones */
    struct record_job *ready, **end;    /* those that are read and wait for a commit */
    struct record_job *waiting, **tail; /* those that the store failed, in the order of due_us */
    bool writing;
    struct record_job *asked, *asked_last; /* who is to be woken, in the order of answer_us */
    pthread_t clock;
    size_t count; /* of all that is not freed */
    size_t bytes;
    bool stop;
    pthread_t *threads;
    size_t thread_count;
    bool has_clock, calm_for_good;
};

static struct log_limit lines;

/* ---- What intent_read asks ----------------------------------------------------------------- */

static bool is_held(void *context, const char *namespace_, const char *name,
                    const char *template_sha, struct intent_hold *ret_hold)
{
    struct record_job *job = context;
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
    struct record_job *job = context;
    struct err err;
    const int r = store_nonce_use(job->pool->options.store, nonce, claim, clock_unix_us(), &err);
    if (r != 0 && r != -(int)ERR_CONFLICT)
        job->store_failed = true;
    return r == 0;
}

static void read_job(void *context)
{
    struct record_job *job = context;
    struct intent_settings settings = job->pool->options.settings;
    settings.context = job;
    settings.is_held = is_held;
    settings.nonce_is_new = nonce_is_new;
    job->code = intent_read(&job->arena, job->body, job->length, &settings, clock_unix_us(),
                            &job->intent, &job->err);
}

static void write_answer(void *context)
{
    struct record_job *job = context;
    buf_init(&job->answer, &job->arena, LIMIT_ARENA_BYTES);
    intent_answer(&job->arena, &job->intent, &job->answer);
}

/* ---- The work ------------------------------------------------------------------------------ */

static bool is_given_up(struct record_job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    const bool given_up = job->given_up;
    pthread_mutex_unlock(&job->pool->lock);
    return given_up;
}

static bool may_try_again(const struct record_job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    const bool stop = job->pool->stop;
    pthread_mutex_unlock(&job->pool->lock);
    return !stop && clock_monotonic_us() < job->until_us;
}

enum step { STEP_DONE, STEP_AGAIN, STEP_BAD };

/* What the store cannot tell is let through at last. */
static enum step read_step(struct record_job *job)
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

static void log_failure(const struct record_job *job, const char *error)
{
    if (log_allowed(&lines))
        log_event(LOG_ERROR, "a change could not be recorded", "error", error, "namespace",
                  job->intent.namespace_ != NULL ? job->intent.namespace_ : "", "project",
                  job->intent.name != NULL ? job->intent.name : "", "consequence",
                  "it was let through; by whom it was is not known", NULL);
}

static void count(const struct record_job *job, bool late)
{
    if (job->intent.not_on_behalf != NULL)
        metrics_add(METRICS_INTENTS_UNTRUSTED, 1);
    if (job->intent.counts)
        metrics_add(late ? METRICS_INTENTS_LATE_STORED : METRICS_INTENTS_STORED, 1);
    else if (!late)
        metrics_add(job->intent.refused ? METRICS_INTENTS_HELD : METRICS_INTENTS_OTHER, 1);
}

/* Under the lock: it needs to be woken no more. */
static void leave(struct record_job *job)
{
    struct record_pool *pool = job->pool;
    if (job->wake == NULL)
        return;
    job->wake = NULL;
    *(job->asked_before != NULL ? &job->asked_before->asked_after : &pool->asked) =
        job->asked_after;
    *(job->asked_after != NULL ? &job->asked_after->asked_before : &pool->asked_last) =
        job->asked_before;
    if (pool->asked == NULL)
        pthread_cond_broadcast(&pool->calm);
}

/* Under the lock. */
static void wake(struct record_job *job)
{
    if (job->wake != NULL)
        job->wake(job->waker);
    leave(job);
}

/* To the request, if it still waits; counted before it answers. */
static void hand_over(struct record_job *job, bool counts)
{
    pthread_mutex_lock(&job->pool->lock);
    if (counts)
        count(job, job->given_up);
    job->done = true;
    wake(job);
    pthread_mutex_unlock(&job->pool->lock);
}

/* Under the lock; unlocks it. */
static void let_go(struct record_job *job)
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
    arena_done(&job->arena);
    free(job->body);
    free(job);
}

static void put_off(struct record_job *job)
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

static void finish(struct record_job *job, enum step step)
{
    struct record_pool *pool = job->pool;
    if (step == STEP_BAD) {
        metrics_add(METRICS_INTENTS_FAILED, 1);
        log_failure(job, job->err.text);
    }
    job->code = 0;
    if (!arena_try(&job->arena, write_answer, job))
        job->code = err_set(&job->err, ERR_LIMIT, "the answer needs too much memory");
    hand_over(job, step == STEP_DONE);
    pthread_mutex_lock(&pool->lock);
    let_go(job);
}

/* On disk, and told to the keeper; or not. */
static void finish_stored(struct record_job *job, struct store_new_intent *stored)
{
    const struct record_pool_options *options = &job->pool->options;
    const struct intent *intent = &job->intent;
    struct machine_intent machine = intent->machine;
    if (stored->code == -(int)ERR_STORE && may_try_again(job)) {
        put_off(job);
        return;
    }
    if (stored->code != 0)
        job->err = stored->err;
    machine.id = stored->id;
    if (stored->code == 0 && options->keeper != NULL)
        keeper_intent(options->keeper, intent->namespace_, intent->name, &machine);
    finish(job, stored->code == 0 ? STEP_DONE : STEP_BAD);
}

static void store_jobs(struct record_pool *pool, struct record_job *const jobs[], size_t count)
{
    struct store_new_intent intents[STORE_INTENTS_MAX];
    for (size_t i = 0; i < count; i++)
        intents[i] = (struct store_new_intent){.intent = &jobs[i]->intent.machine,
                                               .project_namespace = jobs[i]->intent.namespace_,
                                               .project_name = jobs[i]->intent.name};
    store_intents(pool->options.store, intents, count);
    for (size_t i = 0; i < count; i++)
        finish_stored(jobs[i], &intents[i]);
}

/* Under the lock, which is let go meanwhile. */
static void write_ready(struct record_pool *pool)
{
    struct record_job *jobs[STORE_INTENTS_MAX];
    while (pool->ready != NULL) {
        size_t count = 0;
        for (; pool->ready != NULL && count < STORE_INTENTS_MAX; pool->ready = jobs[count++]->next)
            jobs[count] = pool->ready;
        if (pool->ready == NULL)
            pool->end = &pool->ready;
        pthread_mutex_unlock(&pool->lock);
        store_jobs(pool, jobs, count);
        pthread_mutex_lock(&pool->lock);
    }
}

static void line_up(struct record_job *job)
{
    struct record_pool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    job->next = NULL;
    *pool->end = job;
    pool->end = &job->next;
    if (!pool->writing) {
        pool->writing = true;
        write_ready(pool);
        pool->writing = false;
    }
    pthread_mutex_unlock(&pool->lock);
}

static void work_on(struct record_job *job)
{
    struct record_pool *pool = job->pool;
    if (job->until_us == 0)
        job->until_us = clock_monotonic_us() + RECORD_RETRY_US;
    const enum step step = job->is_read ? STEP_DONE : read_step(job);
    if (step == STEP_AGAIN) {
        put_off(job);
    } else if (step == STEP_BAD) {
        hand_over(job, false);
        pthread_mutex_lock(&pool->lock);
        let_go(job);
    } else if (job->intent.counts) {
        line_up(job);
    } else {
        finish(job, STEP_DONE);
    }
}

/* ---- Threads ------------------------------------------------------------------------------- */

/* Under the lock: what is to be done now, NULL: nothing.  New ones come first, so that holds are
 * known though the store takes no changes. */
static struct record_job *next_job(struct record_pool *pool)
{
    struct record_job *job = pool->first;
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

static void *run(void *context)
{
    struct record_pool *pool = context;
    for (;;) {
        struct record_job *job;
        pthread_mutex_lock(&pool->lock);
        while ((job = next_job(pool)) == NULL && !pool->stop)
            wait_for_work(pool);
        pthread_mutex_unlock(&pool->lock);
        if (job == NULL)
            return NULL;
        work_on(job);
    }
}

/* Who has waited long enough is woken without an answer. */
static void *run_clock(void *context)
{
    struct record_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        struct record_job *job = pool->asked;
        if (job == NULL) {
            pthread_cond_wait(&pool->asking, &pool->lock);
        } else if (clock_monotonic_us() < job->answer_us) {
            const struct timespec until = {job->answer_us / 1000000,
                                           (long)(job->answer_us % 1000000) * 1000};
            pthread_cond_timedwait(&pool->asking, &pool->lock, &until);
        } else {
            job->given_up = true;
            wake(job);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
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
    pool->end = &pool->ready;
    pool->tail = &pool->waiting;
    pthread_mutex_init(&pool->lock, NULL);
    init_condition(&pool->work);
    init_condition(&pool->asking);
    init_condition(&pool->calm);
    pool->threads = calloc((size_t)options->threads, sizeof *pool->threads);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    while (pool->threads != NULL && pool->thread_count < (size_t)options->threads &&
           pthread_create(&pool->threads[pool->thread_count], &attributes, run, pool) == 0)
        pool->thread_count++;
    pool->has_clock = pthread_create(&pool->clock, &attributes, run_clock, pool) == 0;
    pthread_attr_destroy(&attributes);
    if (!pool->has_clock || pool->thread_count < (size_t)options->threads) {
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
    pthread_cond_broadcast(&pool->asking);
    pthread_mutex_unlock(&pool->lock);
    if (pool->has_clock)
        pthread_join(pool->clock, NULL);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->asking);
    pthread_cond_destroy(&pool->calm);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

/* ---- Who asks ------------------------------------------------------------------------------ */

struct sleeper {
    pthread_cond_t woken;
    bool is_woken;
};

static void wake_sleeper(void *context)
{
    struct sleeper *sleeper = context;
    sleeper->is_woken = true;
    pthread_cond_signal(&sleeper->woken);
}

struct record_job *record_pool_begin(struct record_pool *pool, char *body, size_t length,
                                     int64_t budget_us, void (*wake_up)(void *context),
                                     void *context)
{
    struct record_job *job = calloc(1, sizeof *job);
    pthread_mutex_lock(&pool->lock);
    if (job == NULL || pool->count >= RECORD_JOBS_MAX || pool->bytes + length > RECORD_JOB_BYTES ||
        (pool->calm_for_good && wake_up != wake_sleeper)) {
        pthread_mutex_unlock(&pool->lock);
        free(job);
        free(body);
        return NULL;
    }
    *job = (struct record_job){.pool = pool,
                               .body = body,
                               .length = length,
                               .owners = 2,
                               .wake = wake_up,
                               .waker = context,
                               .answer_us = clock_monotonic_us() + budget_us,
                               .asked_before = pool->asked_last};
    arena_init(&job->arena, LIMIT_ARENA_BYTES);
    if (pool->asked == NULL)
        pthread_cond_signal(&pool->asking);
    *(pool->asked_last != NULL ? &pool->asked_last->asked_after : &pool->asked) = job;
    pool->asked_last = job;
    pool->count++;
    pool->bytes += length;
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    metrics_add(METRICS_INTENTS_WAITING, 1);
    return job;
}

enum record_outcome record_pool_take(struct record_job *job, struct buf *answer, struct err *reterr)
{
    enum record_outcome outcome = RECORD_LATE;
    pthread_mutex_lock(&job->pool->lock);
    leave(job);
    if (!job->done || job->given_up) {
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

/* The API server goes on without an answer: as if it were late. */
void record_pool_drop(struct record_job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    leave(job);
    job->given_up = job->given_up || !job->done;
    let_go(job);
}

void record_pool_calm(struct record_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->calm_for_good = true;
    while (pool->asked != NULL)
        pthread_cond_wait(&pool->calm, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

enum record_outcome record_pool_ask(struct record_pool *pool, char *body, size_t length,
                                    int64_t budget_us, struct buf *answer, struct err *reterr)
{
    struct sleeper sleeper = {.is_woken = false};
    init_condition(&sleeper.woken);
    struct record_job *job =
        record_pool_begin(pool, body, length, budget_us, wake_sleeper, &sleeper);
    pthread_mutex_lock(&pool->lock);
    while (job != NULL && !sleeper.is_woken)
        pthread_cond_wait(&sleeper.woken, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&sleeper.woken);
    return job == NULL ? RECORD_FULL : record_pool_take(job, answer, reterr);
}
