#include "net/intake.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/listen.h"
#include "net/metrics.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MESSAGE_RUNES_MAX 300

static struct log_limit refused_lines;
static pthread_key_t arena_key;

static void free_arena(void *memory)
{
    arena_done(memory);
    free(memory);
}

struct arena *intake_arena(void)
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

enum MHD_Result intake_queue(struct MHD_Connection *mhd, unsigned status, const char *bytes,
                             size_t length, bool closing)
{
    /* MHD wants a pointer to what may be changed, and does not change it. */
    union {
        const char *given;
        void *wanted;
    } body = {.given = bytes};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, body.wanted, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    if (closing)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result intake_queue_error(struct MHD_Connection *mhd, int code, const char *message,
                                   bool closing)
{
    struct buf visible, body;
    buf_init(&visible, NULL, 4096);
    buf_init(&body, NULL, 8192);
    buf_add_visible(&visible, message != NULL ? message : err_text(code), MESSAGE_RUNES_MAX);
    buf_printf(&body, "{\"error\":\"%s\",\"message\":", err_label(code));
    buf_add_json_string(&body, visible.data);
    buf_add_string(&body, "}\n");
    enum MHD_Result result =
        intake_queue(mhd, (unsigned)err_http_status(code), body.data, body.length, closing);
    buf_done(&visible);
    buf_done(&body);
    return result;
}

void intake_log_refusal(struct MHD_Connection *mhd, const char *path, int code, const char *message)
{
    if (!log_allowed(&refused_lines))
        return;
    char address[CONNECTION_ADDRESS_BYTES];
    log_event(LOG_WARN, "a request was refused", "error", err_label(code), "detail",
              message != NULL ? message : err_text(code), "path", path, "client",
              connection_address(mhd, address), NULL);
}

bool intake_is_json(struct MHD_Connection *mhd)
{
    static const char json[] = "application/json";
    const size_t length = sizeof json - 1;
    const char *type =
        MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
    return type != NULL && strncasecmp(type, json, length) == 0 &&
           (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
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
    const struct intake *intake = cls;
    const struct intake_options *options = &intake->options;
    struct exchange *exchange = *context;
    if (exchange == NULL)
        return MHD_NO;
    if (!exchange->head_seen) {
        exchange->head_seen = true;
        exchange->expected = content_length(mhd);
        exchange->error = options->judge_head(options->context, mhd, path, method, exchange);
        /* Too much to read and drop: the answer comes at once, and MHD closes after it. */
        if (exchange->expected <= EXCHANGE_DRAIN_BYTES)
            return MHD_YES;
        exchange->answered = true;
        return options->refuse(options->context, mhd, path,
                               exchange->error != 0 ? exchange->error : ERR_TOO_LARGE);
    }
    if (*upload_size > 0) {
        size_t count = *upload_size;
        *upload_size = 0;
        return exchange_take(exchange, upload, count, options->body_max) ? MHD_YES : MHD_NO;
    }
    if (exchange->answered)
        return MHD_YES;
    connection_set_working(connection_of(mhd), true);
    enum MHD_Result result = options->finish(options->context, mhd, path, exchange);
    if (exchange->work == NULL) /* else whoever resumes it says so */
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
    const struct intake *intake = cls;
    struct exchange *exchange = *context;
    if (exchange == NULL)
        return;
    metric_add(METRIC_IN_FLIGHT, -1);
    if (exchange->work != NULL)
        intake->options.drop(intake->options.context, exchange);
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

unsigned intake_thread_count(long threads)
{
    if (threads > 0)
        return (unsigned)threads;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 2 : processors > 8 ? 8 : (unsigned)processors;
}

/* One key for all intakes of the process: a worker is of one. */
static pthread_once_t arena_once = PTHREAD_ONCE_INIT;
static bool arena_key_made;

static void make_arena_key(void)
{
    arena_key_made = pthread_key_create(&arena_key, free_arena) == 0;
}

static struct MHD_Daemon *start_daemon(struct intake *intake, int fd)
{
    const struct intake_options *options = &intake->options;
    const unsigned threads = intake_thread_count(options->threads);
    unsigned connections = (unsigned)options->connections;
    if (connections < threads)
        connections = threads;
    return MHD_start_daemon(
        INTAKE_MHD_FLAGS, 0, NULL, NULL, handle, intake, MHD_OPTION_EXTERNAL_LOGGER, log_library,
        NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)INTAKE_STACK_BYTES, MHD_OPTION_HTTPS_PRIORITIES,
        TLS_PRIORITIES, MHD_OPTION_HTTPS_CERT_CALLBACK, tls_retrieve, MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)INTAKE_CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)INTAKE_INCREMENT_BYTES,
        MHD_OPTION_NOTIFY_CONNECTION, notify, &intake->keeper, MHD_OPTION_NOTIFY_COMPLETED,
        completed, intake, MHD_OPTION_URI_LOG_CALLBACK, begin, NULL, MHD_OPTION_END);
}

int intake_start(struct intake *intake, const struct intake_options *options, struct err *reterr)
{
    int fd;
    int r = listen_open(options->listen, &fd, &intake->port, reterr);
    if (r != 0)
        return r;
    intake->options = *options;
    r = connection_keeper_start(&intake->keeper, options->request_us, options->idle_us,
                                options->counted, reterr);
    if (r == 0 && (pthread_once(&arena_once, make_arena_key) != 0 || !arena_key_made))
        r = err_set(reterr, ERR_NO_MEMORY, "no key for the workers' arenas");
    if (r != 0) {
        close(fd);
        return r;
    }
    intake->daemon = start_daemon(intake, fd);
    if (intake->daemon == NULL) {
        close(fd);
        return err_set(reterr, ERR_IO,
                       "libmicrohttpd cannot serve on %s; --log-level debug says why",
                       options->listen);
    }
    return 0;
}

void intake_stop(struct intake *intake)
{
    connection_keeper_stop(&intake->keeper);
    if (intake->daemon != NULL)
        MHD_stop_daemon(intake->daemon);
    intake->daemon = NULL;
}
