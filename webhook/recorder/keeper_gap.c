#include "base/log.h"
#include "recorder/keeper_internal.h"
#include "recorder/metrics.h"

#include <stdio.h>

static void open_gap(struct keeper *keeper, enum keeper_resource resource, const char *reason,
                     int64_t from)
{
    struct keeper_gap *gap = &keeper->gaps[resource];
    if (gap->open && gap->to == 0)
        return;
    if (gap->open)
        gap->to = 0; /* the one before is not even written: they are one */
    else
        gap->from = from;
    gap->open = true;
    snprintf(gap->reason, sizeof gap->reason, "%s", reason);
    keeper_gap_write(keeper);
}

static void close_gap(struct keeper *keeper, enum keeper_resource resource)
{
    struct keeper_gap *gap = &keeper->gaps[resource];
    if (!gap->open)
        return;
    gap->to = keeper->now > gap->from ? keeper->now : gap->from;
    keeper_gap_write(keeper);
}

static int write_gap(struct keeper *keeper, enum keeper_resource resource, struct err *reterr)
{
    struct keeper_gap *gap = &keeper->gaps[resource];
    struct store *store = keeper->options.store;
    const char *name = keeper_resource_name(resource);
    int code = 0;
    if (gap->open && !gap->written)
        code = store_gap_open(store, name, gap->reason, gap->from, reterr);
    if (code < 0)
        return code;
    gap->written = gap->open;
    if (gap->open && gap->to != 0)
        code = store_gap_close(store, name, gap->to, reterr);
    if (code < 0 || gap->to == 0)
        return code;
    gap->open = gap->written = false;
    gap->to = 0;
    return 0;
}

void keeper_gap_write(struct keeper *keeper)
{
    static struct log_limit limit;
    struct err err;
    for (int i = 0; keeper->leads && keeper->begun && i < KEEPER_RESOURCES; i++) {
        if (write_gap(keeper, (enum keeper_resource)i, &err) < 0 && log_allowed(&limit))
            log_event(LOG_ERROR, "a gap is not written down, and tried again", "error", err.text,
                      NULL);
    }
}

void keeper_gap_begin(struct keeper *keeper)
{
    struct err err;
    for (int i = 0; i < KEEPER_RESOURCES; i++) {
        keeper->gaps[i].written = false;
        if (store_gap_close(keeper->options.store, keeper_resource_name((enum keeper_resource)i),
                            keeper->now, &err) < 0)
            log_event(LOG_ERROR, "a gap is not closed", "error", err.text, NULL);
    }
}

void keeper_gap_note(struct keeper *keeper, const struct keeper_news *news)
{
    const enum keeper_resource resource = news->resource;
    struct keeper_gap *gap = &keeper->gaps[resource];
    const char *name = keeper_resource_name(resource);
    if (news->event == WATCH_LOST) {
        const char *why = json_get_string(news->object, "message");
        log_event(LOG_WARN, "a watch has lost its connection", "resource", name, "error",
                  why != NULL ? why : "", NULL);
        metrics_add(METRICS_GAPS, 1);
        metrics_add(METRICS_GAPS_OPEN, gap->lost ? 0 : 1);
        gap->lost = true;
        open_gap(keeper, resource, why != NULL ? why : "no connection", keeper->now);
    } else if (news->event == WATCH_LIST_BEGINS && news->gap) {
        log_event(LOG_WARN, "listed again: versions may have been missed", "resource", name, NULL);
        open_gap(keeper, resource, "versions had expired: listed again",
                 gap->heard_at != 0 ? gap->heard_at : keeper->now);
    } else if (news->event == WATCH_CONNECTED || (news->event == WATCH_LIST_ENDS && !gap->lost)) {
        metrics_add(METRICS_GAPS_OPEN, gap->lost ? -1 : 0);
        gap->lost = false;
        close_gap(keeper, resource);
    }
    gap->heard_at = keeper->now;
}
