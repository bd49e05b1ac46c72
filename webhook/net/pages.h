/* Pages in the clear, for Prometheus and the kubelet: a table of paths, each written anew. */
#ifndef PROCTOR_NET_PAGES_H
#define PROCTOR_NET_PAGES_H

#include "base/buf.h"
#include "net/connection.h"

struct page {
    const char *path, *type;
    /* Appends the page and returns its HTTP status. */
    unsigned (*write)(void *context, struct buf *text);
};

struct pages {
    const struct page *table; /* ends with a path that is NULL */
    void *context;
    struct connection_keeper keeper;
    struct MHD_Daemon *daemon;
    unsigned port; /* where they really are */
};

/* table and context are set.  ERR_IO if the address cannot be had. */
NODISCARD int pages_start(struct pages *pages, const char *listen, struct err *reterr);
void pages_stop(struct pages *pages);

/* Appends ,"key":TIME to a JSON object, null for 0. */
void pages_add_time(struct buf *text, const char *key, int64_t unix_seconds);

#define PAGES_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends a page of metrics, written with what serves. */
void pages_add_metrics(struct buf *text, void (*write)(struct buf *text, const char *digest,
                                                       const char *mode, const char *version));

/* For /healthz: the process answers. */
unsigned pages_write_health(void *context, struct buf *text);

/* Appends what serves to the object: policy set, certificate, and how the last loads went. */
void pages_add_served(struct buf *text);

#endif
