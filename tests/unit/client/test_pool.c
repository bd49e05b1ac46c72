/* The pool of clients: taken, given back, bounded, thrown away.  No server is asked. */
#include "client/pool.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static const struct kube_config config = {.origin = "a test", .server = "https://127.0.0.1:1"};
static struct client_pool *pool;
static struct err err;

static void open_pool(size_t most, long wait_ms)
{
    const struct pool_options options = {.most = most, .wait_ms = wait_ms};
    CHECK_INT(pool_new(&config, &options, &pool, &err), 0);
}

static struct kube_client *take(void)
{
    struct kube_client *client = NULL;
    CHECK_INT(pool_take(pool, &client, &err), 0);
    CHECK(client != NULL);
    return client;
}

TEST(what_was_given_back_last_is_taken_first)
{
    open_pool(3, 10);
    struct kube_client *first = take(), *second = take();
    CHECK(first != second);
    pool_give(pool, second, 0);
    pool_give(pool, first, -ERR_NOT_FOUND);
    CHECK(take() == first);
    CHECK(take() == second);
    pool_give(pool, first, 0);
    pool_give(pool, second, 0);
    pool_free(pool);
}

TEST(no_more_than_its_bound_are_out)
{
    struct kube_client *third = NULL;
    open_pool(2, 20);
    struct kube_client *first = take(), *second = take();
    CHECK_INT(pool_take(pool, &third, &err), -ERR_BUSY);
    CHECK(third == NULL);
    CHECK_STRING(err.text, "too many calls to the API server at once");
    pool_give(pool, first, 0);
    CHECK(take() == first);
    pool_give(pool, first, 0);
    pool_give(pool, second, 0);
    pool_free(pool);
}

TEST(a_broken_one_is_thrown_away_and_its_place_is_free)
{
    static const int broken[] = {-ERR_UNREACHABLE, -ERR_ANSWER};
    open_pool(1, 10);
    for (size_t i = 0; i < 2; i++) {
        /* ASan would see a use after free, or a leak. */
        pool_give(pool, take(), broken[i]);
        pool_give(pool, take(), 0);
    }
    pool_give(pool, NULL, 0);
    pool_free(pool);
    pool_free(NULL);
}

TEST(no_options_are_the_defaults)
{
    CHECK_INT(pool_new(&config, NULL, &pool, &err), 0);
    struct kube_client *clients[8];
    for (size_t i = 0; i < 8; i++)
        clients[i] = take();
    for (size_t i = 0; i < 8; i++)
        pool_give(pool, clients[i], 0);
    pool_free(pool);
}

static atomic_int out, most_out, turns;

static void *work(void *unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++) {
        struct kube_client *client = NULL;
        if (pool_take(pool, &client, NULL) < 0)
            continue;
        const int now = atomic_fetch_add(&out, 1) + 1;
        for (int most = atomic_load(&most_out);
             now > most && !atomic_compare_exchange_weak(&most_out, &most, now);)
            ;
        usleep(100);
        atomic_fetch_sub(&out, 1);
        atomic_fetch_add(&turns, 1);
        pool_give(pool, client, i % 7 == 0 ? -ERR_UNREACHABLE : 0);
    }
    return NULL;
}

TEST(threads_wait_for_each_other)
{
    pthread_t threads[6];
    open_pool(2, 60000);
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&turns), 6 * 50);
    CHECK_INT(atomic_load(&most_out), 2);
    pool_free(pool);
}

TEST_MAIN
