#include "cli/parallel.h"

#include "tests/unit/test.h"

#include <string.h>

#define COUNT 1000U

static struct {
    unsigned char done[COUNT];
    size_t told;
} seen;

static void work(void *context, size_t worker, size_t index)
{
    (void)context;
    seen.done[index]++;
    if (worker >= PARALLEL_WORKERS_MAX)
        seen.done[index] = 100;
}

static void tell(void *context, size_t finished)
{
    (void)context;
    if (finished > seen.told)
        seen.told = finished;
}

static void run(size_t count, size_t workers)
{
    const struct parallel_work all = {
        .count = count, .workers = workers, .work = work, .tell = tell};
    memset(&seen, 0, sizeof seen);
    parallel_run(&all);
    for (size_t i = 0; i < COUNT; i++)
        CHECK_INT(seen.done[i], i < count ? 1 : 0);
    CHECK_INT(seen.told, count);
}

TEST(each_piece_is_done_once)
{
    run(COUNT, 1);
    run(COUNT, 7);
    run(COUNT, PARALLEL_WORKERS_MAX);
}

TEST(more_workers_than_pieces)
{
    run(3, 8);
    run(1, 8);
    run(0, 8);
}

TEST(there_is_a_processor)
{
    CHECK(parallel_processors() >= 1);
    CHECK(parallel_processors() <= PARALLEL_WORKERS_MAX);
}

TEST_MAIN
