/* What the watch's files share: watch.c keeps the connection, watch_read.c reads what comes. */
#ifndef PROCTOR_CLIENT_WATCH_INTERNAL_H
#define PROCTOR_CLIENT_WATCH_INTERNAL_H

#include "base/buf.h"
#include "client/skim.h"
#include "client/watch.h"

#define WATCH_VERSION_BYTES 256

struct watch {
    struct kube_client *client;
    const struct watch_options *options;
    watch_handler *handler;
    void *context;
    struct arena call;  /* of one try */
    struct arena event; /* of one event's object */
    struct buf text;    /* a line so far, or a page; on the heap */
    bool skips;         /* the rest of a line that is too long */
    bool too_large;     /* the page */

    char version[WATCH_VERSION_BYTES]; /* to go on from; "": list first */
    long page_items;                   /* 0: all in one page */
    bool gap;                          /* of the next list */
    const char *list_at;               /* the next list is of that version; NULL: of now */

    bool ended; /* by the handler or the stop flag */
    int ended_by;
    bool was_connected, lost;

    /* Of the stream that runs: */
    bool opened, expired, broken;
    bool moved;     /* a new version was seen */
    bool heard;     /* anything */
    bool silent;    /* for too long, and cut */
    bool goes_well; /* nothing to wait for before the next one */
    struct err why;
    int64_t opened_us, heard_us;

    bool distrusts;    /* the credential: it was not believed */
    unsigned failures; /* in a row: for the back-off */
    unsigned strikes;  /* refusals that time will hardly mend */
    int64_t first_strike_us;
    unsigned stuck; /* streams that broke where the one before had */
};

/* Tells the handler; false: it is over. */
bool watch_tell(struct watch *watch, enum watch_event event, const cJSON *object, bool gap);

/* Pieces of a stream of events: a line each.  False: the stream is to be ended, and expired,
 * broken or ended say why. */
bool watch_take_events(struct watch *watch, const char *bytes, size_t count);

/* A page of a list, in watch->text: tells its items.  *ret_token is where the next page begins,
 * NULL: this was the last; it lives in watch->call.  ERR_ANSWER: no list. */
NODISCARD int watch_take_page(struct watch *watch, bool first, const char **ret_token,
                              struct err *reterr);

/* Whether a Status says that our version is of no use: 410, or one that is ahead of the API
 * server's, as after etcd was restored.  NULL is fine. */
bool watch_is_expired(const cJSON *status);

/* Forgets the text. */
void watch_clear_text(struct watch *watch);

/* {"metadata":{"resourceVersion":version}} in watch->event. */
cJSON *watch_version_object(struct watch *watch);

#endif
