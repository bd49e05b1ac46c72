#include "cli/history/wait.h"

#include "base/clock.h"
#include "base/limits.h"
#include "cli/history/evidence.h"
#include "cli/history/history.h"
#include "cli/progress.h"
#include "client/watch.h"
#include "history/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES      (256 * LIMIT_MIB)
#define PATIENCE_SECONDS 10
#define EVENT_UIDS_MAX   6U

struct wait;

struct watcher {
    struct wait *wait;
    enum cache_kind kind;
    const char *path;
    struct kube_client *client;
    pthread_t thread;
    bool started;
    struct err err;
};

struct wait {
    struct cli *cli;
    const struct wait_request *request;
    struct arena arena; /* of the main thread */
    struct arena *arena_before;
    const struct kube_config *config;
    struct kube_client *client;
    const char *space, *name;

    int64_t began_us, began_unix_us; /* monotonic, and the same moment for people */
    struct watcher watchers[CACHE_KINDS];
    atomic_bool stop;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t news;
    struct cache *cache;
    struct rollout *rollout;
    struct arena view;
    bool lost, failed, gap;
    char lost_words[256];
};

/* The wall clock may be set meanwhile; ours goes on evenly. */
static int64_t now_us(const struct wait *wait)
{
    return wait->began_unix_us + clock_monotonic_us() - wait->began_us;
}

/* ---- the watches ------------------------------------------------------------------------ */

static void show_to_rollout(struct wait *wait, bool gap)
{
    struct project_view view;
    struct err err;
    if (!cache_listed(wait->cache))
        return;
    arena_reset(&wait->view, LIMIT_MIB);
    if (cache_view(wait->cache, &wait->view, wait->name, &view, &err) < 0)
        return;
    rollout_view(wait->rollout, &view, gap, now_us(wait));
}

static void note_connection(struct wait *wait, enum watch_event event, const cJSON *object)
{
    if (event == WATCH_LOST) {
        const char *why = json_get_string(object, "message");
        snprintf(wait->lost_words, sizeof wait->lost_words, "%s", why != NULL ? why : "?");
        rollout_lost(wait->rollout);
    }
    wait->lost = event == WATCH_LOST || (wait->lost && !cache_connected(wait->cache));
}

static int take(void *context, enum watch_event event, const cJSON *object, bool gap)
{
    struct watcher *watcher = context;
    struct wait *wait = watcher->wait;
    const char *project;
    struct err err;
    pthread_mutex_lock(&wait->lock);
    const int r = cache_take(wait->cache, watcher->kind, event, object, &project, &err);
    note_connection(wait, event, object);
    wait->gap = wait->gap || gap;
    if (r == 0 && event != WATCH_LIST_BEGINS && event != WATCH_LISTED && event != WATCH_BOOKMARK &&
        event != WATCH_LOST) {
        show_to_rollout(wait, wait->gap);
        wait->gap = false;
    }
    pthread_cond_signal(&wait->news);
    pthread_mutex_unlock(&wait->lock);
    return 0;
}

static void *run_watcher(void *context)
{
    struct watcher *watcher = context;
    struct wait *wait = watcher->wait;
    const struct watch_options options = {
        .path = watcher->path, .patience_seconds = PATIENCE_SECONDS, .stop = &wait->stop};
    const int r = watch_run(watcher->client, &options, take, watcher, &watcher->err);
    if (r < 0) {
        pthread_mutex_lock(&wait->lock);
        wait->failed = true;
        pthread_cond_signal(&wait->news);
        pthread_mutex_unlock(&wait->lock);
    }
    return NULL;
}

static int start_watchers(struct wait *wait, struct err *reterr)
{
    const struct client_options options = {0};
    for (size_t i = 0; i < CACHE_KINDS; i++) {
        struct watcher *watcher = &wait->watchers[i];
        watcher->wait = wait;
        watcher->kind = (enum cache_kind)i;
        const int r = client_new(wait->config, &options, &watcher->client, reterr);
        if (r < 0)
            return r;
        if (pthread_create(&watcher->thread, NULL, run_watcher, watcher) != 0)
            return err_set(reterr, ERR_NO_MEMORY, "a thread cannot be started");
        watcher->started = true;
    }
    return 0;
}

