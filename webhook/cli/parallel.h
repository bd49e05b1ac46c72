/* One piece of work for each of many things, on all processors.
 *
 * The pieces are taken in order, each by whoever is free; the calling thread is worker 0.  Where a
 * thread cannot be made the others do its part, so there is nothing that can fail.  What a piece
 * writes belongs to it or to its worker: nothing is locked here.  The cJSON hooks and arenas are
 * per thread (base/arena.h), so each worker needs arenas of its own.
 */
#ifndef PROCTOR_CLI_PARALLEL_H
#define PROCTOR_CLI_PARALLEL_H

#include <stddef.h>

#define PARALLEL_WORKERS_MAX 64U

struct parallel_work {
    void *context;
    size_t count;
    size_t workers; /* at least 1, at most PARALLEL_WORKERS_MAX */
    void (*work)(void *context, size_t worker, size_t index);
    /* Called by the calling thread alone, now and then, with how many are done; may be NULL. */
    void (*tell)(void *context, size_t finished);
};

/* How many workers there are processors for; at most PARALLEL_WORKERS_MAX. */
size_t parallel_processors(void);

/* Returns when all is done. */
void parallel_run(const struct parallel_work *work);

#endif
