/* /mutate, /validate and /policies: bytes from the socket to the engine and back. */
#include "admit/admit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/check.h"
#include "net/live.h"
#include "net/record.h"
#include "net/server.h"

#include <stdlib.h>
#include <string.h>

/* An answer that comes after the client's own time-out helps nobody. */
#define DEADLINE_MARGIN_US 20000

/* A check of policies takes a worker's time, and is not worth more of it. */
#define CHECK_US 4000000

static bool is_draining(struct server *server)
{
    return atomic_load_explicit(&server->draining, memory_order_relaxed);
}

/* A refusal before there is a review: plain JSON. */
static enum MHD_Result refuse_plain(struct server *server, struct MHD_Connection *mhd,
                                    const char *path, int code, const char *message)
{
    metric_error(code);
    intake_log_refusal(mhd, path, code, message);
    return intake_queue_error(mhd, code, message, is_draining(server));
}

/* What one piece of work needs: arena_try hands on one pointer. */
struct job {
    struct server *server;
    struct exchange *exchange;
    struct live *live;
    struct arena *arena;
    struct buf answer;
    struct admit_request request;
    struct verdict verdict;
    char uid[EXCHANGE_UID_BYTES];
    int code;
    const char *message;
};

static void write_refusal(void *context)
{
    struct job *job = context;
    buf_init(&job->answer, job->arena, LIMIT_ARENA_BYTES);
    admit_refuse(-job->code, job->message, job->arena, &job->verdict);
    job->verdict.digest = job->live->set->digest;
    admit_response_write(&job->verdict, job->uid, &job->answer);
}

/* A refusal that people can read: an AdmissionReview, if the first bytes tell the uid. */
static enum MHD_Result refuse_review(struct job *job, struct MHD_Connection *mhd, const char *path,
                                     const char *message)
{
    struct exchange *exchange = job->exchange;
    job->message = message != NULL ? message : err_text(job->code);
    if (exchange->body == NULL || !exchange_find_uid(exchange->body, exchange->length, job->uid) ||
        !arena_try(job->arena, write_refusal, job))
        return refuse_plain(job->server, mhd, path, job->code, message);
    intake_log_refusal(mhd, path, job->code, message);
    struct record record = {.phase = exchange->phase,
                            .verdict = &job->verdict,
                            .uid = job->uid,
                            .error = -job->code,
                            .began_us = exchange->began_us,
                            .ended_us = clock_monotonic_us()};
    record_request(&record, job->live, job->server->decisions);
    return intake_queue(mhd, MHD_HTTP_OK, job->answer.data, job->answer.length,
                        is_draining(job->server));
}

/* Work memory grows with the body: a node of 64 bytes can stand on two bytes of JSON. */
static size_t work_bytes(size_t body_bytes)
{
    size_t bytes = 64UL * 1024UL + 64UL * body_bytes;
    return bytes < LIMIT_ARENA_BYTES ? bytes : LIMIT_ARENA_BYTES;
}

/* A request that waited too long, or for which there is no room: 0, or why not. */
static int may_start(struct exchange *exchange, int64_t now_us)
{
    if (exchange->error != 0)
        return -exchange->error;
    if (exchange->timeout_us > 0 &&
        now_us - exchange->began_us > exchange->timeout_us - DEADLINE_MARGIN_US)
        return -(int)ERR_DEADLINE;
    return exchange_reserve(exchange, work_bytes(exchange->length)) ? 0 : -(int)ERR_BUSY;
}

/* The answer into job->answer; admit_answer's contract. */
static int answer(struct job *job, bool *ret_answered, struct err *reterr)
{
    const struct exchange *exchange = job->exchange;
    if (exchange->phase != PHASE_POLICIES)
        return admit_answer(job->live->set, (enum admit_phase)exchange->phase, exchange->body,
                            exchange->length, clock_unix(), job->arena, &job->answer, &job->request,
                            &job->verdict, ret_answered, reterr);
    int64_t deadline_us = clock_monotonic_us() + CHECK_US;
    const int64_t own_us = exchange->began_us + exchange->timeout_us - DEADLINE_MARGIN_US;
    if (exchange->timeout_us > 0 && own_us < deadline_us)
        deadline_us = own_us;
    return check_answer(exchange->body, exchange->length, deadline_us, job->arena, &job->answer,
                        &job->request, &job->verdict, ret_answered, reterr);
}

