/* list + watch of one kind in one namespace, for ever: what the API server shows, in its order.
 *
 *     client  --watch_run-->  handler(LISTED all items | ADDED | MODIFIED | DELETED | SYNCED)
 *
 * Lists, then watches from that resourceVersion with bookmarks.  A dropped connection goes on from
 * the last version seen; a 410, or an expired one, lists again, and the handler is told that
 * versions may have been missed (gap).  Back-off with jitter up to 30 s; a stream that is silent
 * for longer than it can be is cut and taken up again; tokens are read again as they change.
 */
#ifndef PROCTOR_CLIENT_WATCH_H
#define PROCTOR_CLIENT_WATCH_H

#include "client/client.h"

#include <stdatomic.h>

enum watch_event {
    WATCH_LIST_BEGINS, /* what is not listed until LIST_ENDS does not exist any more */
    WATCH_LISTED,      /* one item of the list */
    WATCH_LIST_ENDS,
    WATCH_ADDED,
    WATCH_MODIFIED,
    WATCH_DELETED,
    WATCH_BOOKMARK, /* the object has nothing but its resourceVersion */
    WATCH_LOST      /* no connection since now; goes on by itself */
};

struct watch_options {
    const char *path;     /* "/apis/apps/v1/namespaces/x/deployments", query allowed */
    const char *since;    /* a resourceVersion to go on from; NULL: list first */
    long timeout_seconds; /* of one stream; 0: 300 */
    atomic_bool *stop;    /* looked at once a second */
};

/* `object` lives until the handler returns; `gap`: versions may have been missed before it.
 * Non-zero ends the watch. */
typedef int watch_handler(void *context, enum watch_event event, const cJSON *object, bool gap);

/* Returns when told to stop (0), when the handler does (its value), or on an error that time does
 * not mend: ERR_UNAUTHORIZED after re-reading the credential, ERR_FORBIDDEN, ERR_NOT_FOUND. */
NODISCARD int watch_run(struct kube_client *client, const struct watch_options *options,
                        watch_handler *handler, void *context, struct err *reterr);

#endif