static void stop_watchers(struct wait *wait)
{
    atomic_store(&wait->stop, true);
    for (size_t i = 0; i < CACHE_KINDS; i++) {
        if (wait->watchers[i].started)
            pthread_join(wait->watchers[i].thread, NULL);
        client_free(wait->watchers[i].client);
    }
}

/* ---- what is watched -------------------------------------------------------------------- */

static void add_requirement(struct buf *selector, const cJSON *expression)
{
    const char *key = json_get_string(expression, "key");
    const char *verb = json_get_string(expression, "operator");
    const cJSON *value;
    bool first = true;
    if (key == NULL || verb == NULL)
        return;
    buf_add_strings(selector, selector->length > 0 ? "," : "",
                    strcmp(verb, "DoesNotExist") == 0 ? "!" : "", key, NULL);
    if (strcmp(verb, "In") != 0 && strcmp(verb, "NotIn") != 0)
        return;
    buf_add_string(selector, strcmp(verb, "In") == 0 ? " in (" : " notin (");
    cJSON_ArrayForEach(value, json_get(expression, "values"))
    {
        if (json_string(value) != NULL)
            buf_add_strings(selector, first ? "" : ",", json_string(value), NULL);
        first = false;
    }
    buf_add_char(selector, ')');
}

/* spec.selector as the API server reads it in a query. */
static const char *selector_of(struct arena *arena, const cJSON *deployment)
{
    const cJSON *labels = json_path(deployment, "spec", "selector", "matchLabels", NULL), *one;
    struct buf selector;
    buf_init(&selector, arena, LIMIT_MIB);
    cJSON_ArrayForEach(one, labels)
    {
        if (json_string(one) != NULL)
            buf_add_strings(&selector, selector.length > 0 ? "," : "", one->string, "=",
                            json_string(one), NULL);
    }
    cJSON_ArrayForEach(one, json_path(deployment, "spec", "selector", "matchExpressions", NULL))
        add_requirement(&selector, one);
    return selector.data;
}

static void choose_paths(struct wait *wait, const cJSON *deployment)
{
    struct arena *arena = &wait->arena;
    const char *selector = selector_of(arena, deployment);
    wait->watchers[CACHE_DEPLOYMENTS].path =
        client_path(arena, "/apis/apps/v1/namespaces/%s/deployments?fieldSelector=%s", wait->space,
                    arena_printf(arena, "metadata.name=%s", wait->name));
    wait->watchers[CACHE_SETS].path = client_path(
        arena, "/apis/apps/v1/namespaces/%s/replicasets?labelSelector=%s", wait->space, selector);
    wait->watchers[CACHE_PODS].path =
        client_path(arena, "/api/v1/namespaces/%s/pods?labelSelector=%s", wait->space, selector);
}

/* ---- the end ---------------------------------------------------------------------------- */

static void add_event(struct arena *arena, cJSON *list, const cJSON *event)
{
    static const char *const times[] = {"lastTimestamp", "eventTime", "firstTimestamp"};
    const cJSON *object = json_get(event, "involvedObject");
    const char *kind = json_get_string(object, "kind"), *name = json_get_string(object, "name");
    cJSON *node = json_new_object(arena);
    const char *at = NULL;
    int64_t count = 1;
    for (size_t i = 0; at == NULL && i < sizeof times / sizeof times[0]; i++)
        at = json_get_string(event, times[i]);
    (void)json_int64(json_get(event, "count"), &count);
    if (at != NULL)
        json_add(arena, node, "at", json_new_string(arena, at));
    static const char *const texts[] = {"type", "reason", "message"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (json_get_string(event, texts[i]) != NULL)
            json_add(arena, node, texts[i],
                     json_new_string(arena, json_get_string(event, texts[i])));
    }
    json_add(arena, node, "object",
             json_new_string(arena, arena_printf(arena, "%s/%s", kind != NULL ? kind : "?",
                                                 name != NULL ? name : "?")));
    json_add(arena, node, "count", json_new_int(arena, count));
    json_append(list, node);
}

