#include "recorder/keeper_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCRATCH_BYTES (256 * LIMIT_MIB)
#define WAKE_US       (200 * 1000LL)
#define LEAD_US       (2 * KEEPER_SECOND_US)
#define POLL_US       (1 * KEEPER_SECOND_US)
#define FLUSH_US      (1 * KEEPER_SECOND_US)
#define BEAT_US       (5 * KEEPER_SECOND_US)
#define SETTLE_US     (1 * KEEPER_SECOND_US)
#define SETTLE_MAX_US (5 * KEEPER_SECOND_US)
#define UNQUIET_US    (10 * KEEPER_SECOND_US)
#define REST_MS_FIRST 50L
#define REST_MS_MAX   2000L

/* ---- Whether it is in sync */

static const char *const reasons[] = {
    "the lists of the API server have not ended yet",
    "another replica leads",
    "nobody can tell who leads: the history's database is away",
    "a watch has no connection to the API server",
    "the history is being taken up",
    NULL,
};
enum { STATE_LISTING, STATE_FOLLOWS, STATE_AWAY, STATE_LOST, STATE_BEGINS, STATE_IN_SYNC };

static bool is_ready(const struct keeper *keeper)
{
    return cache_listed(keeper->cache) &&
           keeper->listed_run == keeper->watchers[KEEPER_DEPLOYMENTS].wanted_run;
}

void keeper_show_state(struct keeper *keeper)
{
    int state = STATE_IN_SYNC;
    if (!keeper->leads)
        state = keeper->nobody_can_tell ? STATE_AWAY : STATE_FOLLOWS;
    else if (!is_ready(keeper))
        state = STATE_LISTING;
    else if (!cache_connected(keeper->cache))
        state = STATE_LOST;
    else if (!keeper->begun)
        state = STATE_BEGINS;
    atomic_store(&keeper->state, state);
}

bool keeper_in_sync(struct keeper *keeper, const char **ret_why)
{
    const int state = atomic_load(&keeper->state);
    *ret_why = reasons[state];
    return state == STATE_IN_SYNC;
}

bool keeper_rest(struct keeper *keeper, unsigned failures)
{
    const long ms = failures < 6 ? REST_MS_FIRST << failures : REST_MS_MAX;
    const int64_t until_us = clock_monotonic_us() + ms * 1000;
    while (!atomic_load(&keeper->stop) && clock_monotonic_us() < until_us)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return !atomic_load(&keeper->stop);
}

/* ---- Who leads */

static void unload(struct keeper *keeper, struct keeper_project *project)
{
    keeper_unload(keeper, project);
}

static void turn(struct keeper *keeper, bool leads)
{
    keeper_for_each(keeper, unload);
    keeper->leads = leads;
    keeper->begun = false;
    log_event(LOG_INFO, leads ? "this replica leads" : "another replica leads", NULL);
    if (leads)
        keeper_watch_again(keeper);
    keeper_show_state(keeper);
    if (keeper->options.on_lead != NULL)
        keeper->options.on_lead(keeper->options.context, leads);
}

int keeper_look_who_leads(struct keeper *keeper, struct err *reterr)
{
    bool leads = false;
    /* A session that was lost and is had again at once: another may have led between. */
    const bool lost = keeper->leads && !store_leads(keeper->options.store);
    const int code = store_lead(keeper->options.store, &leads, reterr);
    keeper->nobody_can_tell = code < 0;
    if (lost) {
        keeper_for_each(keeper, unload);
        keeper->begun = false;
    }
    if (code == 0 && leads != keeper->leads)
        turn(keeper, leads);
    else if (code == 0 && leads && lost)
        keeper_watch_again(keeper);
    keeper_show_state(keeper);
    return code;
}

/* While nobody can tell, news wait in the queue: none of it is to go by uncommitted. */
static bool knows_who_leads(struct keeper *keeper)
{
    struct err err;
    const int64_t now_us = clock_monotonic_us();
    if (now_us < keeper->lead_us && (!keeper->leads || store_leads(keeper->options.store)))
        return true;
    for (unsigned failures = 0; keeper_look_who_leads(keeper, &err) < 0; failures++) {
        if (failures % 20 == 0)
            log_event(LOG_ERROR, "the history's database is away", "error", err.text, NULL);
        if (!keeper_rest(keeper, failures))
            return false;
    }
    keeper->lead_us = clock_monotonic_us() + LEAD_US;
    return true;
}