static enum MHD_Result judge(struct job *job, struct MHD_Connection *mhd, const char *path)
{
    struct exchange *exchange = job->exchange;
    struct err err = {.text = ""};
    bool answered = false;
    int64_t began_us = clock_monotonic_us();
    job->code = may_start(exchange, began_us);
    if (job->code != 0)
        return refuse_review(job, mhd, path, NULL);

    buf_init(&job->answer, job->arena, LIMIT_ARENA_BYTES);
    job->code = answer(job, &answered, &err);
    if (job->code != 0 && !answered) {
        if (job->code == -(int)ERR_LIMIT || job->code == -(int)ERR_NO_MEMORY)
            return refuse_review(job, mhd, path, err.text);
        return refuse_plain(job->server, mhd, path, job->code, err.text);
    }
    if (job->code != 0)
        intake_log_refusal(mhd, path, job->code, err.text);
    struct record record = {.phase = exchange->phase,
                            .request = job->request.uid != NULL ? &job->request : NULL,
                            .verdict = &job->verdict,
                            .uid = job->request.uid,
                            .error = -job->code,
                            .began_us = began_us,
                            .ended_us = clock_monotonic_us()};
    record_request(&record, job->live, job->server->decisions);
    return intake_queue(mhd, MHD_HTTP_OK, job->answer.data, job->answer.length,
                        is_draining(job->server));
}

/* The whole body is here. */
static enum MHD_Result finish(void *context, struct MHD_Connection *mhd, const char *path,
                              struct exchange *exchange)
{
    struct server *server = context;
    exchange->answered = true;
    if (exchange->error == 0 && exchange->length == 0)
        exchange->error = ERR_EMPTY;
    if (exchange->error != 0 && exchange->error != ERR_BUSY)
        return refuse_plain(server, mhd, path, exchange->error, NULL);
    struct job *job = calloc(1, sizeof *job);
    struct arena *arena = intake_arena();
    struct live *live = live_ref();
    enum MHD_Result result;
    if (job == NULL || arena == NULL || live == NULL) {
        result = refuse_plain(server, mhd, path, ERR_NO_MEMORY, NULL);
    } else {
        job->server = server;
        job->exchange = exchange;
        job->live = live;
        job->arena = arena;
        result = judge(job, mhd, path);
        arena_reset(arena, LIMIT_ARENA_FIRST_BLOCK);
    }
    live_unref(live);
    free(job);
    exchange_done(exchange);
    exchange->answered = true;
    return result;
}

/* What the head alone tells; an err_code, 0 if it is fine. */
static int judge_head(void *context, struct MHD_Connection *mhd, const char *path,
                      const char *method, struct exchange *exchange)
{
    const struct server *server = context;
    if (strcmp(path, "/mutate") == 0)
        exchange->phase = ADMIT_MUTATE;
    else if (strcmp(path, "/validate") == 0)
        exchange->phase = ADMIT_VALIDATE;
    else if (strcmp(path, "/policies") == 0)
        exchange->phase = PHASE_POLICIES;
    else
        return ERR_PATH;
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        return ERR_METHOD;
    if (!intake_is_json(mhd))
        return ERR_MEDIA;
    const char *timeout = MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "timeout");
    if (timeout != NULL)
        exchange->timeout_us = exchange_parse_duration(timeout);
    if (exchange->expected > (size_t)server->config->body_bytes.number)
        return ERR_TOO_LARGE;
    return 0;
}

static enum MHD_Result refuse(void *context, struct MHD_Connection *mhd, const char *path, int code)
{
    return refuse_plain(context, mhd, path, code, NULL);
}

int http_start(struct server *server, struct err *reterr)
{
    const struct config *config = server->config;
    const struct intake_options options = {.listen = config->listen.text,
                                           .threads = (long)config->threads.number,
                                           .connections = (long)config->connections.number,
                                           .request_us = config->request_seconds.number * 1000000,
                                           .idle_us = config->idle_seconds.number * 1000000,
                                           .body_max = (size_t)config->body_bytes.number,
                                           .counted = true,
                                           .context = server,
                                           .judge_head = judge_head,
                                           .refuse = refuse,
                                           .finish = finish};
    exchange_set_budget((size_t)config->in_flight_bytes.number);
    return intake_start(&server->review, &options, reterr);
}

void http_stop(struct server *server)
{
    intake_stop(&server->review);
}
