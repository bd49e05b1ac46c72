/* A call's way through MHD: what came in, and what goes back. */
#include "base/clock.h"
#include "base/log.h"
#include "recorder/api_internal.h"
#include "recorder/metrics.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODIES_MAX   (64UL * 1024UL * 1024UL)
#define DRAIN_BYTES  (16UL * 1024UL * 1024UL)
#define HEADER_BYTES (32UL * 1024UL)

static struct log_limit refused_lines;

/* ---- A call's memory -------------------------------------------------------------------- */

static void forget(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* All that an answer is made of. */
static void free_input(struct api_call *call)
{
    char **const texts[] = {&call->uri,      &call->accept,        &call->content_type, &call->key,
                            &call->if_match, &call->last_event_id, &call->body};
    if (call->body_capacity > 0)
        atomic_fetch_sub(&call->api->body_bytes, call->body_capacity);
    call->body_capacity = call->body_length = 0;
    arena_done(&call->arena);
    buf_done(&call->out);
    forget(call->authorization);
    call->authorization = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(*texts[i]);
        *texts[i] = NULL;
    }
}

static void free_call(struct api_call *call)
{
    if (call->flow != NULL)
        api_flow_drop(call->flow);
    free_input(call);
    free(call);
}

static void name_request(struct api_call *call)
{
    unsigned char bytes[8];
    if (gnutls_rnd(GNUTLS_RND_NONCE, bytes, sizeof bytes) != 0)
        memset(bytes, 0, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(call->request_id + 2 * i, 3, "%02x", bytes[i]);
}

void *api_call_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct api *api = cls;
    struct connection *connection = connection_of(mhd);
    struct api_call *call = connection != NULL ? calloc(1, sizeof *call) : NULL;
    if (call == NULL)
        return NULL;
    connection_set_busy(connection);
    atomic_fetch_add(&api->calls, 1);
    call->api = api;
    call->mhd = mhd;
    call->uri = strndup(uri, API_URI_BYTES);
    call->status = 500;
    call->media = "application/json";
    arena_init(&call->arena, API_ARENA_BYTES);
    buf_init(&call->out, NULL, API_ANSWER_BYTES);
    name_request(call);
    return call;
}

void api_call_end(void *cls, struct MHD_Connection *mhd, void **context,
                  enum MHD_RequestTerminationCode code)
{
    struct api_call *call = *context;
    (void)cls;
    (void)code;
    if (call == NULL)
        return;
    struct api *api = call->api;
    free_call(call);
    *context = NULL;
    atomic_fetch_sub(&api->calls, 1);
    if (connection_of(mhd) != NULL)
        connection_set_idle(connection_of(mhd));
}

/* ---- What came in ----------------------------------------------------------------------- */

/* Our copies of the headers that matter; one that stands twice is nobody's. */
static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   const char *value)
{
    struct api_call *call = cls;
    const struct {
        const char *name;
        char **at;
    } wanted[] = {{"Authorization", &call->authorization},
                  {"Proctor-Authorization", &call->authorization},
                  {"Accept", &call->accept},
                  {"Content-Type", &call->content_type},
                  {"Idempotency-Key", &call->key},
                  {"If-Match", &call->if_match},
                  {"Last-Event-ID", &call->last_event_id}};
    (void)kind;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (strcasecmp(key, wanted[i].name) != 0)
            continue;
        const char *text = value != NULL ? value : "";
        /* A proxy may leave both, with the same token. */
        if (*wanted[i].at != NULL && i <= 1 && strcmp(*wanted[i].at, text) == 0)
            continue;
        if (*wanted[i].at != NULL || strlen(text) > HEADER_BYTES)
            call->too_many = true;
        else
            *wanted[i].at = strdup(text);
    }
    return MHD_YES;
}

struct head_work {
    struct api_call *call;
};

static void judge_head(void *context)
{
    struct api_call *call = ((struct head_work *)context)->call;
    call->refused = !api_input_head(call);
}

