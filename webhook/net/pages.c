#include "net/pages.h"

#include "base/clock.h"
#include "base/version.h"
#include "net/intake.h"
#include "net/listen.h"
#include "net/live.h"
#include "net/tls.h"

#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 128U
#define REQUEST_US      (10LL * 1000 * 1000)
#define IDLE_US         (120LL * 1000 * 1000)
#define PAGE_BYTES_MAX  (4UL * 1024UL * 1024UL)

void pages_add_time(struct buf *text, const char *key, int64_t unix_seconds)
{
    char written[CLOCK_TEXT_BYTES];
    buf_printf(text, ",\"%s\":", key);
    if (unix_seconds == 0)
        buf_add_string(text, "null");
    else
        buf_add_json_string(text, clock_format_seconds(unix_seconds, written));
}

static void add_status(struct buf *page, const char *key, enum live_part part)
{
    struct live_status status = live_status_get(part);
    buf_printf(page, ",\"%s\":{\"ok\":%s", key, status.ok ? "true" : "false");
    pages_add_time(page, "at", status.at);
    if (!status.ok) {
        buf_add_string(page, ",\"error\":");
        buf_add_json_string(page, status.error);
    }
    buf_add_char(page, '}');
}

void pages_add_served(struct buf *text)
{
    struct live *live = live_ref();
    int64_t expires_at = tls_expires_at();
    char fingerprint[65];
    tls_fingerprint(fingerprint);
    if (live != NULL)
        buf_printf(
            text,
            ",\"mode\":\"%s\",\"digest\":\"%s\",\"policies\":%zu,\"rules\":%zu,\"exceptions\":%zu",
            policy_mode_names[live->set->mode], live->set->digest, live->set->policy_count,
            live->set->rule_count, live->set->exception_count);
    live_unref(live);
    pages_add_time(text, "certificateExpires", expires_at);
    buf_printf(text, ",\"certificateExpired\":%s,\"certificate\":\"%s\"",
               clock_unix() > expires_at ? "true" : "false", fingerprint);
    add_status(text, "policyReload", LIVE_POLICIES);
    add_status(text, "certificateReload", LIVE_CERTIFICATE);
}

void pages_add_metrics(struct buf *text, void (*write)(struct buf *text, const char *digest,
                                                       const char *mode, const char *version))
{
    struct live *live = live_ref();
    metric_set(METRIC_CERT_EXPIRY, tls_expires_at());
    write(text, live != NULL ? live->set->digest : "",
          live != NULL ? policy_mode_names[live->set->mode] : "", PROCTOR_VERSION);
    live_unref(live);
}

unsigned pages_write_health(void *context, struct buf *text)
{
    (void)context;
    buf_add_string(text, "ok\n");
    return MHD_HTTP_OK;
}

static enum MHD_Result queue_page(void *context, struct MHD_Connection *mhd,
                                  const struct page *page)
{
    struct buf text;
    buf_init(&text, NULL, PAGE_BYTES_MAX);
    unsigned status = page->write(context, &text);
    struct MHD_Response *response =
        text.failed
            ? NULL
            : MHD_create_response_from_buffer(text.length, text.data, MHD_RESPMEM_MUST_COPY);
    buf_done(&text);
    if (response == NULL)
        return intake_queue_error(mhd, ERR_NO_MEMORY, NULL, false);
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
    const struct pages *pages = cls;
    const struct page *page = pages->table;
    while (page->path != NULL && strcmp(path, page->path) != 0)
        page++;
    if (page->path == NULL)
        return intake_queue_error(mhd, ERR_PATH, "only /metrics, /healthz and /readyz are here",
                                  false);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return intake_queue_error(mhd, ERR_METHOD, "only GET and HEAD are answered here", false);
    return queue_page(pages->context, mhd, page);
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

int pages_start(struct pages *pages, const char *listen, struct err *reterr)
{
    int fd;
    int r = listen_open(listen, &fd, &pages->port, reterr);
    if (r != 0)
        return r;
    r = connection_keeper_start(&pages->keeper, REQUEST_US, IDLE_US, false, reterr);
    if (r != 0) {
        close(fd);
        return r;
    }
    pages->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, handle, pages,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192,
                         MHD_OPTION_NOTIFY_CONNECTION, connection_notify, &pages->keeper,
                         MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (pages->daemon == NULL) {
        close(fd);
        return err_set(reterr, ERR_IO, "libmicrohttpd cannot serve on %s", listen);
    }
    return 0;
}

void pages_stop(struct pages *pages)
{
    connection_keeper_stop(&pages->keeper);
    if (pages->daemon != NULL)
        MHD_stop_daemon(pages->daemon);
    pages->daemon = NULL;
}
