#include "recorder/api_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/listen.h"
#include "net/tls.h"
#include "recorder/metrics.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Heads come and go through it; a token may have some KiB. */
#define CONNECTION_MEMORY_BYTES (64UL * 1024UL)
#define THREAD_STACK_BYTES      (512UL * 1024UL)
#define WORKERS_DEFAULT         8
#define IO_THREADS              2U
#define QUEUE_MAX               512U
#define BODY_DEFAULT            (1024L * 1024L)
#define BODIES_MAX              (64UL * 1024UL * 1024UL)
#define DRAIN_BYTES             (16UL * 1024UL * 1024UL)
#define HEADER_BYTES            (32UL * 1024UL)
#define REQUEST_DEFAULT_US      (30LL * 1000 * 1000)
#define RECHECK_DEFAULT_US      (20LL * 1000 * 1000)
/* At the end, for who is still reading. */
#define SEND_US (3LL * 1000 * 1000)
#define IDLE_US (120LL * 1000 * 1000)

static struct log_limit refused_lines;

/* ---- The queue -------------------------------------------------------------------------- */

void api_submit(struct api *api, struct api_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&api->lock);
    *api->last_job = job;
    api->last_job = &job->next;
    api->queued++;
    pthread_cond_signal(&api->work);
    pthread_mutex_unlock(&api->lock);
}

/* Under the lock; NULL: it is over. */
static struct api_job *take_job(struct api *api)
{
    while (api->first_job == NULL && !api->stop)
        pthread_cond_wait(&api->work, &api->lock);
    struct api_job *job = api->first_job;
    if (job == NULL)
        return NULL;
    api->first_job = job->next;
    if (api->first_job == NULL)
        api->last_job = &api->first_job;
    api->queued--;
    return job;
}

static void *run_worker(void *context)
{
    struct api *api = context;
    struct arena scratch;
    arena_init(&scratch, API_SCRATCH_BYTES);
    pthread_mutex_lock(&api->lock);
    for (struct api_job *job; (job = take_job(api)) != NULL;) {
        pthread_mutex_unlock(&api->lock);
        job->run(job, &scratch);
        scratch.recovery = NULL; /* a call's own arena may have jumped over it */
        arena_reset(&scratch, 256UL * 1024UL);
        pthread_mutex_lock(&api->lock);
    }
    pthread_mutex_unlock(&api->lock);
    arena_done(&scratch);
    return NULL;
}

bool api_reserve(struct api *api, bool bounded)
{
    pthread_mutex_lock(&api->lock);
    const bool fine = !api->draining && (!bounded || api->queued < QUEUE_MAX);
    api->reserved += fine;
    pthread_mutex_unlock(&api->lock);
    return fine;
}

void api_release(struct api *api)
{
    pthread_mutex_lock(&api->lock);
    if (--api->reserved == 0)
        pthread_cond_broadcast(&api->idle);
    pthread_mutex_unlock(&api->lock);
}

/* ---- A call's memory -------------------------------------------------------------------- */

