/* Clients for several threads: a client is of one thread at a time, and keeps its connection.
 *
 *     pool_take  --client_get, client_patch, ...-->  pool_give
 *
 * A client whose connection failed is not used again, so that the next call does not begin on what
 * is dead.  One that was given back last is taken first: its connection is warm.
 *
 * What an arena's end jumps over is not given back: in code under arena_try take the client
 * before arena_try and give it after it, or use an arena of one's own for the call (arena.h).
 */
#ifndef PROCTOR_CLIENT_POOL_H
#define PROCTOR_CLIENT_POOL_H

#include "client/client.h"

struct client_pool;

struct pool_options {
    struct client_options client; /* of each; its strings must outlive the pool */
    size_t most;                  /* clients at once; 0: 8 */
    long wait_ms;                 /* how long pool_take waits for one; 0: 10 s */
};

/* `config` must outlive the pool; `options` NULL: all 0.  Does not connect yet.  ERR_NO_MEMORY. */
NODISCARD int pool_new(const struct kube_config *config, const struct pool_options *options,
                       struct client_pool **ret_pool, struct err *reterr);

/* All clients must have been given back.  NULL is fine. */
void pool_free(struct client_pool *pool);

/* A client of the caller's own until pool_give.  From any thread.
 * ERR_BUSY: none was given back in time; ERR_NO_MEMORY. */
NODISCARD int pool_take(struct client_pool *pool, struct kube_client **ret_client,
                        struct err *reterr);

/* Gives it back; `rc` is what its last call returned: after ERR_UNREACHABLE or ERR_ANSWER it is
 * thrown away.  client_warnings and client_status are to be read before.  NULL is fine. */
void pool_give(struct client_pool *pool, struct kube_client *client, int rc);

#endif