/* ---- News */

/* Connected again: what happened meanwhile is told now, and silence proves nothing until then. */
void keeper_note_sync(struct keeper *keeper)
{
    const bool connected = cache_connected(keeper->cache);
    if (!connected)
        keeper->in_sync = false;
    else if (!keeper->in_sync && keeper->settled_us == 0)
        keeper->settled_us = clock_monotonic_us() + SETTLE_US;
    if (!connected)
        keeper->settled_us = 0;
    keeper_show_state(keeper);
}

static void sync_one(struct keeper *keeper, struct keeper_project *project)
{
    if (project->machine != NULL && project->viewed) {
        machine_sync(project->machine, keeper->in_sync);
        keeper_note_tick(keeper, project);
    }
}

static void take_object(struct keeper *keeper, const struct keeper_news *news)
{
    const char *name = NULL;
    struct err err;
    static struct log_limit limit;
    const int code = cache_take(keeper->cache, (enum cache_kind)news->resource, news->event,
                                news->object, &name, &err);
    const char *why =
        news->event == WATCH_UNREADABLE ? json_get_string(news->object, "message") : NULL;
    if ((code < 0 || news->event == WATCH_UNREADABLE) && log_allowed(&limit)) {
        const char *object = json_get_string(json_get(news->object, "metadata"), "name");
        log_event(LOG_ERROR, "an object cannot be read, and is passed over", "resource",
                  keeper_resource_name(news->resource), "name", object != NULL ? object : "",
                  "error",
                  code < 0      ? err.text
                  : why != NULL ? why
                                : "",
                  NULL);
    }
    if (!keeper->leads || !keeper->begun) {
        keeper->followed = true;
        return;
    }
    struct keeper_project *project =
        code == 0 && name != NULL ? keeper_project_of(keeper, name) : NULL;
    if (project == NULL)
        return;
    project->missed = project->missed || news->gap;
    keeper_see(keeper, project);
    if (project->missed)
        keeper->event_version[0] = '\0'; /* not done */
}

static void copy_version(char version[KEEPER_VERSION_BYTES], const cJSON *object)
{
    const char *text = json_get_string(json_get(object, "metadata"), "resourceVersion");
    snprintf(version, KEEPER_VERSION_BYTES, "%s", text != NULL ? text : "");
}

/* A Deployment's event is written with its version; what does not change anything, by the beat. */
static void take_versioned(struct keeper *keeper, const struct keeper_news *news)
{
    const bool event = news->event != WATCH_LISTED && news->event != WATCH_LIST_BEGINS;
    keeper->event_version[0] = '\0';
    if (news->resource == KEEPER_DEPLOYMENTS && event && news->event != WATCH_LIST_ENDS)
        copy_version(keeper->event_version, news->object);
    const bool versioned = keeper->event_version[0] != '\0';
    take_object(keeper, news);
    if (versioned && keeper->event_version[0] != '\0')
        memcpy(keeper->done_version, keeper->event_version, KEEPER_VERSION_BYTES);
    keeper->event_version[0] = '\0';
}

static void take_list_end(struct keeper *keeper, const struct keeper_news *news)
{
    if (keeper->leads && keeper->begun)
        keeper_see_all(keeper);
    if (news->resource != KEEPER_DEPLOYMENTS)
        return;
    keeper->gapped = keeper->gapped || (news->gap && !keeper->begun);
    keeper->listed_run = news->run;
    copy_version(keeper->done_version, news->object);
}

static void take_watch(struct keeper *keeper, const struct keeper_news *news)
{
    keeper_gap_note(keeper, news);
    if (news->resource == KEEPER_EVENTS) {
        keeper_evidence_take(keeper, news->event, news->object);
        return;
    }
    take_versioned(keeper, news);
    if (news->event == WATCH_CONNECTED || news->event == WATCH_LOST) {
        keeper_note_sync(keeper);
        keeper_for_each(keeper, sync_one);
    }
    if (news->event == WATCH_LIST_ENDS)
        take_list_end(keeper, news);
}

