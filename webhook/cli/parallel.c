#include "cli/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

struct shared {
    const struct parallel_work *work;
    atomic_size_t next;
    atomic_size_t finished;
};

struct worker {
    struct shared *shared;
    size_t number;
    pthread_t thread;
    bool runs;
};

static void *work_on(void *context)
{
    struct worker *worker = context;
    struct shared *shared = worker->shared;
    const struct parallel_work *work = shared->work;
    for (;;) {
        const size_t index = atomic_fetch_add(&shared->next, 1);
        if (index >= work->count)
            return NULL;
        work->work(work->context, worker->number, index);
        const size_t finished = atomic_fetch_add(&shared->finished, 1) + 1;
        if (worker->number == 0 && work->tell != NULL)
            work->tell(work->context, finished);
    }
}

size_t parallel_processors(void)
{
    const long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return (size_t)count < PARALLEL_WORKERS_MAX ? (size_t)count : PARALLEL_WORKERS_MAX;
}

void parallel_run(const struct parallel_work *work)
{
    struct shared shared = {.work = work};
    struct worker workers[PARALLEL_WORKERS_MAX];
    const size_t count = work->workers < work->count ? work->workers : work->count;
    for (size_t i = 0; i < count; i++)
        workers[i] = (struct worker){.shared = &shared, .number = i};
    for (size_t i = 1; i < count; i++)
        workers[i].runs = pthread_create(&workers[i].thread, NULL, work_on, &workers[i]) == 0;
    if (count > 0)
        work_on(&workers[0]);
    for (size_t i = 1; i < count; i++)
        if (workers[i].runs)
            pthread_join(workers[i].thread, NULL);
    if (count > 0 && work->tell != NULL)
        work->tell(work->context, atomic_load(&shared.finished));
}
