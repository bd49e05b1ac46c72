/* /mutate, /validate and /policies: bytes from the socket to the engine and back. */
#include "admit/admit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/check.h"
#include "net/exchange.h"
#include "net/live.h"
#include "net/record.h"
#include "net/server.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* The API server's heads have 300 bytes; a body comes through the same room in pieces. */
#define CONNECTION_MEMORY_BYTES (8UL * 1024UL)
#define THREAD_STACK_BYTES      (512UL * 1024UL)
#define MESSAGE_RUNES_MAX       300

/* An answer that comes after the client's own time-out helps nobody. */
#define DEADLINE_MARGIN_US 20000

/* A check of policies takes a worker's time, and is not worth more of it. */
#define CHECK_US 4000000

static struct log_limit refused_lines;
static pthread_key_t arena_key;

static void free_arena(void *memory)
{
    arena_done(memory);
    free(memory);
}

/* This worker's arena; NULL if memory is short. */
static struct arena *worker_arena(void)
{
    struct arena *arena = pthread_getspecific(arena_key);
    if (arena != NULL)
        return arena;
    arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        return NULL;
    arena_init(arena, LIMIT_ARENA_BYTES);
    if (pthread_setspecific(arena_key, arena) != 0) {
        free(arena);
        return NULL;
    }
    return arena;
}

static enum MHD_Result queue_bytes(struct server *server, struct MHD_Connection *mhd,
                                   unsigned status, const char *bytes, size_t length,
                                   enum MHD_ResponseMemoryMode mode)
{
    /* MHD wants a pointer to what may be changed, and does not change it. */
    union {
        const char *given;
        void *wanted;
    } body = {.given = bytes};
    struct MHD_Response *response = MHD_create_response_from_buffer(length, body.wanted, mode);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (server != NULL && atomic_load_explicit(&server->draining, memory_order_relaxed))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result queue_error(struct server *server, struct MHD_Connection *mhd, int code,
                                   const char *message)
{
    struct buf visible, body;
    buf_init(&visible, NULL, 4096);
    buf_init(&body, NULL, 8192);
    buf_add_visible(&visible, message != NULL ? message : err_text(code), MESSAGE_RUNES_MAX);
    buf_printf(&body, "{\"error\":\"%s\",\"message\":", err_label(code));
    buf_add_json_string(&body, visible.data);
    buf_add_string(&body, "}\n");
    enum MHD_Result result = queue_bytes(server, mhd, (unsigned)err_http_status(code), body.data,
                                         body.length, MHD_RESPMEM_MUST_COPY);
    buf_done(&visible);
    buf_done(&body);
    return result;
}

enum MHD_Result http_queue_error(struct MHD_Connection *mhd, int code, const char *message)
{
    return queue_error(NULL, mhd, code, message);
}

static void log_refusal(struct MHD_Connection *mhd, const char *path, int code, const char *message)
{
    if (!log_allowed(&refused_lines))
        return;
    char address[CONNECTION_ADDRESS_BYTES];
    log_event(LOG_WARN, "a request was refused", "error", err_label(code), "detail",
              message != NULL ? message : err_text(code), "path", path, "client",
              connection_address(mhd, address), NULL);
}

/* A refusal before there is a review: plain JSON. */
static enum MHD_Result refuse_plain(struct server *server, struct MHD_Connection *mhd,
                                    const char *path, int code, const char *message)
{
    metric_error(code);
    log_refusal(mhd, path, code, message);
    return queue_error(server, mhd, code, message);
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
    log_refusal(mhd, path, job->code, message);
    struct record record = {.phase = exchange->phase,
                            .verdict = &job->verdict,
                            .uid = job->uid,
                            .error = -job->code,
                            .began_us = exchange->began_us,
                            .ended_us = clock_monotonic_us()};
    record_request(&record, job->live, job->server->decisions);
    return queue_bytes(job->server, mhd, MHD_HTTP_OK, job->answer.data, job->answer.length,
                       MHD_RESPMEM_MUST_COPY);
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
        log_refusal(mhd, path, job->code, err.text);
    struct record record = {.phase = exchange->phase,
                            .request = job->request.uid != NULL ? &job->request : NULL,
                            .verdict = &job->verdict,
                            .uid = job->request.uid,
                            .error = -job->code,
                            .began_us = began_us,
                            .ended_us = clock_monotonic_us()};
    record_request(&record, job->live, job->server->decisions);
    return queue_bytes(job->server, mhd, MHD_HTTP_OK, job->answer.data, job->answer.length,
                       MHD_RESPMEM_MUST_COPY);
}

/* The whole body is here. */
static enum MHD_Result finish(struct server *server, struct MHD_Connection *mhd, const char *path,
                              struct exchange *exchange)
{
    exchange->answered = true;
    if (exchange->error == 0 && exchange->length == 0)
        exchange->error = ERR_EMPTY;
    if (exchange->error != 0 && exchange->error != ERR_BUSY)
        return refuse_plain(server, mhd, path, exchange->error, NULL);
    struct job *job = calloc(1, sizeof *job);
    struct arena *arena = worker_arena();
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

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    return type != NULL && strncasecmp(type, json, length) == 0 &&
           (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
}

/* What the head alone tells; an err_code, 0 if it is fine. */
static int judge_head(const struct server *server, struct MHD_Connection *mhd, const char *path,
                      const char *method, struct exchange *exchange)
{
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
    if (!is_json(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE)))
        return ERR_MEDIA;
    const char *timeout = MHD_lookup_connection_value(mhd, MHD_GET_ARGUMENT_KIND, "timeout");
    if (timeout != NULL)
        exchange->timeout_us = exchange_parse_duration(timeout);
    if (exchange->expected > (size_t)server->config->body_bytes.number)
        return ERR_TOO_LARGE;
    return 0;
}

static size_t content_length(struct MHD_Connection *mhd)
{
    const char *text =
        MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    (void)version;
    struct server *server = cls;
    struct exchange *exchange = *context;
    if (exchange == NULL)
        return MHD_NO;
    if (!exchange->head_seen) {
        exchange->head_seen = true;
        exchange->expected = content_length(mhd);
        exchange->error = judge_head(server, mhd, path, method, exchange);
        /* Too much to read and drop: the answer comes at once, and MHD closes after it. */
        if (exchange->expected <= EXCHANGE_DRAIN_BYTES)
            return MHD_YES;
        exchange->answered = true;
        return refuse_plain(server, mhd, path,
                            exchange->error != 0 ? exchange->error : ERR_TOO_LARGE, NULL);
    }
    if (*upload_size > 0) {
        size_t count = *upload_size;
        *upload_size = 0;
        return exchange_take(exchange, upload, count, (size_t)server->config->body_bytes.number)
                   ? MHD_YES
                   : MHD_NO;
    }
    if (exchange->answered)
        return MHD_YES;
    connection_set_working(connection_of(mhd), true);
    enum MHD_Result result = finish(server, mhd, path, exchange);
    connection_set_working(connection_of(mhd), false);
    return result;
}

/* The first line is here: the request begins.  What this returns becomes *context. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    (void)cls;
    (void)uri;
    struct connection *connection = connection_of(mhd);
    if (connection == NULL)
        return NULL;
    struct exchange *exchange = connection->exchange;
    if (exchange == NULL)
        exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    connection->exchange = exchange;
    connection_set_busy(connection);
    exchange->began_us = clock_monotonic_us();
    metric_add(METRIC_IN_FLIGHT, 1);
    return exchange;
}

static void completed(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode code)
{
    (void)cls;
    struct exchange *exchange = *context;
    if (exchange == NULL)
        return;
    metric_add(METRIC_IN_FLIGHT, -1);
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        metric_add(METRIC_ABORTED, 1);
        char address[CONNECTION_ADDRESS_BYTES];
        if (log_allowed(&refused_lines))
            log_event(LOG_INFO, "a request ended before its answer", "client",
                      connection_address(mhd, address), NULL);
    }
    exchange_done(exchange);
    *context = NULL;
    struct connection *connection = connection_of(mhd);
    if (connection != NULL)
        connection_set_idle(connection);
}

/* The exchange lives as long as its connection. */
static void notify(void *keeper, struct MHD_Connection *mhd, void **socket_context,
                   enum MHD_ConnectionNotificationCode code)
{
    struct connection *connection = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && connection != NULL &&
        connection->exchange != NULL) {
        exchange_done(connection->exchange);
        free(connection->exchange);
        connection->exchange = NULL;
    }
    connection_notify(keeper, mhd, socket_context, code);
}