/* Events of the Deployment, its ReplicaSet, its pods; a person without that right is told. */
static void add_events(struct wait *wait, cJSON *evidence, const char *const *uids)
{
    struct arena *arena = &wait->arena;
    cJSON *list = json_new_array(arena);
    for (size_t i = 0; uids[i] != NULL && i < EVENT_UIDS_MAX; i++) {
        cJSON *items;
        const cJSON *event;
        struct err err;
        const char *path =
            client_path(arena, "/api/v1/namespaces/%s/events?fieldSelector=%s", wait->space,
                        arena_printf(arena, "involvedObject.uid=%s", uids[i]));
        if (client_list(wait->client, arena, path, &items, &err) < 0) {
            fputs("note: events cannot be read: ", wait->cli->err);
            cli_print_visible(wait->cli->err, err.text);
            fputc('\n', wait->cli->err);
            break;
        }
        cJSON_ArrayForEach(event, items) add_event(arena, list, event);
    }
    json_add(arena, evidence, "kubernetesEvents", evidence_sort(arena, list));
}

static const char *outcome_name(int code)
{
    static const char *const names[] = {[CLI_FINE] = "completed",
                                        [CLI_VIOLATIONS] = "failed",
                                        [CLI_ERROR] = "unknown",
                                        [CLI_TIMED_OUT] = "timed out",
                                        [CLI_OVERTAKEN] = "overtaken"};
    return names[code];
}

static void print_json(struct wait *wait, cJSON *evidence, int code, int64_t seconds)
{
    struct arena *arena = &wait->arena;
    const char *fix = code == CLI_FINE ? NULL : evidence_fix(arena, evidence);
    json_add(arena, evidence, "outcome", json_new_string(arena, outcome_name(code)));
    json_add(arena, evidence, "exitCode", json_new_int(arena, code));
    json_add(arena, evidence, "seconds", json_new_int(arena, seconds));
    if (fix != NULL)
        json_add(arena, evidence, "fix", json_new_string(arena, fix));
    struct buf text;
    buf_init(&text, arena, 64 * LIMIT_MIB);
    json_write_pretty(&text, evidence);
    fprintf(wait->cli->out, "%s\n", text.data);
}

static void print_text(struct wait *wait, cJSON *evidence, int code, int64_t seconds)
{
    struct cli *cli = wait->cli;
    const cJSON *deployment = json_get(evidence, "deployment");
    const char *image = json_get_string(deployment, "image");
    if (code != CLI_FINE) {
        evidence_print(cli, &wait->arena, evidence, clock_unix_us());
        return;
    }
    fprintf(cli->out, "deployment/%s: %scompleted%s after %llds, %lld of %lld pods serve ",
            wait->name, cli_paint(cli, CLI_GREEN), cli_paint(cli, CLI_PLAIN), (long long)seconds,
            (long long)history_int(deployment, "available"),
            (long long)history_int(deployment, "replicas"));
    cli_print_visible(cli->out, image != NULL ? image : "?");
    fputs(wait->request->rollout.soak ? ", and it has proven good\n" : "\n", cli->out);
}

static int tell(struct wait *wait, int code)
{
    const int64_t seconds = (clock_monotonic_us() - wait->began_us) / 1000000;
    cJSON *evidence = rollout_evidence(wait->rollout, &wait->arena);
    if (code != CLI_FINE)
        add_events(wait, evidence, rollout_uids(wait->rollout, &wait->arena));
    if (wait->request->json)
        print_json(wait, evidence, code, seconds);
    else
        print_text(wait, evidence, code, seconds);
    fflush(wait->cli->out);
    if (code == CLI_TIMED_OUT && !wait->request->json)
        fprintf(wait->cli->err, "timed out after --timeout %s; nothing was stopped or changed\n",
                wait->request->timeout_text);
    return code;
}

static int tell_failed_watch(struct wait *wait)
{
    for (size_t i = 0; i < CACHE_KINDS; i++) {
        if (wait->watchers[i].err.code != ERR_NONE)
            return cli_fail(wait->cli, &wait->watchers[i].err);
    }
    return CLI_ERROR;
}

/* ---- waiting ---------------------------------------------------------------------------- */

/* At most until `at` (the rollout's clock), and no longer than a second: the line counts on. */
static void doze(struct wait *wait, int64_t at)
{
    struct timespec until;
    int64_t us = at == INT64_MAX ? 1000000 : at - now_us(wait);
    us = us > 1000000 ? 1000000 : us < 1000 ? 1000 : us;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(us % 1000000) * 1000;
    until.tv_sec += (time_t)(us / 1000000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&wait->news, &wait->lock, &until);
}

