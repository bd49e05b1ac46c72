#include "recorder/keeper_queue.h"

#include "base/clock.h"
#include "base/limits.h"
#include "recorder/metrics.h"

#include <stdlib.h>
#include <time.h>

#define NEWS_BYTES  (128 * LIMIT_MIB)
#define FIRST_BYTES (8UL * 1024UL) /* a list is thousands of news */

int keeper_queue_init(struct keeper_queue *queue, struct err *reterr)
{
    pthread_condattr_t attributes;
    *queue = (struct keeper_queue){0};
    queue->last = &queue->first;
    if (pthread_condattr_init(&attributes) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a queue");
    bool made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_mutex_init(&queue->lock, NULL) == 0;
    if (made && pthread_cond_init(&queue->filled, &attributes) != 0) {
        pthread_mutex_destroy(&queue->lock);
        made = false;
    } else if (made && pthread_cond_init(&queue->emptied, &attributes) != 0) {
        pthread_cond_destroy(&queue->filled);
        pthread_mutex_destroy(&queue->lock);
        made = false;
    }
    pthread_condattr_destroy(&attributes);
    return made ? 0 : err_set(reterr, ERR_NO_MEMORY, "no memory for a queue");
}

void keeper_queue_done(struct keeper_queue *queue)
{
    while (queue->first != NULL) {
        struct keeper_news *news = queue->first;
        queue->first = news->next;
        keeper_news_free(news);
    }
    pthread_cond_destroy(&queue->emptied);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}

struct keeper_news *keeper_news_new(enum keeper_news_kind kind)
{
    struct keeper_news *news = calloc(1, sizeof *news);
    if (news == NULL)
        return NULL;
    news->kind = kind;
    arena_init_small(&news->arena, NEWS_BYTES, FIRST_BYTES);
    return news;
}

void keeper_news_free(struct keeper_news *news)
{
    if (news == NULL)
        return;
    arena_done(&news->arena);
    free(news);
}

static size_t bytes_of(const struct keeper_news *news)
{
    return sizeof *news + news->arena.used_bytes;
}

void keeper_queue_push(struct keeper_queue *queue, struct keeper_news *news, bool waits)
{
    news->next = NULL;
    pthread_mutex_lock(&queue->lock);
    while (waits && !queue->closed && queue->bytes >= KEEPER_QUEUE_BYTES)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    *queue->last = news;
    queue->last = &news->next;
    queue->bytes += bytes_of(news);
    metrics_add(METRICS_QUEUE, 1);
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

static struct timespec after(int64_t timeout_us)
{
    const int64_t at = clock_monotonic_us() + timeout_us;
    return (struct timespec){.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
}

struct keeper_news *keeper_queue_pop(struct keeper_queue *queue, int64_t timeout_us)
{
    const struct timespec until = after(timeout_us);
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL &&
           pthread_cond_timedwait(&queue->filled, &queue->lock, &until) == 0)
        continue;
    struct keeper_news *news = queue->first;
    if (news != NULL) {
        queue->first = news->next;
        if (queue->first == NULL)
            queue->last = &queue->first;
        queue->bytes -= bytes_of(news);
        metrics_add(METRICS_QUEUE, -1);
        pthread_cond_broadcast(&queue->emptied);
    }
    pthread_mutex_unlock(&queue->lock);
    return news;
}

bool keeper_queue_is_empty(struct keeper_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const bool is_empty = queue->first == NULL;
    pthread_mutex_unlock(&queue->lock);
    return is_empty;
}

void keeper_queue_close(struct keeper_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
}