static void log_library(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *cls, const char *format, va_list args)
{
    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    char text[400];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", "detail", text, NULL);
}

static unsigned thread_count(const struct config *config)
{
    if (config->threads.number > 0)
        return (unsigned)config->threads.number;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 2 : processors > 8 ? 8 : (unsigned)processors;
}

int http_start(struct server *server, struct err *reterr)
{
    const struct config *config = server->config;
    int fd;
    int r = listen_open(config->listen.text, &fd, &server->review_port, reterr);
    if (r != 0)
        return r;
    exchange_set_budget((size_t)config->in_flight_bytes.number);
    unsigned threads = thread_count(config);
    unsigned connections = (unsigned)config->connections.number;
    if (connections < threads)
        connections = threads;
    r = connection_keeper_start(&server->review_keeper, config->request_seconds.number * 1000000,
                                config->idle_seconds.number * 1000000, true, reterr);
    if (r == 0 && pthread_key_create(&arena_key, free_arena) != 0)
        r = err_set(reterr, ERR_NO_MEMORY, "no key for the workers' arenas");
    if (r != 0) {
        close(fd);
        return r;
    }
    server->review = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL,
        NULL, handle, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_HTTPS_PRIORITIES,
        TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve, MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)2048, MHD_OPTION_NOTIFY_CONNECTION, notify,
        &server->review_keeper, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_END);
    if (server->review == NULL) {
        close(fd);
        return err_set(reterr, ERR_IO,
                       "libmicrohttpd cannot serve on %s; --log-level debug says "
                       "why",
                       config->listen.text);
    }
    return 0;
}

void http_stop(struct server *server)
{
    if (server->review != NULL)
        MHD_stop_daemon(server->review);
    server->review = NULL;
    connection_keeper_stop(&server->review_keeper);
}