/* Behind the list from which all is to be told, and before it can be: it is to be judged later. */
static bool is_deferred(const struct keeper *keeper, const struct keeper_news *news)
{
    return keeper->leads && !keeper->begun && news->kind == KEEPER_NEWS_WATCH &&
           news->resource == KEEPER_DEPLOYMENTS &&
           keeper->listed_run == keeper->watchers[KEEPER_DEPLOYMENTS].wanted_run;
}

static void take_mark(struct keeper *keeper, struct keeper_project *project,
                      const struct keeper_news *news)
{
    (void)keeper;
    if (project->id == news->project && project->machine != NULL)
        machine_mark(project->machine, news->seq, news->good, news->by);
}

static void take_news(struct keeper *keeper, const struct keeper_news *news)
{
    struct keeper_project *project;
    switch (news->kind) {
    case KEEPER_NEWS_WATCH:
        take_watch(keeper, news);
        break;
    case KEEPER_NEWS_INTENT:
        /* Otherwise whoever leads finds it in the store. */
        project = keeper->leads && keeper->begun && keeper->settled
                      ? keeper_project_of(keeper, news->name)
                      : NULL;
        if (project != NULL)
            keeper_feed(keeper, project, &news->intent);
        break;
    case KEEPER_NEWS_MARK:
        for (size_t i = 0; i < keeper->project_slots; i++) {
            for (project = keeper->projects[i]; project != NULL; project = project->next_in_slot)
                take_mark(keeper, project, news);
        }
        break;
    }
}

/* ---- Clocks */

static void tick_one(struct keeper *keeper, struct keeper_project *project)
{
    if (project->tick_at <= keeper->now)
        keeper_tick(keeper, project);
    if (project->tick_at < keeper->next_tick_at)
        keeper->next_tick_at = project->tick_at;
}

static void shift_one(struct keeper *keeper, struct keeper_project *project)
{
    if (project->tick_at != INT64_MAX || project->machine != NULL)
        keeper_shift(keeper, project, keeper->jump_us);
}

static void look_at_clocks(struct keeper *keeper)
{
    keeper->now = clock_unix_us();
    const int64_t jump = keeper_clock_look(&keeper->clock, keeper->now, clock_monotonic_us());
    if (jump == 0)
        return;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%lld", (long long)(jump / KEEPER_SECOND_US));
    log_event(LOG_WARN, "the clock jumped: what runs by it goes on as if it had not", "seconds",
              seconds, NULL);
    keeper->jump_us = jump;
    if (keeper->leads && keeper->begun)
        keeper_for_each(keeper, shift_one);
}

static bool is_due(int64_t *at_us, int64_t every_us)
{
    const int64_t now_us = clock_monotonic_us();
    if (now_us < *at_us)
        return false;
    *at_us = now_us + every_us;
    return true;
}

/* Nothing had come for a moment, and nothing has since: a step takes as long as a full disk. */
static bool is_quiet(struct keeper *keeper, bool was_quiet)
{
    return was_quiet && keeper_queue_is_empty(&keeper->queue);
}

/* When nothing has come for a moment, or it never stops. */
static void settle(struct keeper *keeper, bool was_quiet)
{
    const int64_t now_us = clock_monotonic_us();
    if (keeper->settled_us == 0 || now_us < keeper->settled_us ||
        (!is_quiet(keeper, was_quiet) && now_us < keeper->settled_us + SETTLE_MAX_US))
        return;
    keeper->settled_us = 0;
    keeper->in_sync = true;
    if (!keeper->settled) {
        keeper->settled = true;
        keeper_poll_intents(keeper, true);
    }
    keeper_for_each(keeper, sync_one);
}

/* What waits in the queue comes first, unless there is no end to it. */
static bool may_poll(struct keeper *keeper, bool was_quiet)
{
    const int64_t now_us = clock_monotonic_us();
    const bool quiet = is_quiet(keeper, was_quiet);
    if (quiet)
        keeper->quiet_us = now_us;
    return keeper->settled && (quiet || now_us > keeper->quiet_us + UNQUIET_US);
}

