#include "recorder/status.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/live.h"
#include "net/pages.h"
#include "net/tls.h"
#include "recorder/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_SECONDS    1
#define SILENT_US       5000000
#define FIGURES_SECONDS 15

struct status {
    struct status_options options;
    struct pages pages;
    atomic_bool draining;
    pthread_t looker;
    bool looking;
    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stop;
    bool store_ok; /* as of the last look; "" and false before the first */
    char store_error[512];
    int64_t looked_us; /* monotonic: when it ended */
};

/* ---- The database -------------------------------------------------------------------------- */

/* Its words in the log when they change. */
static void take_look(struct status *status)
{
    struct err err = {.text = ""};
    const bool ok = store_check(status->options.store, &err) == 0;
    metrics_set(METRICS_STORE_OK, ok);
    pthread_mutex_lock(&status->lock);
    const bool news = ok != status->store_ok || strcmp(err.text, status->store_error) != 0;
    status->store_ok = ok;
    status->looked_us = clock_monotonic_us();
    snprintf(status->store_error, sizeof status->store_error, "%s", ok ? "" : err.text);
    pthread_mutex_unlock(&status->lock);
    if (!news)
        return;
    if (ok)
        log_event(LOG_INFO, "the database can be used", NULL);
    else
        log_event(LOG_ERROR, "the database cannot be used", "error", err.text, "consequence",
                  "changes are let through, and are lost if this lasts", NULL);
}

static void count_figures(struct store *store)
{
    struct store_figures figures;
    struct err err;
    if (store_figures(store, &figures, &err) != 0)
        return;
    metrics_set(METRICS_REVISIONS, figures.revisions);
    metrics_set(METRICS_PROJECTS, figures.projects);
    metrics_set(METRICS_INTENTS_OPEN, figures.intents_open);
    metrics_set(METRICS_OUTBOX, figures.outbox);
    metrics_set(METRICS_DATABASE_BYTES, figures.size_bytes);
}

static bool wait_a_while(struct status *status)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOK_SECONDS;
    pthread_mutex_lock(&status->lock);
    if (!status->stop)
        pthread_cond_timedwait(&status->stopping, &status->lock, &until);
    const bool stop = status->stop;
    pthread_mutex_unlock(&status->lock);
    return !stop;
}

static void *look(void *context)
{
    struct status *status = context;
    unsigned round = 0;
    do {
        take_look(status);
        if (round++ % FIGURES_SECONDS == 0)
            count_figures(status->options.store);
    } while (wait_a_while(status));
    return NULL;
}

/* ---- The pages ----------------------------------------------------------------------------- */

static bool is_served(void)
{
    struct live *live = live_ref();
    const bool served = live != NULL && tls_expires_at() != 0;
    live_unref(live);
    return served;
}

static void add_flag(struct buf *text, const char *key, bool value)
{
    buf_printf(text, "\"%s\":%s", key, value ? "true" : "false");
}

/* Why the database cannot be used, NULL: it can.  Under the lock. */
static const char *store_fault(const struct status *status)
{
    if (status->looked_us == 0)
        return "it was not asked yet";
    if (clock_monotonic_us() - status->looked_us > SILENT_US)
        return "it does not answer";
    return status->store_ok ? NULL : status->store_error;
}

static unsigned write_ready(void *context, struct buf *text)
{
    struct status *status = context;
    const char *why = NULL;
    const bool in_sync = keeper_in_sync(status->options.keeper, &why);
    const bool leads = store_leads(status->options.store);
    const bool draining = atomic_load(&status->draining);
    pthread_mutex_lock(&status->lock);
    const char *fault = store_fault(status);
    const bool follows = status->options.replicas && !leads;
    const bool ready = fault == NULL && is_served() && !draining && (in_sync || follows);
    buf_add_char(text, '{');
    add_flag(text, "ready", ready);
    buf_add_char(text, ',');
    add_flag(text, "draining", draining);
    buf_add_string(text, ",\"database\":{");
    add_flag(text, "ok", fault == NULL);
    if (fault != NULL) {
        buf_add_string(text, ",\"error\":");
        buf_add_json_string(text, fault);
    }
    pthread_mutex_unlock(&status->lock);
    buf_add_string(text, "},\"history\":{");
    add_flag(text, "leads", leads);
    buf_add_char(text, ',');
    add_flag(text, "inSync", in_sync);
    if (!in_sync && why != NULL) {
        buf_add_string(text, ",\"why\":");
        buf_add_json_string(text, why);
    }
    buf_add_char(text, '}');
    pages_add_served(text);
    buf_add_string(text, "}\n");
    return ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static unsigned write_metrics(void *context, struct buf *text)
{
    struct status *status = context;
    const char *why;
    metrics_set(METRICS_LEADS, store_leads(status->options.store));
    metrics_set(METRICS_IN_SYNC, keeper_in_sync(status->options.keeper, &why));
    metric_set(METRIC_DRAINING, atomic_load(&status->draining));
    pages_add_metrics(text, metrics_write);
    return MHD_HTTP_OK;
}

static const struct page table[] = {
    {"/metrics", PAGES_METRICS_TYPE, write_metrics},
    {"/healthz", "text/plain; charset=utf-8", pages_write_health},
    {"/readyz", "application/json", write_ready},
    {.path = NULL},
};

/* ---- Life ---------------------------------------------------------------------------------- */

int status_start(const struct status_options *options, struct status **ret_status,
                 unsigned *ret_port, struct err *reterr)
{
    struct status *status = calloc(1, sizeof *status);
    if (status == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    status->options = *options;
    status->pages = (struct pages){.table = table, .context = status};
    pthread_mutex_init(&status->lock, NULL);
    pthread_cond_init(&status->stopping, NULL);
    int r = 0;
    if (pthread_create(&status->looker, NULL, look, status) != 0)
        r = err_set(reterr, ERR_NO_MEMORY, "no thread to look after the database");
    status->looking = r == 0;
    if (r == 0)
        r = pages_start(&status->pages, options->listen, reterr);
    if (r != 0) {
        status_stop(status);
        return r;
    }
    *ret_port = status->pages.port;
    *ret_status = status;
    return 0;
}

void status_drain(struct status *status)
{
    atomic_store(&status->draining, true);
}

void status_stop(struct status *status)
{
    if (status == NULL)
        return;
    pages_stop(&status->pages);
    pthread_mutex_lock(&status->lock);
    status->stop = true;
    pthread_cond_signal(&status->stopping);
    pthread_mutex_unlock(&status->lock);
    if (status->looking)
        pthread_join(status->looker, NULL);
    pthread_cond_destroy(&status->stopping);
    pthread_mutex_destroy(&status->lock);
    free(status);
}
