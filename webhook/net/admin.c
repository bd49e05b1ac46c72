/* /metrics, /healthz and /readyz, in the clear: for Prometheus and the kubelet. */
#include "net/live.h"
#include "net/server.h"

static unsigned write_ready(void *context, struct buf *page)
{
    struct server *server = context;
    struct live *live = live_ref();
    bool draining = atomic_load(&server->draining);
    bool ready = live != NULL && !draining;
    live_unref(live);
    buf_printf(page, "{\"ready\":%s,\"draining\":%s", ready ? "true" : "false",
               draining ? "true" : "false");
    pages_add_served(page);
    buf_add_string(page, "}\n");
    return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_metrics(void *context, struct buf *page)
{
    struct server *server = context;
    metric_set(METRIC_DRAINING, atomic_load(&server->draining));
    pages_add_metrics(page, metric_write);
    return MHD_HTTP_OK;
}

static const struct page table[] = {
    {"/metrics", PAGES_METRICS_TYPE, write_metrics},
    {"/healthz", "text/plain; charset=utf-8", pages_write_health},
    {"/readyz", "application/json", write_ready},
    {.path = NULL},
};

int admin_start(struct server *server, struct err *reterr)
{
    server->admin.table = table;
    server->admin.context = server;
    return pages_start(&server->admin, server->config->metrics_listen.text, reterr);
}

void admin_stop(struct server *server)
{
    pages_stop(&server->admin);
}