static void do_what_is_due(struct keeper *keeper, bool was_quiet)
{
    /* Who sees nothing judges nothing by its clocks: what happened is told first. */
    if (keeper->in_sync && keeper->now >= keeper->next_tick_at) {
        keeper->next_tick_at = INT64_MAX;
        keeper_for_each(keeper, tick_one);
    }
    if (may_poll(keeper, was_quiet) && is_due(&keeper->poll_us, POLL_US))
        keeper_poll_intents(keeper, false);
    if (is_due(&keeper->flush_us, FLUSH_US)) {
        keeper_gap_write(keeper);
        keeper_evidence_flush(keeper);
        keeper_evict(keeper);
    }
    if (is_due(&keeper->beat_us, BEAT_US))
        keeper_beat(keeper);
}

/* ---- The thread */

static void take_or_defer(struct keeper *keeper, struct keeper_news *news)
{
    if (is_deferred(keeper, news)) {
        news->next = NULL;
        *keeper->deferred_last = news;
        keeper->deferred_last = &news->next;
        return;
    }
    take_news(keeper, news);
    keeper_news_free(news);
}

/* Of a run that is no more wanted they are told again. */
static void take_deferred(struct keeper *keeper)
{
    const unsigned wanted = keeper->watchers[KEEPER_DEPLOYMENTS].wanted_run;
    struct keeper_news *news = keeper->deferred;
    keeper->deferred = NULL;
    keeper->deferred_last = &keeper->deferred;
    for (struct keeper_news *next; news != NULL; news = next) {
        next = news->next;
        if (news->run == wanted)
            take_news(keeper, news);
        keeper_news_free(news);
    }
}

static void *keep(void *context)
{
    struct keeper *keeper = context;
    while (knows_who_leads(keeper)) {
        if (keeper->leads && !keeper->begun && is_ready(keeper))
            keeper_begin(keeper);
        if (keeper->deferred != NULL && (keeper->begun || !keeper->leads))
            take_deferred(keeper);
        struct keeper_news *news = keeper_queue_pop(&keeper->queue, WAKE_US);
        look_at_clocks(keeper);
        if (news == NULL && atomic_load(&keeper->ends))
            break;
        const bool was_quiet = news == NULL;
        if (news != NULL)
            take_or_defer(keeper, news);
        if (keeper->leads && keeper->begun && atomic_exchange(&keeper->resync, false)) {
            keeper_for_each(keeper, unload);
            keeper_see_all(keeper);
        }
        keeper_show_state(keeper);
        if (keeper->leads && keeper->begun)
            settle(keeper, was_quiet);
        if (keeper->leads && keeper->begun)
            do_what_is_due(keeper, was_quiet);
    }
    if (keeper->leads && keeper->begun)
        keeper_beat(keeper);
    return NULL;
}

/* ---- From other threads */

struct copying {
    struct keeper_news *news;
    const char *name, *by;
    const struct machine_intent *intent;
};

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