static void read_head(struct api_call *call, const char *method)
{
    const char *length =
        MHD_lookup_connection_value(call->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    struct head_work work = {call};
    call->head_seen = true;
    call->expected = length != NULL ? strtoull(length, NULL, 10) : 0;
    snprintf(call->method, sizeof call->method, "%.15s", method);
    call->is_head = strcmp(method, "HEAD") == 0;
    MHD_get_connection_values(call->mhd, MHD_HEADER_KIND, take_header, call);
    if (!arena_try(&call->arena, judge_head, &work)) {
        call->refused = true;
        api_problem(call, 503, "OutOfMemory", "The recorder is short of memory; try again later.");
    }
}

static void drop_body(struct api_call *call, unsigned status, const char *reason,
                      const char *detail)
{
    call->refused = true;
    call->body_length = 0;
    api_problem(call, status, reason, detail);
}

/* False: close. */
static bool take_body(struct api_call *call, const char *bytes, size_t count)
{
    struct api *api = call->api;
    call->received += count;
    if (call->received > DRAIN_BYTES)
        return false;
    if (call->refused)
        return true;
    if (call->received > (size_t)api->options.body_bytes) {
        drop_body(call, 413, "BodyTooLarge", "The body is larger than this path takes.");
        return true;
    }
    if (strcmp(call->method, "POST") != 0) {
        drop_body(call, 400, "BadRequest", "This method takes no body.");
        return true;
    }
    if (call->content_type == NULL) {
        drop_body(call, 415, "UnsupportedMediaType", "The body must be application/json.");
        return true;
    }
    if (call->body_length + count + 1 > call->body_capacity) {
        const size_t capacity = (call->body_length + count + 1) * 2;
        const size_t more = capacity - call->body_capacity;
        char *body = NULL;
        if (atomic_fetch_add(&api->body_bytes, more) + more <= BODIES_MAX)
            body = realloc(call->body, capacity);
        if (body == NULL) {
            atomic_fetch_sub(&api->body_bytes, more);
            drop_body(call, 503, "Busy", "Too many bodies at once; try again in a moment.");
            return true;
        }
        call->body = body;
        call->body_capacity = capacity;
    }
    memcpy(call->body + call->body_length, bytes, count);
    call->body_length += count;
    call->body[call->body_length] = '\0';
    return true;
}

/* ---- The answer ------------------------------------------------------------------------- */

static void add_headers(const struct api_call *call, struct MHD_Response *response)
{
    const struct {
        const char *name, *value;
    } headers[] = {{"Content-Type", call->media},
                   {"Cache-Control", "no-store"},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                   {"Referrer-Policy", "no-referrer"},
                   {"X-Request-Id", call->request_id},
                   {"Allow", call->status == 405 ? call->allow : NULL},
                   {"Location", call->location[0] != '\0' ? call->location : NULL},
                   {"ETag", call->etag[0] != '\0' ? call->etag : NULL},
                   {"Content-Disposition", call->attachment},
                   {"WWW-Authenticate", call->challenge ? "Bearer realm=\"proctor\"" : NULL}};
    char seconds[16];
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (headers[i].value != NULL)
            MHD_add_response_header(response, headers[i].name, headers[i].value);
    }
    if (call->retry_after > 0) {
        snprintf(seconds, sizeof seconds, "%u", call->retry_after);
        MHD_add_response_header(response, "Retry-After", seconds);
    }
    if (atomic_load(&call->api->draining))
        MHD_add_response_header(response, "Connection", "close");
}

static struct MHD_Response *make_response(struct api_call *call)
{
    struct MHD_Response *response;
    if (call->flow != NULL) {
        response = api_flow_response(call->flow);
        call->flow = NULL;
        return response;
    }
    if (call->out.failed)
        api_problem(call, 500, "AnswerTooLarge",
                    "The answer is too large; ask for fewer rows at once (limit).");
    response = MHD_create_response_from_buffer(call->out.length, call->out.data,
                                               call->out.capacity > 0 ? MHD_RESPMEM_MUST_FREE
                                                                      : MHD_RESPMEM_PERSISTENT);
    if (response != NULL)
        buf_init(&call->out, NULL, API_ANSWER_BYTES); /* taken over */
    return response;
}

