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

/* Of the pool: each may take LIMIT_ARENA_BYTES.  No thread of the port waits for an answer: its
 * connection sleeps. */
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
                              enum record_outcome outcome, struct buf *text, const struct err *err)
{
    if (outcome == RECORD_ANSWERED && !text->failed)
        return intake_queue(mhd, MHD_HTTP_OK, text->data, text->length, is_draining(record));
    if (outcome == RECORD_BAD)
        return answer_bad(record, mhd, uid, err);
    metrics_add(outcome == RECORD_FULL ? METRICS_INTENTS_FAILED : METRICS_INTENTS_LATE, 1);
    return let_through(record, mhd, uid, outcome == RECORD_FULL ? ERR_BUSY : ERR_DEADLINE, NULL);
}

/* What a connection sleeps for. */
struct asked {
    struct record_job *job;
    int64_t began_us;
    char uid[EXCHANGE_UID_BYTES];
};

static void wake_connection(void *context)
{
    struct MHD_Connection *mhd = context;
    connection_set_working(connection_of(mhd), false);
    MHD_resume_connection(mhd);
}

static enum MHD_Result take_answer(struct record *record, struct MHD_Connection *mhd,
                                   struct exchange *exchange)
{
    struct asked *asked = exchange->work;
    struct buf text;
    struct err err = {.text = ""};
    buf_init(&text, NULL, LIMIT_ARENA_BYTES);
    const enum record_outcome outcome =
        asked->job == NULL ? RECORD_FULL : record_pool_take(asked->job, &text, &err);
    const enum MHD_Result result = answer(record, mhd, asked->uid, outcome, &text, &err);
    metrics_intent_seconds(clock_monotonic_us() - asked->began_us);
    buf_done(&text);
    free(asked);
    exchange->work = NULL;
    return result;
}

static void drop(void *context, struct exchange *exchange)
{
    struct asked *asked = exchange->work;
    (void)context;
    if (asked->job != NULL)
        record_pool_drop(asked->job);
    free(asked);
    exchange->work = NULL;
}

/* The body is the pool's.  At the end nothing may sleep: MHD cannot be stopped then. */
static enum MHD_Result ask_and_wait(struct record *record, struct MHD_Connection *mhd,
                                    const char *uid, char *body, size_t length)
{
    const int64_t began_us = clock_monotonic_us();
    struct buf text;
    struct err err = {.text = ""};
    buf_init(&text, NULL, LIMIT_ARENA_BYTES);
    const enum record_outcome outcome =
        record_pool_ask(record->pool, body, length, record->options.budget_us, &text, &err);
    const enum MHD_Result result = answer(record, mhd, uid, outcome, &text, &err);
    metrics_intent_seconds(clock_monotonic_us() - began_us);
    buf_done(&text);
    return result;
}

/* False: it has to wait. */
static bool ask_asleep(struct record *record, struct MHD_Connection *mhd, struct exchange *exchange,
                       const char *uid)
{
    struct asked *asked = calloc(1, sizeof *asked);
    if (asked == NULL)
        return false;
    memcpy(asked->uid, uid, sizeof asked->uid);
    asked->began_us = clock_monotonic_us();
    exchange->work = asked;
    MHD_suspend_connection(mhd); /* before anybody can resume it */
    asked->job = record_pool_begin(record->pool, exchange->body, exchange->length,
                                   record->options.budget_us, wake_connection, mhd);
    exchange->body = NULL;
    if (asked->job == NULL)
        wake_connection(mhd);
    return true;
}

static enum MHD_Result ask(struct record *record, struct MHD_Connection *mhd,
                           struct exchange *exchange, const char *uid)
{
    if (!is_draining(record) && ask_asleep(record, mhd, exchange, uid))
        return MHD_YES;
    char *body = exchange->body;
    exchange->body = NULL;
    return ask_and_wait(record, mhd, uid, body, exchange->length);
}

static enum MHD_Result finish(void *context, struct MHD_Connection *mhd, const char *path,
                              struct exchange *exchange)
{
    struct record *record = context;
    char uid[EXCHANGE_UID_BYTES] = "";
    enum MHD_Result result;
    if (exchange->error == 0 && exchange->length == 0)
        exchange->error = ERR_EMPTY;
    if (exchange->body != NULL && !exchange_find_uid(exchange->body, exchange->length, uid))
        uid[0] = '\0';
    if (exchange->work != NULL) {
        result = take_answer(record, mhd, exchange);
    } else if (exchange->error == ERR_BUSY || exchange->error == ERR_TOO_LARGE) {
        metrics_add(METRICS_INTENTS_FAILED, 1);
        result = let_through(record, mhd, uid, exchange->error, NULL);
    } else if (exchange->error != 0) {
        result = refuse(record, mhd, path, exchange->error);
    } else {
        result = ask(record, mhd, exchange, uid);
        if (exchange->work != NULL)
            return result;
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
                                          .threads = options->threads,
                                          .connections = options->connections,
                                          .request_us = REQUEST_US,
                                          .idle_us = IDLE_US,
                                          .body_max = LIMIT_BODY_BYTES,
                                          .counted = true,
                                          .context = record,
                                          .judge_head = judge_head,
                                          .refuse = refuse,
                                          .finish = finish,
                                          .drop = drop};
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
    record_drain(record);
    if (record->pool != NULL)
        record_pool_calm(record->pool);
    intake_stop(&record->intake);
    record_pool_stop(record->pool);
    record_secret_done(&record->secret);
    free(record);
}
