#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "recorder/keeper_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_CURSOR   "recorder"
#define NAMES_BYTES   (64 * LIMIT_MIB)
#define A_PAGE        500
#define FRESH_US      (20 * 60 * KEEPER_SECOND_US) /* an older failure is not gone back from */
#define POLL_AGE_US   (2 * KEEPER_SECOND_US)       /* younger ones come through the queue */
#define BEAT_GAP_US   (1 * KEEPER_SECOND_US)
#define INTENT_ENDS_X 3 /* an intent that nothing took after that many times persist_us */

/* ---- The time while no recorder ran */

void keeper_beat(struct keeper *keeper)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)keeper->now);
    /* What is not written now is written the next time; a commit tells of it louder. */
    if (store_cursor_set(keeper->options.store, &(struct store_cursor){BEAT_CURSOR, digits}, NULL) <
        0)
        return;
    if (keeper->done_version[0] == '\0' ||
        strcmp(keeper->done_version, keeper->beaten_version) == 0)
        return;
    const struct store_cursor cursor = {keeper_resource_name(KEEPER_DEPLOYMENTS),
                                        keeper->done_version};
    if (store_cursor_set(keeper->options.store, &cursor, NULL) == 0)
        memcpy(keeper->beaten_version, keeper->done_version, KEEPER_VERSION_BYTES);
}

static void note_downtime(struct keeper *keeper, struct arena *arena)
{
    const char *beat = NULL;
    struct err err;
    int code = store_cursor_get(keeper->options.store, arena, BEAT_CURSOR, &beat, &err);
    const int64_t from = code == 0 && beat != NULL ? strtoll(beat, NULL, 10) : 0;
    if (code == 0 && from != 0 && from + BEAT_GAP_US < keeper->now) {
        code = store_gap_open(keeper->options.store, BEAT_CURSOR,
                              keeper->gapped ? "no recorder ran"
                                             : "no recorder ran: what was stored is known, and not "
                                               "who changed it",
                              from, &err);
        if (code == 0)
            code = store_gap_close(keeper->options.store, BEAT_CURSOR, keeper->now, &err);
    }
    if (code < 0)
        log_event(LOG_ERROR, "the time without a recorder is not written down", "error", err.text,
                  NULL);
}

/* ---- All projects */

/* Those that the store knows and the API server does not show: deleted meanwhile, unless their
 * history says so already. */
static bool is_over(struct keeper *keeper, int64_t project)
{
    struct arena arena;
    struct revision *rows;
    size_t count;
    struct err err;
    arena_init(&arena, NAMES_BYTES);
    const struct store_query newest = {.project = project, .status = -1, .good = -1, .limit = 1};
    const bool over =
        store_revisions(keeper->options.store, &arena, &newest, &rows, &count, &err) == 0 &&
        (count == 0 || rows[0].status == REVISION_DELETED);
    arena_done(&arena);
    return over;
}

static void name_stored(struct keeper *keeper)
{
    struct arena arena;
    struct err err = {0};
    struct store_project_row *rows;
    size_t count = A_PAGE;
    arena_init(&arena, NAMES_BYTES);
    for (int64_t after = 0; count == A_PAGE;) {
        arena_reset(&arena, LIMIT_MIB);
        if (store_projects(keeper->options.store, &arena, keeper->namespace_, after, A_PAGE, &rows,
                           &count, &err) < 0) {
            log_event(LOG_ERROR, "the projects cannot be read", "error", err.text, NULL);
            break;
        }
        for (size_t i = 0; i < count; i++) {
            after = rows[i].id;
            struct keeper_project *project =
                is_over(keeper, rows[i].id) ? NULL : keeper_project_of(keeper, rows[i].name);
            if (project != NULL)
                project->id = rows[i].id;
        }
    }
    arena_done(&arena);
}

static void name_shown(struct keeper *keeper)
{
    struct arena arena;
    const char *const *names;
    size_t count;
    struct err err;
    arena_init(&arena, NAMES_BYTES);
    if (cache_projects(keeper->cache, &arena, &names, &count, &err) < 0) {
        log_event(LOG_ERROR, "the projects cannot be told", "error", err.text, NULL);
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        (void)keeper_project_of(keeper, names[i]);
    arena_done(&arena);
}

/* What is shown now can be seen again: its commits do not each wait for the disk. */
static void see_each(struct keeper *keeper,
                     void (*see)(struct keeper *keeper, struct keeper_project *project))
{
    struct err err;
    store_hurry(keeper->options.store);
    keeper_for_each(keeper, see);
    if (store_hurry_end(keeper->options.store, &err) < 0)
        log_event(LOG_ERROR, "what was seen is not on disk yet", "error", err.text, NULL);
}

void keeper_see_all(struct keeper *keeper)
{
    name_shown(keeper);
    see_each(keeper, keeper_see);
    keeper_evict(keeper);
}

/* ---- What a recorder that died did not hand over */

static bool is_fresh(struct keeper *keeper, struct arena *arena, const struct revision *row)
{
    struct store_event *events;
    size_t count;
    struct err err;
    const struct store_event_query query = {.revision = row->id, .limit = STORE_PAGE_ROWS};
    if (store_events(keeper->options.store, arena, &query, &events, &count, &err) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(events[i].type, machine_event_name(MACHINE_DEPLOYMENT_FAILED)) == 0 &&
            events[i].at + FRESH_US > keeper->now)
            return true;
    }
    return false;
}