static void say(struct wait *wait, struct progress *progress)
{
    char text[768];
    const int64_t seconds = (clock_monotonic_us() - wait->began_us) / 1000000;
    if (wait->lost)
        snprintf(text, sizeof text, "the API server is lost, it goes on: %s", wait->lost_words);
    else
        snprintf(text, sizeof text, "deployment/%s: %s", wait->name, rollout_words(wait->rollout));
    progress_say(progress, seconds, text);
}

/* The lock is held.  Returns an enum cli_exit. */
static int wait_for_end(struct wait *wait, struct progress *progress)
{
    static const int codes[] = {[ROLLOUT_COMPLETED] = CLI_FINE,
                                [ROLLOUT_FAILED] = CLI_VIOLATIONS,
                                [ROLLOUT_OVERTAKEN] = CLI_OVERTAKEN};
    while (true) {
        const enum rollout_end end = rollout_end(wait->rollout);
        if (end != ROLLOUT_GOES_ON)
            return codes[end];
        if (wait->failed)
            return CLI_ERROR;
        if (clock_monotonic_us() - wait->began_us >= wait->request->timeout_us)
            return CLI_TIMED_OUT;
        say(wait, progress);
        doze(wait, rollout_next_tick(wait->rollout));
        if (now_us(wait) >= rollout_next_tick(wait->rollout))
            rollout_tick(wait->rollout, now_us(wait));
    }
}

static int follow(struct wait *wait)
{
    struct progress progress;
    struct err err;
    progress_begin(&progress, wait->cli);
    if (start_watchers(wait, &err) < 0) {
        stop_watchers(wait);
        return cli_fail(wait->cli, &err);
    }
    pthread_mutex_lock(&wait->lock);
    const int code = wait_for_end(wait, &progress);
    pthread_mutex_unlock(&wait->lock);
    progress_end(&progress);
    stop_watchers(wait);
    return code == CLI_ERROR ? tell_failed_watch(wait) : tell(wait, code);
}

/* ---- opening ---------------------------------------------------------------------------- */

static int not_found(struct wait *wait, struct err *err)
{
    if (err->code == ERR_NOT_FOUND)
        err_set(err, ERR_NOT_FOUND,
                "there is no Deployment %s in the namespace %s (-n names another)", wait->name,
                wait->space);
    return cli_fail(wait->cli, err);
}

static int prepare(struct wait *wait, struct err *reterr)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wait->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&wait->lock, NULL);
    wait->began_us = clock_monotonic_us();
    wait->began_unix_us = clock_unix_us();
    const int r = cache_new(&wait->cache, reterr);
    return r < 0 ? r : rollout_new(&wait->request->rollout, &wait->rollout, reterr);
}

static int wait_for(struct wait *wait)
{
    cJSON *deployment;
    struct err err;
    const char *path = client_path(&wait->arena, "/apis/apps/v1/namespaces/%s/deployments/%s",
                                   wait->space, wait->name);
    if (client_get(wait->client, &wait->arena, path, &deployment, &err) < 0)
        return not_found(wait, &err);
    choose_paths(wait, deployment);
    if (prepare(wait, &err) < 0)
        return cli_fail(wait->cli, &err);
    return follow(wait);
}

static int connect_to(struct wait *wait, struct err *reterr)
{
    const struct wait_request *request = wait->request;
    const struct kubeconfig_choice choice = {
        .path = request->kubeconfig, .context = request->context, .as_user = request->as_user};
    const struct client_options options = {0};
    const int r = kubeconfig_load(&wait->arena, &choice, &wait->config, reterr);
    if (r < 0)
        return r;
    wait->space = request->space != NULL ? request->space : wait->config->namespace_;
    return client_new(wait->config, &options, &wait->client, reterr);
}

int wait_run(struct cli *cli, const struct wait_request *request)
{
    struct wait wait;
    struct err err;
    memset(&wait, 0, sizeof wait);
    wait.cli = cli;
    wait.request = request;
    wait.name = request->name;
    arena_init(&wait.arena, ARENA_BYTES);
    arena_init(&wait.view, ARENA_BYTES);
    wait.arena_before = arena_use(&wait.arena);
    const int code = connect_to(&wait, &err) < 0 ? cli_fail(cli, &err) : wait_for(&wait);
    rollout_free(wait.rollout);
    cache_free(wait.cache);
    client_free(wait.client);
    arena_use(wait.arena_before);
    arena_done(&wait.view);
    arena_done(&wait.arena);
    return code;
}
