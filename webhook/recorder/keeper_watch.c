#include "base/clock.h"
#include "base/log.h"
#include "recorder/keeper_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define AGAIN_SECONDS 5

static const struct {
    const char *name, *path;
} resources[KEEPER_RESOURCES] = {
    [KEEPER_DEPLOYMENTS] = {"deployments", "/apis/apps/v1/namespaces/%s/deployments"},
    [KEEPER_SETS] = {"replicasets", "/apis/apps/v1/namespaces/%s/replicasets"},
    [KEEPER_PODS] = {"pods", "/api/v1/namespaces/%s/pods"},
    [KEEPER_EVENTS] = {"events", "/api/v1/namespaces/%s/events"},
};

const char *keeper_resource_name(enum keeper_resource resource)
{
    return resources[resource].name;
}

struct copying {
    struct keeper_news *news;
    const cJSON *object;
};

static void copy_object(void *context)
{
    struct copying *copying = context;
    copying->news->object = json_dup(&copying->news->arena, copying->object);
}

/* In the watch's thread, within the exchange. */
static int hand_over(void *context, enum watch_event event, const cJSON *object, bool gap)
{
    struct keeper_watcher *watcher = context;
    struct keeper *keeper = watcher->keeper;
    const bool anew = watcher->again;
    if (event == WATCH_LIST_ENDS)
        watcher->again = false;
    for (unsigned failures = 0; !atomic_load(&keeper->stop); failures++) {
        struct keeper_news *news = keeper_news_new(KEEPER_NEWS_WATCH);
        struct copying copying = {news, object};
        if (news != NULL && (object == NULL || arena_try(&news->arena, copy_object, &copying))) {
            news->resource = watcher->resource;
            news->event = event;
            news->gap = gap || anew;
            news->run = atomic_load(&watcher->run);
            keeper_queue_push(&keeper->queue, news, true);
            return 0;
        }
        keeper_news_free(news);
        log_event(LOG_ERROR, "no memory for what a watch tells", "resource",
                  keeper_resource_name(watcher->resource), NULL);
        if (!keeper_rest(keeper, failures))
            break;
    }
    return 0;
}

/* NULL: the list is of now. */
static const char *begin_run(struct keeper_watcher *watcher, char version[KEEPER_VERSION_BYTES])
{
    struct keeper *keeper = watcher->keeper;
    version[0] = '\0';
    pthread_mutex_lock(&keeper->lock);
    atomic_store(&watcher->stop, false);
    atomic_store(&watcher->run, watcher->wanted_run);
    if (watcher->resource == KEEPER_DEPLOYMENTS) {
        memcpy(version, keeper->list_at, KEEPER_VERSION_BYTES);
        keeper->list_at[0] = '\0';
    }
    pthread_mutex_unlock(&keeper->lock);
    if (atomic_load(&keeper->stop))
        atomic_store(&watcher->stop, true);
    return version[0] != '\0' ? version : NULL;
}

/* watch_run has ended by itself, and may not have told that the connection is lost. */
static void tell_lost(struct keeper_watcher *watcher, const struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64UL * 1024UL);
    cJSON *object = json_new_object(&arena);
    json_add(&arena, object, "message", json_new_string(&arena, err->text));
    (void)hand_over(watcher, WATCH_LOST, object, false);
    arena_done(&arena);
}

static void *watch_for_ever(void *context)
{
    struct keeper_watcher *watcher = context;
    struct keeper *keeper = watcher->keeper;
    struct arena arena;
    arena_init(&arena, 64UL * 1024UL);
    struct watch_options options = {
        .path = client_path(&arena, resources[watcher->resource].path, keeper->namespace_),
        .stop = &watcher->stop,
    };
    while (!atomic_load(&keeper->stop)) {
        struct err err = {0};
        char version[KEEPER_VERSION_BYTES];
        options.list_at = begin_run(watcher, version);
        if (watch_run(watcher->client, &options, hand_over, watcher, &err) >= 0)
            continue;
        log_event(LOG_ERROR, "a watch is refused, and tried again", "resource",
                  keeper_resource_name(watcher->resource), "error", err.text, NULL);
        tell_lost(watcher, &err);
        watcher->again = true;
        for (int i = 0; i < AGAIN_SECONDS * 10 && !atomic_load(&watcher->stop); i++)
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    arena_done(&arena);
    return NULL;
}

int keeper_watch_start(struct keeper_watcher *watcher, struct err *reterr)
{
    int code = client_new(watcher->keeper->options.kube, &(struct client_options){0},
                          &watcher->client, reterr);
    if (code < 0)
        return code;
    if (pthread_create(&watcher->thread, NULL, watch_for_ever, watcher) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no thread for a watch");
    watcher->started = true;
    return 0;
}

void keeper_watch_again(struct keeper *keeper)
{
    struct keeper_watcher *watcher = &keeper->watchers[KEEPER_DEPLOYMENTS];
    struct arena arena;
    const char *version = NULL;
    struct err err;
    arena_init(&arena, 64UL * 1024UL);
    if (store_cursor_get(keeper->options.store, &arena, keeper_resource_name(KEEPER_DEPLOYMENTS),
                         &version, &err) < 0)
        log_event(LOG_ERROR, "up to where the history goes cannot be read", "error", err.text,
                  NULL);
    if (version != NULL && strlen(version) >= KEEPER_VERSION_BYTES)
        version = NULL;
    pthread_mutex_lock(&keeper->lock);
    snprintf(keeper->list_at, sizeof keeper->list_at, "%s", version != NULL ? version : "");
    keeper->gapped = version == NULL;
    watcher->wanted_run++;
    atomic_store(&watcher->stop, true);
    pthread_mutex_unlock(&keeper->lock);
    arena_done(&arena);
}

void keeper_watch_stop(struct keeper_watcher *watcher)
{
    atomic_store(&watcher->stop, true);
    if (watcher->started)
        pthread_join(watcher->thread, NULL);
    watcher->started = false;
    client_free(watcher->client);
    watcher->client = NULL;
}