static void copy_news(void *context)
{
    struct copying *copying = context;
    struct keeper_news *news = copying->news;
    struct arena *arena = &news->arena;
    news->name = copy_text(arena, copying->name);
    news->by = copy_text(arena, copying->by);
    if (copying->intent == NULL)
        return;
    struct machine_intent *intent = &news->intent;
    *intent = *copying->intent;
    const char **const texts[] = {
        &intent->uid,          &intent->template_sha, &intent->actor_user,
        &intent->actor_groups, &intent->via,          &intent->on_behalf_of,
        &intent->change_cause, &intent->change_kind,  &intent->policy_changes,
        &intent->last_applied, &intent->written_sha,  &intent->old_template_sha,
        &intent->history_id,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = copy_text(arena, *texts[i]);
    intent->template_json = NULL; /* the store has it */
}

static void send(struct keeper *keeper, struct copying *copying)
{
    if (copying->news == NULL || !arena_try(&copying->news->arena, copy_news, copying)) {
        /* An intent is found in the store; a mark stands there. */
        keeper_news_free(copying->news);
        return;
    }
    keeper_queue_push(&keeper->queue, copying->news, false);
}

void keeper_intent(struct keeper *keeper, const char *namespace_, const char *name,
                   const struct machine_intent *intent)
{
    if (namespace_ == NULL || strcmp(namespace_, keeper->namespace_) != 0)
        return;
    send(keeper, &(struct copying){keeper_news_new(KEEPER_NEWS_INTENT), name, NULL, intent});
}

void keeper_mark(struct keeper *keeper, int64_t project, int64_t seq, enum revision_good good,
                 const char *by)
{
    struct copying copying = {keeper_news_new(KEEPER_NEWS_MARK), NULL, by, NULL};
    if (copying.news != NULL) {
        copying.news->project = project;
        copying.news->seq = seq;
        copying.news->good = good;
    }
    send(keeper, &copying);
}

void keeper_resync(struct keeper *keeper)
{
    atomic_store(&keeper->resync, true);
}

/* ---- The whole */

static void free_project(struct keeper *keeper, struct keeper_project *project)
{
    keeper_unload(keeper, project);
}

static void free_keeper(struct keeper *keeper)
{
    keeper_for_each(keeper, free_project);
    for (size_t i = 0; i < keeper->project_slots; i++) {
        for (struct keeper_project *one = keeper->projects[i], *next; one != NULL; one = next) {
            next = one->next_in_slot;
            free(one);
        }
    }
    free(keeper->projects);
    while (keeper->deferred != NULL) {
        struct keeper_news *next = keeper->deferred->next;
        keeper_news_free(keeper->deferred);
        keeper->deferred = next;
    }
    pthread_mutex_destroy(&keeper->lock);
    keeper_evidence_done(keeper);
    cache_free(keeper->cache);
    keeper_queue_done(&keeper->queue);
    arena_done(&keeper->scratch);
    free(keeper->namespace_);
    free(keeper);
}

static int make(const struct keeper_options *options, struct keeper **ret_keeper,
                struct err *reterr)
{
    struct keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a keeper");
    int code = keeper_queue_init(&keeper->queue, reterr);
    if (code < 0) {
        free(keeper);
        return code;
    }
    if (pthread_mutex_init(&keeper->lock, NULL) != 0) {
        keeper_queue_done(&keeper->queue);
        free(keeper);
        return err_set(reterr, ERR_NO_MEMORY, "no memory for a keeper");
    }
    arena_init(&keeper->scratch, SCRATCH_BYTES);
    keeper->options = *options;
    keeper->settings = options->machine != NULL ? *options->machine : machine_settings_default;
    keeper->followed = keeper->gapped = true;
    keeper->deferred_last = &keeper->deferred;
    keeper->next_tick_at = INT64_MAX;
    keeper->evidence_last = &keeper->evidence_first;
    keeper->namespace_ = strdup(options->namespace_);
    for (int i = 0; i < KEEPER_RESOURCES; i++)
        keeper->watchers[i] =
            (struct keeper_watcher){.keeper = keeper, .resource = (enum keeper_resource)i};
    code = keeper->namespace_ != NULL ? cache_new(&keeper->cache, reterr)
                                      : err_set(reterr, ERR_NO_MEMORY, "no memory for a keeper");
    if (code < 0) {
        free_keeper(keeper);
        return code;
    }
    *ret_keeper = keeper;
    return 0;
}

static int start_threads(struct keeper *keeper, struct err *reterr)
{
    int code = 0;
    struct err err;
    /* Who leads lists from where the store ends; who cannot tell yet lists again when it can. */
    if (keeper_look_who_leads(keeper, &err) < 0)
        log_event(LOG_WARN, "nobody can tell yet who leads", "error", err.text, NULL);
    if (pthread_create(&keeper->thread, NULL, keep, keeper) != 0)
        return err_set(reterr, ERR_NO_MEMORY, "no thread for the keeper");
    keeper->started = true;
    for (int i = 0; code == 0 && i < KEEPER_RESOURCES; i++)
        code = keeper_watch_start(&keeper->watchers[i], reterr);
    return code;
}

int keeper_start(const struct keeper_options *options, struct keeper **ret_keeper,
                 struct err *reterr)
{
    struct keeper *keeper = NULL;
    sigset_t every, before;
    int code = make(options, &keeper, reterr);
    if (code < 0)
        return code;
    /* Signals are the program's own thread's. */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    code = start_threads(keeper, reterr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code < 0) {
        keeper_stop(keeper);
        return code;
    }
    *ret_keeper = keeper;
    return 0;
}

void keeper_stop(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    atomic_store(&keeper->stop, true);
    keeper_queue_close(&keeper->queue);
    for (int i = 0; i < KEEPER_RESOURCES; i++)
        keeper_watch_stop(&keeper->watchers[i]);
    atomic_store(&keeper->ends, true);
    if (keeper->started)
        pthread_join(keeper->thread, NULL);
    free_keeper(keeper);
}
