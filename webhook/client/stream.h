/* A GET whose answer is read as it comes, for as long as it comes: what a watch is made of.
 *
 * One try, without repetitions: whoever reads a stream knows where to go on.  The callbacks run
 * inside of the exchange, so they must not use the client.
 */
#ifndef PROCTOR_CLIENT_STREAM_H
#define PROCTOR_CLIENT_STREAM_H

#include "client/client.h"

#include <stdbool.h>

struct stream {
    const char *path;
    bool distrust; /* the credential of before: a plugin is asked again */
    bool fresh;    /* on a new connection */

    /* Each false ends the stream, which is no error then. */
    bool (*opened)(void *context); /* a 2xx answer begins */
    bool (*sink)(void *context, const char *bytes, size_t count);
    bool (*tick)(void *context); /* about once a second, also while nothing comes */
    void *context;

    /* Afterwards: */
    long retry_after;    /* seconds; 0: not told */
    const cJSON *status; /* of a refusal; NULL: none */
};

/* 0: the answer has ended, or a callback has ended it.  ERR_UNREACHABLE also if it broke off
 * half-way; otherwise the errors of client_get. */
NODISCARD int stream_read(struct kube_client *client, struct arena *arena, struct stream *stream,
                          struct err *reterr);

#endif
