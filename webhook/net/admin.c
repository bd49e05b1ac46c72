/* /metrics, /healthz and /readyz, in the clear: for Prometheus and the kubelet. */
#include "base/clock.h"
#include "net/live.h"
#include "net/server.h"
#include "net/tls.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 128U
#define REQUEST_US      (10LL * 1000 * 1000)
#define IDLE_US         (120LL * 1000 * 1000)
#define PAGE_BYTES_MAX  (4UL * 1024UL * 1024UL)

static void add_time(struct buf *page, const char *key, int64_t at)
{
    char text[CLOCK_TEXT_BYTES];
    buf_printf(page, ",\"%s\":", key);
    if (at == 0)
        buf_add_string(page, "null");
    else
        buf_add_json_string(page, clock_format_seconds(at, text));
}

static void add_status(struct buf *page, const char *key, enum live_part part)
{
    struct live_status status = live_status_get(part);
    buf_printf(page, ",\"%s\":{\"ok\":%s", key, status.ok ? "true" : "false");
    add_time(page, "at", status.at);
    if (!status.ok) {
        buf_add_string(page, ",\"error\":");
        buf_add_json_string(page, status.error);
    }
    buf_add_char(page, '}');
}

static unsigned write_ready(struct server *server, struct buf *page)
{
    struct live *live = live_ref();
    bool draining = atomic_load(&server->draining);
    bool ready = live != NULL && !draining;
    int64_t expires_at = tls_expires_at();
    char fingerprint[65];
    tls_fingerprint(fingerprint);
    buf_printf(page, "{\"ready\":%s,\"draining\":%s", ready ? "true" : "false",
               draining ? "true" : "false");
    if (live != NULL)
        buf_printf(
            page,
            ",\"mode\":\"%s\",\"digest\":\"%s\",\"policies\":%zu,\"rules\":%zu,\"exceptions\":%zu",
            policy_mode_names[live->set->mode], live->set->digest, live->set->policy_count,
            live->set->rule_count, live->set->exception_count);
    add_time(page, "certificateExpires", expires_at);
    buf_printf(page, ",\"certificateExpired\":%s,\"certificate\":\"%s\"",
               clock_unix() > expires_at ? "true" : "false", fingerprint);
    add_status(page, "policyReload", LIVE_POLICIES);
    add_status(page, "certificateReload", LIVE_CERTIFICATE);
    buf_add_string(page, "}\n");
    live_unref(live);
    return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_metrics(struct server *server, struct buf *page)
{
    struct live *live = live_ref();
    metric_set(METRIC_CERT_EXPIRY, tls_expires_at());
    metric_set(METRIC_DRAINING, atomic_load(&server->draining));
    metric_write(page, live != NULL ? live->set->digest : "",
                 live != NULL ? policy_mode_names[live->set->mode] : "", PROCTOR_VERSION);
    live_unref(live);
    return MHD_HTTP_OK;
}

static unsigned write_health(struct server *server, struct buf *page)
{
    (void)server;
    buf_add_string(page, "ok\n");
    return MHD_HTTP_OK;
}

static const struct page {
    const char *path;
    const char *type;
    unsigned (*write)(struct server *server, struct buf *page);
} pages[] = {
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", write_metrics},
    {"/healthz", "text/plain; charset=utf-8", write_health},
    {"/readyz", "application/json", write_ready},
};

static enum MHD_Result queue_page(struct server *server, struct MHD_Connection *mhd,
                                  const struct page *page)
{
    struct buf text;
    buf_init(&text, NULL, PAGE_BYTES_MAX);
    unsigned status = page->write(server, &text);
    struct MHD_Response *response =
        text.failed
            ? NULL
            : MHD_create_response_from_buffer(text.length, text.data, MHD_RESPMEM_MUST_COPY);
    buf_done(&text);
    if (response == NULL)
        return http_queue_error(mhd, ERR_NO_MEMORY, NULL);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *mhd, const char *path,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **context)
{
    (void)version;
    (void)upload;
    struct connection *connection = connection_of(mhd);
    if (*context == NULL) {
        if (connection == NULL)
            return MHD_NO;
        *context = connection;
        connection_set_busy(connection);
        return MHD_YES;
    }
    if (*upload_size > 0) { /* nothing here takes a body */
        *upload_size = 0;
        return MHD_YES;
    }
    const struct page *page = NULL;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(path, pages[i].path) == 0)
            page = &pages[i];
    }
    if (page == NULL)
        return http_queue_error(mhd, ERR_PATH, "only /metrics, /healthz and /readyz are here");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return http_queue_error(mhd, ERR_METHOD, "only GET and HEAD are answered here");
    return queue_page(cls, mhd, page);
}

static void completed(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)code;
    struct connection *connection = connection_of(mhd);
    if (connection != NULL)
        connection_set_idle(connection);
    *context = NULL;
}

int admin_start(struct server *server, struct err *reterr)
{
    const char *address = server->config->metrics_listen.text;
    int fd;
    int r = listen_open(address, &fd, &server->admin_port, reterr);
    if (r == 0)
        r = connection_keeper_start(&server->admin_keeper, REQUEST_US, IDLE_US, false, reterr);
    if (r != 0)
        return r;
    server->admin =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, handle, server,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
                         MHD_OPTION_NOTIFY_CONNECTION, connection_notify, &server->admin_keeper,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (server->admin == NULL) {
        close(fd);
        return err_set(reterr, ERR_IO, "libmicrohttpd cannot serve on %s", address);
    }
    return 0;
}

void admin_stop(struct server *server)
{
    if (server->admin != NULL)
        MHD_stop_daemon(server->admin);
    server->admin = NULL;
    connection_keeper_stop(&server->admin_keeper);
}