static void log_answer(const struct api_call *call)
{
    char status[16], address[CONNECTION_ADDRESS_BYTES];
    const bool change = call->route != NULL && strcmp(call->route->method, "GET") != 0;
    const enum log_level level = change && call->status < 500 ? LOG_INFO : LOG_DEBUG;
    if (!log_enabled(level) || !log_allowed(&refused_lines))
        return;
    snprintf(status, sizeof status, "%u", call->status);
    log_event(level, "an answer of the API", "method", call->method, "path", call->uri, "status",
              status, "user", call->caller.user != NULL ? call->caller.user : "", "client",
              connection_address(call->mhd, address), "request", call->request_id, NULL);
}

static enum MHD_Result queue_answer(struct api_call *call)
{
    log_answer(call);
    metrics_api_request(call->route != NULL ? call->route->id : "none", (int)call->status,
                        call->complete_us > 0 ? clock_monotonic_us() - call->complete_us : 0);
    const bool flows = call->flow != NULL;
    struct MHD_Response *response = make_response(call);
    if (response == NULL)
        return MHD_NO;
    add_headers(call, response);
    const enum MHD_Result result = MHD_queue_response(call->mhd, call->status, response);
    MHD_destroy_response(response);
    if (flows)
        free_input(call); /* it may be sent for hours */
    return result;
}

/* ---- A worker's part -------------------------------------------------------------------- */

static void answer(void *context)
{
    struct api_call *call = context;
    if (!(call->route->flags & API_PUBLIC) && !api_caller_find(call))
        return;
    if (!api_input_read(call) || !api_caller_authorize(call))
        return;
    call->status = (unsigned)call->route->status;
    call->route->handler(call);
}

static void answer_call(struct api_call *call)
{
    struct arena *before = arena_use(&call->arena);
    if (!arena_try(&call->arena, answer, call)) {
        if (call->flow != NULL)
            api_flow_end(call->flow, true);
        else
            api_problem(call, 422, "LimitPassed", "This is more than one request may need.");
    }
    arena_use(before);
}

static void run_call(struct api_job *job, struct arena *scratch)
{
    struct api_call *call = (struct api_call *)(void *)job;
    call->scratch = scratch;
    answer_call(call);
    struct api *api = call->api;
    struct MHD_Connection *mhd = call->mhd;
    connection_set_working(connection_of(mhd), false);
    call->state = API_DONE;
    MHD_resume_connection(mhd); /* from here on the call is MHD's again */
    api_release(api);
}

static enum MHD_Result finish_request(struct api_call *call)
{
    struct api *api = call->api;
    call->complete_us = clock_monotonic_us();
    if (!call->refused && !api_reserve(api, true))
        drop_body(call, 503, "Busy", "Too many requests at once; try again in a moment.");
    if (call->refused) {
        call->state = API_DONE;
        return queue_answer(call);
    }
    call->state = API_WORKING;
    call->job.run = run_call;
    connection_set_working(connection_of(call->mhd), true);
    MHD_suspend_connection(call->mhd);
    api_submit(api, &call->job);
    return MHD_YES;
}

enum MHD_Result api_call_handle(void *cls, struct MHD_Connection *mhd, const char *path,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **context)
{
    struct api_call *call = *context;
    (void)cls;
    (void)mhd;
    (void)path;
    (void)version;
    if (call == NULL)
        return MHD_NO;
    if (!call->head_seen) {
        read_head(call, method);
        /* Too much to read and drop: the answer comes at once, and MHD closes after it. */
        if (!call->refused || call->expected <= DRAIN_BYTES)
            return MHD_YES;
        call->state = API_DONE;
        return queue_answer(call);
    }
    if (*upload_size > 0) {
        const size_t count = *upload_size;
        *upload_size = 0;
        return take_body(call, upload, count) ? MHD_YES : MHD_NO;
    }
    if (call->state == API_READING)
        return finish_request(call);
    return call->state == API_DONE ? queue_answer(call) : MHD_YES;
}
