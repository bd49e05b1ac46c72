/* What the tests of the machine share: a store in memory that takes its effects and holds them
 * against what must never happen, and rebuilds a machine from its rows.
 *
 * history_take fails the test (TEST_FAIL) at: a seq skipped or used twice, a state left or reached
 * against the design's table, progress that falls, an event told twice, a wish to go back from
 * what did not fail or from a way back, two revisions in progress.
 */
#ifndef PROCTOR_TEST_HISTORY_H
#define PROCTOR_TEST_HISTORY_H

#include "base/limits.h"
#include "history/machine.h"
#include "tests/unit/test.h"

#define HISTORY_ROWS   64
#define HISTORY_EVENTS 512

struct history_event {
    int64_t seq, at;
    const char *type, *key;
};

struct history {
    struct arena arena;
    struct revision rows[HISTORY_ROWS];
    size_t count;
    struct history_event events[HISTORY_EVENTS];
    size_t event_count;
    size_t wishes, instances, joined;
    bool out_of_sync;
};

/* The table of states, written down a second time: from -> to. */
static const enum revision_status history_moves[][2] = {
    {REVISION_PENDING, REVISION_IN_PROGRESS},      {REVISION_PENDING, REVISION_NOT_PERSISTED},
    {REVISION_PENDING, REVISION_UNKNOWN},          {REVISION_PENDING, REVISION_SUPERSEDED},
    {REVISION_IN_PROGRESS, REVISION_COMPLETED},    {REVISION_IN_PROGRESS, REVISION_FAILED},
    {REVISION_IN_PROGRESS, REVISION_SUPERSEDED},   {REVISION_IN_PROGRESS, REVISION_CANCELLED},
    {REVISION_IN_PROGRESS, REVISION_ROLLING_BACK}, {REVISION_FAILED, REVISION_COMPLETED},
    {REVISION_FAILED, REVISION_ROLLING_BACK},      {REVISION_COMPLETED, REVISION_ROLLING_BACK},
    {REVISION_CANCELLED, REVISION_ROLLING_BACK},   {REVISION_SUPERSEDED, REVISION_ROLLING_BACK},
    {REVISION_SUPERSEDED, REVISION_CANCELLED},     {REVISION_ROLLING_BACK, REVISION_ROLLED_BACK},
    {REVISION_ROLLING_BACK, REVISION_FAILED},      {REVISION_IN_PROGRESS, REVISION_DELETED},
    {REVISION_COMPLETED, REVISION_DELETED},        {REVISION_FAILED, REVISION_DELETED},
    {REVISION_CANCELLED, REVISION_DELETED},        {REVISION_ROLLED_BACK, REVISION_DELETED},
    {REVISION_ROLLING_BACK, REVISION_DELETED},
};

static bool history_may_move(enum revision_status from, enum revision_status to)
{
    for (size_t i = 0; i < sizeof history_moves / sizeof *history_moves; i++) {
        if (history_moves[i][0] == from && history_moves[i][1] == to)
            return true;
    }
    return from == to;
}

/* One step may go over two rows of the table: seen and complete at once. */
static bool history_may_reach(enum revision_status from, enum revision_status to)
{
    for (enum revision_status by = 0; by < REVISION_STATUSES; by++) {
        if (!history_may_move(from, by))
            continue;
        for (enum revision_status next = 0; next < REVISION_STATUSES; next++) {
            if (history_may_move(by, next) && history_may_move(next, to))
                return true;
        }
    }
    return false;
}

static const char *history_keep(struct history *history, const char *text)
{
    return text != NULL ? arena_strdup(&history->arena, text) : NULL;
}

static struct revision history_copy(struct history *history, const struct revision *from)
{
    struct revision row = *from;
#define HISTORY_KEEP(member) row.member = history_keep(history, from->member)
    HISTORY_KEEP(uid);
    HISTORY_KEEP(rs_name);
    HISTORY_KEEP(rs_uid);
    HISTORY_KEEP(template_sha);
    HISTORY_KEEP(written_sha);
    HISTORY_KEEP(last_applied);
    HISTORY_KEEP(managed_fields);
    HISTORY_KEEP(policy_changes);
    HISTORY_KEEP(strategy);
    HISTORY_KEEP(change_kind);
    HISTORY_KEEP(change_cause);
    HISTORY_KEEP(actor_user);
    HISTORY_KEEP(actor_groups);
    HISTORY_KEEP(via);
    HISTORY_KEEP(on_behalf_of);
    HISTORY_KEEP(reason);
    HISTORY_KEEP(message);
    HISTORY_KEEP(good_by);
    HISTORY_KEEP(progressing_baseline);
    HISTORY_KEEP(memory);
#undef HISTORY_KEEP
    return row;
}

static void history_insert(struct history *history, struct machine *machine,
                           const struct revision *row)
{
    CHECK(history->count < HISTORY_ROWS);
    CHECK_INT(row->seq, (int64_t)history->count + 1);
    CHECK_INT(row->id, 0);
    history->rows[history->count] = history_copy(history, row);
    history->rows[history->count].id = 1000 + row->seq;
    history->count++;
    machine_inserted(machine, row->seq, 1000 + row->seq);
}