static void forget(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void free_call(struct api_call *call)
{
    if (call->flow != NULL)
        api_flow_drop(call->flow);
    if (call->body_capacity > 0)
        atomic_fetch_sub(&call->api->body_bytes, call->body_capacity);
    arena_done(&call->arena);
    buf_done(&call->out);
    forget(call->authorization);
    free(call->uri);
    free(call->accept);
    free(call->content_type);
    free(call->key);
    free(call->if_match);
    free(call->last_event_id);
    free(call->body);
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

/* The first line is here.  What this returns becomes the call. */
static void *begin(void *cls, const char *uri, struct MHD_Connection *mhd)
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

static void completed(void *cls, struct MHD_Connection *mhd, void **context,
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
    struct MHD_Response *response = make_response(call);
    if (response == NULL)
        return MHD_NO;
    add_headers(call, response);
    const enum MHD_Result result = MHD_queue_response(call->mhd, call->status, response);
    MHD_destroy_response(response);
    return result;
}

static void run_call(struct api_job *job, struct arena *scratch)
{
    struct api_call *call = (struct api_call *)(void *)job;
    call->scratch = scratch;
    api_answer(call);
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

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *path,
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

void api_answer(struct api_call *call)
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

/* ---- Start and stop --------------------------------------------------------------------- */

static void log_library(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void log_library(void *cls, const char *format, va_list args)
{
    char text[400];
    (void)cls;
    if (!log_enabled(LOG_DEBUG))
        return;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd", "detail", text, NULL);
}

static int start_workers(struct api *api, struct err *reterr)
{
    const size_t count =
        api->options.threads > 0 ? (size_t)api->options.threads : (size_t)WORKERS_DEFAULT;
    pthread_attr_t attributes;
    int r = 0;
    api->workers = calloc(count, sizeof *api->workers);
    if (api->workers == NULL || pthread_attr_init(&attributes) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for the API's workers");
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    while (r == 0 && api->worker_count < count) {
        if (pthread_create(&api->workers[api->worker_count], &attributes, run_worker, api) != 0)
            r = err_set(reterr, ERR_NO_MEMORY, "no thread for the API's workers");
        else
            api->worker_count++;
    }
    pthread_attr_destroy(&attributes);
    return r;
}

static struct MHD_Daemon *start_daemon(struct api *api, unsigned connections)
{
    struct MHD_OptionItem trust[2] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
    if (api->options.client_ca_pem != NULL) {
        /* MHD wants a pointer to what may be changed, and does not change it. */
        union {
            const char *given;
            void *wanted;
        } pem = {.given = api->options.client_ca_pem};
        trust[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, pem.wanted};
    }
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_USE_ERROR_LOG | MHD_USE_ITC |
            MHD_ALLOW_SUSPEND_RESUME,
        0, NULL, NULL, handle, api, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, api->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, IO_THREADS,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_BYTES, MHD_OPTION_HTTPS_PRIORITIES,
        TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve, MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)4096, MHD_OPTION_NOTIFY_CONNECTION,
        connection_notify, &api->keeper, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, begin, api, MHD_OPTION_ARRAY, trust, MHD_OPTION_END);
}

static struct api *new_api(const struct api_options *options)
{
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL)
        return NULL;
    api->options = *options;
    api->listen_fd = -1;
    api->last_job = &api->first_job;
    if (api->options.body_bytes <= 0)
        api->options.body_bytes = BODY_DEFAULT;
    if (api->options.request_us <= 0)
        api->options.request_us = REQUEST_DEFAULT_US;
    if (api->options.recheck_us <= 0)
        api->options.recheck_us = RECHECK_DEFAULT_US;
    pthread_mutex_init(&api->lock, NULL);
    pthread_mutex_init(&api->image_lock, NULL);
    pthread_cond_init(&api->work, NULL);
    pthread_cond_init(&api->idle, NULL);
    return api;
}

int api_start(const struct api_options *options, struct api **ret_api, unsigned *ret_port,
              struct err *reterr)
{
    struct api *api = new_api(options);
    const unsigned connections =
        options->connections >= (long)IO_THREADS ? (unsigned)options->connections : 1000U;
    if (api == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for the API");
    api->openapi = api_openapi_write();
    int r = api->openapi != NULL ? 0 : err_set(reterr, ERR_INTERNAL, "the API's document is wrong");
    if (r == 0)
        r = listen_open(options->listen, &api->listen_fd, ret_port, reterr);
    if (r == 0)
        r = connection_keeper_start(&api->keeper, api->options.request_us, IDLE_US, false, reterr);
    if (r == 0)
        r = start_workers(api, reterr);
    if (r == 0)
        r = api_hub_start(api, reterr);
    if (r == 0 && (api->daemon = start_daemon(api, connections)) == NULL)
        r = err_set(reterr, ERR_IO,
                    "libmicrohttpd cannot serve the API on %s; --log-level debug says why",
                    options->listen);
    if (r != 0) {
        api_stop(api);
        return r;
    }
    *ret_api = api;
    return 0;
}

void api_pulse(struct api *api, int64_t project)
{
    if (api != NULL)
        api_hub_pulse(api, project);
}

/* What was taken on is answered and sent, nothing sleeps any more: only then may MHD stop. */
static void drain(struct api *api)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    pthread_mutex_lock(&api->lock);
    atomic_store(&api->draining, true);
    pthread_mutex_unlock(&api->lock);
    if (api->daemon != NULL)
        MHD_quiesce_daemon(api->daemon);
    api_hub_stop(api); /* streams hold no place: they are woken one by one */
    pthread_mutex_lock(&api->lock);
    while (api->reserved > 0)
        pthread_cond_wait(&api->idle, &api->lock);
    pthread_mutex_unlock(&api->lock);
    const int64_t until = clock_monotonic_us() + SEND_US;
    while (atomic_load(&api->calls) > 0 && clock_monotonic_us() < until)
        nanosleep(&moment, NULL);
}

void api_stop(struct api *api)
{
    if (api == NULL)
        return;
    drain(api);
    if (api->daemon != NULL)
        MHD_stop_daemon(api->daemon);
    pthread_mutex_lock(&api->lock);
    api->stop = true;
    pthread_cond_broadcast(&api->work);
    pthread_mutex_unlock(&api->lock);
    for (size_t i = 0; i < api->worker_count; i++)
        pthread_join(api->workers[i], NULL);
    connection_keeper_stop(&api->keeper);
    api_hub_free(api);
    if (api->listen_fd >= 0)
        close(api->listen_fd);
    for (size_t i = 0; i < API_IMAGE_SLOTS; i++) {
        free(api->images[i].sha);
        free(api->images[i].first);
        free(api->images[i].list);
    }
    pthread_mutex_destroy(&api->lock);
    pthread_mutex_destroy(&api->image_lock);
    pthread_cond_destroy(&api->work);
    pthread_cond_destroy(&api->idle);
    free(api->workers);
    free(api->openapi);
    free(api);
}
