/* The keeper's queue: news from many threads for one, in the order in which they came.
 *
 * News own an arena with all that they point to.  Watches wait while the queue is full, so that
 * what the API server tells faster than the database writes waits there; nobody else ever waits.
 */
#ifndef PROCTOR_RECORDER_KEEPER_QUEUE_H
#define PROCTOR_RECORDER_KEEPER_QUEUE_H

#include "client/watch.h"
#include "history/cache.h"
#include "history/machine.h"

#include <pthread.h>

enum keeper_resource {
    KEEPER_DEPLOYMENTS = CACHE_DEPLOYMENTS,
    KEEPER_SETS = CACHE_SETS,
    KEEPER_PODS = CACHE_PODS,
    KEEPER_EVENTS = CACHE_KINDS, /* those of Kubernetes: evidence only */
    KEEPER_RESOURCES
};

enum keeper_news_kind { KEEPER_NEWS_WATCH, KEEPER_NEWS_INTENT, KEEPER_NEWS_MARK };

struct keeper_news {
    struct keeper_news *next;
    enum keeper_news_kind kind;
    struct arena arena;

    enum keeper_resource resource;
    enum watch_event event;
    const cJSON *object;
    bool gap;
    unsigned run; /* of the watch: it may be begun anew */

    const char *name; /* of the project */
    struct machine_intent intent;

    int64_t project, seq;
    enum revision_good good;
    const char *by;
};

struct keeper_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct keeper_news *first, **last;
    size_t bytes;
    bool closed;
};

/* Of watches; an arena has at least 64 KiB. */
#define KEEPER_QUEUE_BYTES (64UL * 1024UL * 1024UL)

NODISCARD int keeper_queue_init(struct keeper_queue *queue, struct err *reterr);
void keeper_queue_done(struct keeper_queue *queue);

/* Empty news with an arena; NULL: no memory. */
struct keeper_news *keeper_news_new(enum keeper_news_kind kind);
void keeper_news_free(struct keeper_news *news); /* NULL is fine */

/* Takes the news over.  `waits`: until there is room, or the queue is closed. */
void keeper_queue_push(struct keeper_queue *queue, struct keeper_news *news, bool waits);

/* The oldest news, the caller's; NULL: none came within timeout_us. */
struct keeper_news *keeper_queue_pop(struct keeper_queue *queue, int64_t timeout_us);

/* Of this moment: others push. */
bool keeper_queue_is_empty(struct keeper_queue *queue);

/* Nobody who pushes waits any more. */
void keeper_queue_close(struct keeper_queue *queue);

#endif