static bool has_fingerprint(struct keeper *keeper, struct arena *arena, int64_t revision)
{
    struct store_config_ref *refs;
    size_t count;
    return store_config_refs(keeper->options.store, arena, revision, &refs, &count, NULL) == 0 &&
           count > 0;
}

static void hand_over(struct keeper *keeper, struct keeper_project *project)
{
    const struct revision *row =
        project->machine != NULL ? machine_current(project->machine) : NULL;
    const struct keeper_options *hooks = &keeper->options;
    struct arena arena;
    if (row == NULL)
        return;
    arena_init(&arena, NAMES_BYTES);
    if (row->status == REVISION_IN_PROGRESS && hooks->on_revision != NULL &&
        !has_fingerprint(keeper, &arena, row->id))
        hooks->on_revision(hooks->context, row->id);
    if (row->status == REVISION_FAILED && row->rollback_of == 0 && hooks->on_wish != NULL &&
        is_fresh(keeper, &arena, row))
        hooks->on_wish(hooks->context, project->id, row->id);
    arena_done(&arena);
}

static void begin_one(struct keeper *keeper, struct keeper_project *project)
{
    keeper_see(keeper, project);
    hand_over(keeper, project);
    keeper_evict(keeper);
}

static void forget(struct keeper *keeper, struct keeper_project *project)
{
    keeper_unload(keeper, project);
    project->missed = project->missed || keeper->gapped;
}

void keeper_begin(struct keeper *keeper)
{
    struct arena arena;
    arena_init(&arena, NAMES_BYTES);
    if (keeper->followed)
        note_downtime(keeper, &arena);
    arena_done(&arena);
    keeper_gap_begin(keeper);
    keeper_for_each(keeper, forget);
    name_stored(keeper);
    name_shown(keeper);
    see_each(keeper, begin_one);
    if (!keeper->leads)
        return;
    keeper->begun = true;
    keeper->settled = keeper->in_sync = false;
    keeper->settled_us = 0;
    keeper_note_sync(keeper);
    keeper->followed = keeper->gapped = false;
    keeper_beat(keeper);
    log_event(LOG_INFO, "keeping the history", "namespace", keeper->namespace_, NULL);
}

/* ---- Intents that other replicas took, and those that nothing will take */

static bool is_being_deleted(struct keeper *keeper, const char *project)
{
    struct project_view view;
    arena_reset(&keeper->scratch, LIMIT_MIB);
    return cache_view(keeper->cache, &keeper->scratch, project, &view, NULL) == 0 &&
           view.deployment != NULL && view.deployment->deleting;
}

static void end_intent(struct keeper *keeper, const struct store_intent_row *row, const char *name)
{
    struct err err;
    const int64_t age = keeper->now - row->intent.received_at;
    if (!keeper->in_sync || age < INTENT_ENDS_X * keeper->settings.persist_us ||
        (row->intent.delete_ && is_being_deleted(keeper, name)))
        return;
    if (store_intent_end(keeper->options.store, row->intent.id, STORE_INTENT_NOT_PERSISTED, &err) <
        0)
        log_event(LOG_ERROR, "an intent is not ended", "error", err.text, NULL);
}

static void poll_one(struct keeper *keeper, struct arena *arena, const struct store_intent_row *row,
                     bool all)
{
    struct store_project_row of;
    struct err err;
    const int64_t age = keeper->now - row->intent.received_at;
    if (!all && age >= 0 && age < POLL_AGE_US)
        return;
    if (store_project_get(keeper->options.store, arena, row->project, &of, &err) < 0 ||
        strcmp(of.namespace_, keeper->namespace_) != 0)
        return;
    struct keeper_project *project = keeper_project_of(keeper, of.name);
    if (project == NULL)
        return;
    if (keeper_was_fed(keeper, row->intent.id))
        end_intent(keeper, row, of.name);
    else
        keeper_feed(keeper, project, &row->intent);
}

void keeper_poll_intents(struct keeper *keeper, bool all)
{
    struct arena arena;
    struct store_intent_row *rows;
    size_t count = A_PAGE;
    struct err err;
    arena_init(&arena, NAMES_BYTES);
    for (int64_t after = 0; count == A_PAGE && keeper->leads;) {
        arena_reset(&arena, LIMIT_MIB);
        if (store_intents_open(keeper->options.store, &arena, 0, after, A_PAGE, &rows, &count,
                               &err) < 0)
            break;
        for (size_t i = 0; i < count; i++) {
            after = rows[i].intent.id;
            poll_one(keeper, &arena, &rows[i], all);
        }
    }
    arena_done(&arena);
}
