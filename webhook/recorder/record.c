#include "recorder/record.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/intake.h"
#include "recorder/metrics.h"
#include "recorder/record_pool.h"
#include "recorder/record_secret.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The API server waits a second; slower than this it would be we that are slow. */
#define BUDGET_US  100000
#define REQUEST_US 10000000LL
#define IDLE_US    120000000LL

/* A thread waits for its answer, a worker for the disk: commits are shared by as many as wait.
 * Each worker may take LIMIT_ARENA_BYTES. */
#define THREADS 8

struct record {
    struct record_options options;
    struct record_secret secret;
    struct record_pool *pool;
    struct intake intake;
    atomic_bool draining;
};

static bool is_draining(struct record *record)
{
    return atomic_load_explicit(&record->draining, memory_order_relaxed);
}

/* The path is a secret, or a guess at one: neither goes anywhere. */
static enum MHD_Result refuse(void *context, struct MHD_Connection *mhd, const char *path, int code)
{
    (void)path;
    metric_error(code);
    metrics_add(code == ERR_PATH ? METRICS_INTENTS_STRANGERS : METRICS_INTENTS_BAD, 1);
    intake_log_refusal(mhd, "/record/...", code, NULL);
    return intake_queue_error(mhd, code, NULL, is_draining(context));
}

static int judge_head(void *context, struct MHD_Connection *mhd, const char *path,
                      const char *method, struct exchange *exchange)
{
    struct record *record = context;
    if (!record_secret_fits(&record->secret, path) || strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return ERR_PATH;
    if (!intake_is_json(mhd))
        return ERR_MEDIA;
    return exchange->expected > LIMIT_BODY_BYTES ? ERR_TOO_LARGE : 0;
}

/* What is allowed without having been read. */
struct allowing {
    struct arena *arena;
    const char *uid;
    struct buf answer;
};

static void write_allowed(void *context)
{
    struct allowing *allowing = context;
    const struct intent intent = {.review_uid = allowing->uid};
    buf_init(&allowing->answer, allowing->arena, LIMIT_ARENA_BYTES);
    intent_answer(allowing->arena, &intent, &allowing->answer);
}

/* `code` is why; without a uid there is no review that could be allowed. */
static enum MHD_Result let_through(struct record *record, struct MHD_Connection *mhd,
                                   const char *uid, int code, const char *message)
{
    struct allowing allowing = {.arena = intake_arena(), .uid = uid};
    if (code != ERR_DEADLINE) {
        metric_error(code);
        intake_log_refusal(mhd, "/record/...", code, message);
    }
    if (uid[0] == '\0' || allowing.arena == NULL ||
        !arena_try(allowing.arena, write_allowed, &allowing))
        return intake_queue_error(mhd, code, message, is_draining(record));
    const enum MHD_Result result = intake_queue(mhd, MHD_HTTP_OK, allowing.answer.data,
                                                allowing.answer.length, is_draining(record));
    arena_reset(allowing.arena, LIMIT_ARENA_FIRST_BLOCK);
    return result;
}

/* No review: HTTP says so, and the API server goes on.  A review past a limit: it is allowed. */
static enum MHD_Result answer_bad(struct record *record, struct MHD_Connection *mhd,
                                  const char *uid, const struct err *err)
{
    const bool is_review = err->code != ERR_JSON && err->code != ERR_REVIEW;
    metrics_add(METRICS_INTENTS_BAD, 1);
    return let_through(record, mhd, is_review ? uid : "", (int)err->code, err->text);
}

static enum MHD_Result answer(struct record *record, struct MHD_Connection *mhd, const char *uid,
                              char *body, size_t length)
{
    struct buf text;
    struct err err = {.text = ""};
    buf_init(&text, NULL, LIMIT_ARENA_BYTES);
    const enum record_outcome outcome =
        record_pool_ask(record->pool, body, length, record->options.budget_us, &text, &err);
    enum MHD_Result result;
    if (outcome == RECORD_ANSWERED && !text.failed) {
        result = intake_queue(mhd, MHD_HTTP_OK, text.data, text.length, is_draining(record));
    } else if (outcome == RECORD_BAD) {
        result = answer_bad(record, mhd, uid, &err);
    } else {
        metrics_add(outcome == RECORD_FULL ? METRICS_INTENTS_FAILED : METRICS_INTENTS_LATE, 1);
        result =
            let_through(record, mhd, uid, outcome == RECORD_FULL ? ERR_BUSY : ERR_DEADLINE, NULL);
    }
    buf_done(&text);
    return result;
}

static enum MHD_Result finish(void *context, struct MHD_Connection *mhd, const char *path,
                              struct exchange *exchange)
{
    struct record *record = context;
    char uid[EXCHANGE_UID_BYTES] = "";
    const int64_t began_us = clock_monotonic_us();
    enum MHD_Result result;
    exchange->answered = true;
    if (exchange->error == 0 && exchange->length == 0)
        exchange->error = ERR_EMPTY;
    if (exchange->body != NULL && !exchange_find_uid(exchange->body, exchange->length, uid))
        uid[0] = '\0';
    if (exchange->error == ERR_BUSY || exchange->error == ERR_TOO_LARGE) {
        metrics_add(METRICS_INTENTS_FAILED, 1);
        result = let_through(record, mhd, uid, exchange->error, NULL);
    } else if (exchange->error != 0) {
        result = refuse(record, mhd, path, exchange->error);
    } else {
        char *body = exchange->body;
        const size_t length = exchange->length;
        exchange->body = NULL; /* the pool's */
        result = answer(record, mhd, uid, body, length);
        metrics_intent_seconds(clock_monotonic_us() - began_us);
    }
    exchange_done(exchange);
    exchange->answered = true;
    return result;
}

static int start(struct record *record, struct err *reterr)
{
    const struct record_options *options = &record->options;
    const long threads = options->threads > 0 ? options->threads : THREADS;
    const struct record_pool_options pool = {
        .settings = {.trusted = options->trusted, .self = options->self},
        .store = options->store,
        .keeper = options->keeper,
        .threads = threads};
    const struct intake_options intake = {.listen = options->listen,
                                          .threads = threads,
                                          .connections = options->connections,
                                          .request_us = REQUEST_US,
                                          .idle_us = IDLE_US,
                                          .body_max = LIMIT_BODY_BYTES,
                                          .counted = true,
                                          .context = record,
                                          .judge_head = judge_head,
                                          .refuse = refuse,
                                          .finish = finish};
    int r = record_secret_init(&record->secret, options->secret_file, reterr);
    if (r == 0)
        r = record_pool_start(&pool, &record->pool, reterr);
    if (r == 0)
        r = intake_start(&record->intake, &intake, reterr);
    return r;
}

int record_start(const struct record_options *options, struct record **ret_record,
                 unsigned *ret_port, struct err *reterr)
{
    struct record *record = calloc(1, sizeof *record);
    if (record == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    record->options = *options;
    if (options->budget_us == 0)
        record->options.budget_us = BUDGET_US;
    const int r = start(record, reterr);
    if (r != 0) {
        record_stop(record);
        return r;
    }
    *ret_port = record->intake.port;
    *ret_record = record;
    return 0;
}

void record_drain(struct record *record)
{
    atomic_store(&record->draining, true);
}

int64_t record_last_us(struct record *record)
{
    return atomic_load(&record->intake.keeper.last_event_us);
}

void record_stop(struct record *record)
{
    if (record == NULL)
        return;
    intake_stop(&record->intake);
    record_pool_stop(record->pool);
    record_secret_done(&record->secret);
    free(record);
}
