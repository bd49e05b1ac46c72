/* list + watch of one kind in one namespace, for ever: what the API server shows, in its order.
 *
 *     client  --watch_run-->  handler(LIST_BEGINS, LISTED..., LIST_ENDS, CONNECTED,
 *                                     ADDED | MODIFIED | DELETED | BOOKMARK ...)
 *
 * Lists by pages, then watches from that resourceVersion with bookmarks (KEP-956).  A dropped
 * connection goes on from the last version seen.  Listed again, and the handler told that versions
 * may have been missed (gap), is after a 410 (with it an API server that was restarted greets, as
 * its watch cache begins anew); after an API server that has gone back behind what we saw (etcd
 * was restored); and when a stream breaks twice at one place, or is answered 500 twice.  Back-off
 * with jitter up to 30 s; a stream that is silent for longer than bookmarks let it be is cut and
 * taken up again; tokens are read again for each try.
 *
 * An object that base/json refuses (a NUL in an annotation, a line past LIMIT_ANSWER_BYTES) does
 * not stop the watch: the handler is told UNREADABLE, with what is found of its name.
 */
#ifndef PROCTOR_CLIENT_WATCH_H
#define PROCTOR_CLIENT_WATCH_H

#include "client/client.h"

#include <stdatomic.h>

/*      constant, name, object */
#define WATCH_EVENT_TABLE(X)                                                                       \
    /* What is not listed until LIST_ENDS does not exist any more; NULL.  It may come twice: the   \
     * list began again then, and what was listed so far is to be forgotten. */                    \
    X(WATCH_LIST_BEGINS, "LIST_BEGINS")                                                            \
    /* One item of the list, with kind and apiVersion as in other events. */                       \
    X(WATCH_LISTED, "LISTED")                                                                      \
    /* {"metadata":{"resourceVersion"}}: of the whole list, to go on from. */                      \
    X(WATCH_LIST_ENDS, "LIST_ENDS")                                                                \
    X(WATCH_ADDED, "ADDED")                                                                        \
    X(WATCH_MODIFIED, "MODIFIED")                                                                  \
    X(WATCH_DELETED, "DELETED")                                                                    \
    /* It has nothing but kind and resourceVersion: all up to there has been told. */              \
    X(WATCH_BOOKMARK, "BOOKMARK")                                                                  \
    /* {"type":"MODIFIED","message":why,"metadata":{name, namespace, uid, resourceVersion}}: the   \
     * event of that name (or LISTED), of an object that cannot be read; what was not found of its \
     * metadata is absent. */                                                                      \
    X(WATCH_UNREADABLE, "UNREADABLE")                                                              \
    /* From now on changes come as they happen: the first stream, and the first after LOST; NULL.  \
     */                                                                                            \
    X(WATCH_CONNECTED, "CONNECTED")                                                                \
    /* {"message":why}: no connection since now; it goes on by itself. */                          \
    X(WATCH_LOST, "LOST")

#define WATCH_ENUM(constant, name) constant,
enum watch_event { WATCH_EVENT_TABLE(WATCH_ENUM) WATCH_EVENTS };
#undef WATCH_ENUM

struct watch_options {
    const char *path;  /* "/apis/apps/v1/namespaces/x/deployments", query allowed */
    const char *since; /* a resourceVersion to go on from; NULL: list first */
    /* The first list is of this resourceVersion, so that nothing since is missed (Exact, KEP-1904's
     * list semantics; etcd keeps some minutes).  If the API server has it no more, of now, and that
     * is a gap.  NULL: of now. */
    const char *list_at;
    long timeout_seconds;  /* of one stream; 0: 300 */
    long silence_seconds;  /* after which a stream is cut; 0: 150 (bookmarks come each minute) */
    long patience_seconds; /* with errors that time does not mend; 0: 60 */
    atomic_bool *stop;     /* looked at once a second; NULL: none */
};

/* `object` lives until the handler returns; `gap`, on all events of such a list: versions may
 * have been missed before it.  Non-zero ends the watch.  It runs inside of the exchange, so it
 * must not use this client. */
typedef int watch_handler(void *context, enum watch_event event, const cJSON *object, bool gap);

/* Returns when told to stop (0), when the handler does (its value), or on an error that time does
 * not mend, after three tries at least and all of the patience: an API server that has just begun
 * answers 401 and 403 to accounts that it does not know yet.  ERR_KUBECONFIG, ERR_UNAUTHORIZED,
 * ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_REFUSED (a path that cannot be watched). */
NODISCARD int watch_run(struct kube_client *client, const struct watch_options *options,
                        watch_handler *handler, void *context, struct err *reterr);

/* "ADDED"; lives for ever. */
const char *watch_event_name(enum watch_event event);

#endif