static void history_update(struct history *history, const struct revision *row)
{
    CHECK(row->seq >= 1 && row->seq <= (int64_t)history->count);
    struct revision *old = &history->rows[row->seq - 1];
    if (!history_may_reach(old->status, row->status))
        TEST_FAIL("version %lld goes from %s to %s", (long long)row->seq,
                  revision_status_name(old->status), revision_status_name(row->status));
    CHECK(row->progress >= old->progress && row->progress <= 100);
    CHECK(old->generation == 0 || old->generation == row->generation ||
          (old->status == REVISION_PENDING && old->generation < row->generation));
    CHECK(old->uid == NULL || strcmp(old->uid, row->uid) == 0);
    CHECK(old->id == row->id);
    CHECK((row->status == REVISION_COMPLETED) <= (row->progress == 100));
    *old = history_copy(history, row);
}

static void history_event(struct history *history, const struct machine_effect *effect)
{
    CHECK(effect->event_key != NULL && effect->event_message != NULL);
    for (size_t i = 0; i < history->event_count; i++) {
        if (strcmp(history->events[i].key, effect->event_key) == 0)
            TEST_FAIL("event %s is told twice", effect->event_key);
    }
    CHECK(history->event_count < HISTORY_EVENTS);
    history->events[history->event_count++] =
        (struct history_event){.seq = effect->revision->seq,
                               .at = effect->at,
                               .type = history_keep(history, effect->event_type),
                               .key = history_keep(history, effect->event_key)};
}

static void history_wish(struct history *history, const struct revision *row)
{
    CHECK(row->rollback_of == 0);
    CHECK(row->status == REVISION_FAILED);
    history->wishes++;
}

/* Takes the effects of the step that the machine has just made, as a store would. */
__attribute__((unused)) static void history_take(struct history *history, struct machine *machine)
{
    size_t count;
    const struct machine_effect *effects = machine_effects(machine, &count);
    for (size_t i = 0; i < count; i++) {
        const struct machine_effect *effect = &effects[i];
        CHECK(effect->revision != NULL);
        switch (effect->kind) {
        case MACHINE_INSERT:
            history_insert(history, machine, effect->revision);
            break;
        case MACHINE_UPDATE:
            history_update(history, effect->revision);
            break;
        case MACHINE_EVENT:
            history_event(history, effect);
            break;
        case MACHINE_ROLL_BACK:
            history_wish(history, effect->revision);
            break;
        case MACHINE_INSTANCE:
            history->instances++;
            break;
        case MACHINE_JOINED:
            history->joined++;
            break;
        }
    }
    size_t open = 0;
    for (size_t i = 0; i < history->count; i++)
        open += history->rows[i].status == REVISION_IN_PROGRESS;
    CHECK(open <= 1);
}

/* All that the last step told, as text, for comparison. */
static void history_write(struct buf *buf, const struct machine *machine)
{
    size_t count;
    const struct machine_effect *effects = machine_effects(machine, &count);
    for (size_t i = 0; i < count; i++) {
        const struct machine_effect *effect = &effects[i];
        const struct revision *row = effect->revision;
        buf_add_number(buf, (size_t)effect->kind);
        buf_add_strings(buf, " ", revision_status_name(row->status), NULL);
        const int64_t numbers[] = {row->seq,          row->generation,  row->k8s_revision,
                                   row->progress,     row->good,        row->soak_until,
                                   row->started_at,   row->source,      row->last_progress_at,
                                   row->replicas,     row->origin,      row->deadline_at,
                                   row->completed_at, row->rollback_of, effect->intent,
                                   effect->at,        effect->gone,     row->actor_certain};
        for (size_t j = 0; j < sizeof numbers / sizeof *numbers; j++) {
            buf_add_char(buf, ' ');
            buf_add_number(buf, (size_t)numbers[j]);
        }
        const char *texts[] = {row->uid,
                               row->rs_uid,
                               row->template_sha,
                               row->reason,
                               row->message,
                               row->actor_user,
                               row->progressing_baseline,
                               row->memory,
                               row->change_kind,
                               effect->event_type,
                               effect->event_message,
                               effect->event_key,
                               effect->pod != NULL ? effect->pod->uid : NULL};
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++)
            buf_add_strings(buf, "|", texts[j] != NULL ? texts[j] : "-", NULL);
        buf_add_char(buf, '\n');
    }
}

/* The same machine, as it would come up again after a kill. */
static struct machine *history_rebuild(const struct history *history,
                                       const struct machine_settings *settings)
{
    struct machine *machine;
    struct err err;
    if (machine_new(settings, &machine, &err) < 0 ||
        machine_load(machine, history->rows, history->count, &err) < 0)
        TEST_FAIL("no machine: %s", err.text);
    machine_sync(machine, !history->out_of_sync);
    return machine;
}

/* Whether a machine that is rebuilt from the rows tells the same at the same step. */
struct history_step {
    const struct machine_intent *intent; /* or */
    const struct project_view *view;     /* or only the time goes on */
    bool gap;
    int64_t now;
};

static void history_step(struct machine *machine, const struct history_step *step)
{
    if (step->intent != NULL)
        machine_intent(machine, step->intent, step->now);
    else if (step->view != NULL)
        machine_view(machine, step->view, step->gap, step->now);
    else
        machine_tick(machine, step->now);
}

__attribute__((unused)) static void history_compare(const struct history *history,
                                                    const struct machine_settings *settings,
                                                    const struct machine *machine,
                                                    const struct history_step *step)
{
    static struct buf here, there;
    static struct arena arena;
    arena_done(&arena);
    arena_init(&arena, 16 * LIMIT_MIB);
    buf_init(&here, &arena, 4 * LIMIT_MIB);
    buf_init(&there, &arena, 4 * LIMIT_MIB);
    struct machine *other = history_rebuild(history, settings);
    history_step(other, step);
    history_write(&here, machine);
    history_write(&there, other);
    machine_free(other);
    CHECK_STRING(there.data, here.data);
}

#endif
