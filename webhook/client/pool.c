#include "client/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define MOST    8U
#define WAIT_MS 10000L

struct client_pool {
    const struct kube_config *config;
    struct pool_options options;
    pthread_mutex_t lock;
    pthread_cond_t given;
    size_t taken;
    size_t idle_count;
    struct kube_client *idle[]; /* the warmest last */
};

int pool_new(const struct kube_config *config, const struct pool_options *options,
             struct client_pool **ret_pool, struct err *reterr)
{
    struct pool_options own = {.most = 0};
    pthread_condattr_t monotonic;
    if (options != NULL)
        own = *options;
    if (own.most == 0)
        own.most = MOST;
    if (own.wait_ms <= 0)
        own.wait_ms = WAIT_MS;
    struct client_pool *pool = calloc(1, sizeof *pool + own.most * sizeof(struct kube_client *));
    if (pool == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    pool->config = config;
    pool->options = own;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->given, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *ret_pool = pool;
    return 0;
}

void pool_free(struct client_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->idle_count; i++)
        client_free(pool->idle[i]);
    pthread_cond_destroy(&pool->given);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct timespec wait_until(long wait_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += wait_ms / 1000;
    at.tv_nsec += wait_ms % 1000 * 1000000L;
    if (at.tv_nsec >= 1000000000L) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000L;
    }
    return at;
}

/* A place among those at work, with an idle client if there is one; false: none came free. */
static bool take_place(struct client_pool *pool, struct kube_client **ret_idle)
{
    const struct timespec until = wait_until(pool->options.wait_ms);
    int rc = 0;
    pthread_mutex_lock(&pool->lock);
    while (pool->taken == pool->options.most && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&pool->given, &pool->lock, &until);
    const bool got = pool->taken < pool->options.most;
    if (got) {
        pool->taken++;
        *ret_idle = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return got;
}

static void give_place(struct client_pool *pool, struct kube_client *idle)
{
    pthread_mutex_lock(&pool->lock);
    if (idle != NULL)
        pool->idle[pool->idle_count++] = idle;
    pool->taken--;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}

int pool_take(struct client_pool *pool, struct kube_client **ret_client, struct err *reterr)
{
    struct kube_client *client = NULL;
    if (!take_place(pool, &client))
        return err_set(reterr, ERR_BUSY, "too many calls to the API server at once");
    if (client == NULL) {
        const int rc = client_new(pool->config, &pool->options.client, &client, reterr);
        if (rc < 0) {
            give_place(pool, NULL);
            return rc;
        }
    }
    *ret_client = client;
    return 0;
}

void pool_give(struct client_pool *pool, struct kube_client *client, int rc)
{
    if (client == NULL)
        return;
    if (rc == -ERR_UNREACHABLE || rc == -ERR_ANSWER) {
        client_free(client);
        client = NULL;
    }
    give_place(pool, client);
}
