/* What notify's files share. */
#ifndef PROCTOR_RECORDER_NOTIFY_INTERNAL_H
#define PROCTOR_RECORDER_NOTIFY_INTERNAL_H

#include "client/client.h"
#include "client/http.h"
#include "recorder/notify.h"

#include <pthread.h>
#include <stdatomic.h>

enum notify_outcome {
    NOTIFY_DELIVERED,
    NOTIFY_AGAIN,    /* later: the other side refused it, or failed */
    NOTIFY_SILENT,   /* later, and the other letters too: there is nobody */
    NOTIFY_HOPELESS, /* never: it would be refused each time */
};

struct notify_sink {
    struct notify *notify;
    const char *name;
    /* One try; *reterr says why not.  Under arena_try. */
    enum notify_outcome (*deliver)(struct notify_sink *sink, struct arena *arena,
                                   const struct store_letter *letter, struct err *reterr);
    pthread_t thread;
    bool started;
    unsigned wakes;             /* under the lock */
    unsigned failures;          /* since the last one that was delivered */
    int64_t next_us;            /* when it is worth looking again, Unix time */
    struct http *http;          /* the webhook's */
    struct kube_client *client; /* the Events' */
};

#define NOTIFY_SINKS 2

/* The largest body: an event has a message and details. */
#define NOTIFY_BODY_BYTES (32UL * 1024UL * 1024UL)

struct notify {
    struct notify_options options;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool stop;
    struct notify_sink sinks[NOTIFY_SINKS];
    size_t sink_count;
    struct arena arena;         /* the webhook's address */
    struct kube_config address; /* of nobody: no credential */
    const char *path;           /* with its query; not for the log: some hold a secret */
};

/* The pause after so many tries, with at most a fifth of jitter (`random`: any bits). */
int64_t notify_pause_us(int64_t first_us, int64_t tries, uint32_t random);

/* The name of a letter, that no other has, even of a history that was begun anew. */
const char *notify_letter_name(struct arena *arena, const struct store_letter *letter);

/* ---- notify_webhook.c ------------------------------------------------------------------- */

/* Address, CA and keys are checked. */
NODISCARD int notify_webhook_open(struct notify *notify, struct notify_sink *sink,
                                  struct err *reterr);
enum notify_outcome notify_webhook_deliver(struct notify_sink *sink, struct arena *arena,
                                           const struct store_letter *letter, struct err *reterr);

/* "v1=HEX" for each key (a line of `keys`, which is changed), with commas.  ERR_USAGE: there is
 * none, or too many, or one that is too short. */
NODISCARD int notify_sign(struct arena *arena, char *keys, const char *id, int64_t seconds,
                          const char *body, const char **ret_signature, struct err *reterr);

/* ---- notify_events.c -------------------------------------------------------------------- */

NODISCARD int notify_events_open(struct notify *notify, struct notify_sink *sink,
                                 struct err *reterr);
enum notify_outcome notify_events_deliver(struct notify_sink *sink, struct arena *arena,
                                          const struct store_letter *letter, struct err *reterr);

/* The Event of a letter.  `revision` NULL: of none. */
cJSON *notify_events_write(struct arena *arena, const struct store_letter *letter,
                           const struct store_project_row *project,
                           const struct revision *revision);

#endif
