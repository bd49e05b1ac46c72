#include "history/machine_internal.h"

#include <string.h>

static void fill_actor(struct machine *machine, struct row *row,
                       const struct machine_intent *intent)
{
    struct revision *revision = &row->revision;
    machine_touch(row);
#define TAKE(member)                                                                               \
    if (intent->member != NULL)                                                                    \
        revision->member = machine_keep(machine, intent->member);
    TAKE(actor_user)
    TAKE(actor_groups)
    TAKE(via)
    TAKE(on_behalf_of)
    TAKE(change_cause)
    TAKE(change_kind)
    TAKE(policy_changes)
    TAKE(last_applied)
    TAKE(written_sha)
#undef TAKE
}

/* The whole of who: what admission saw of our own write names us. */
static void fill_own(struct machine *machine, struct row *row, const struct machine_intent *intent)
{
    fill_actor(machine, row, intent);
    row->revision.on_behalf_of = machine_keep(machine, intent->on_behalf_of);
    row->revision.origin = REVISION_RECORDER;
    if (intent->source != 0)
        row->revision.source = intent->source;
}

/* Our own write: where it goes back from, and what becomes of that. */
static void begin_rollback(struct machine *machine, struct row *row,
                           const struct machine_intent *intent)
{
    struct row *origin = machine_find_id(machine, intent->rollback_of);
    row->revision.rollback_of = intent->rollback_of;
    machine_touch(row)->cancels = intent->cancel;
    if (origin == NULL || origin == row)
        return;
    if (intent->cancel) {
        if (origin != machine->current &&
            machine_move(machine, origin, REVISION_CANCELLED, "Cancelled", "cancelled"))
            machine_tell(machine, origin, MACHINE_CANCELLED, "cancelled", NULL);
        return;
    }
    if (machine_move(machine, origin, REVISION_ROLLING_BACK, NULL, NULL))
        machine_tell(machine, origin, MACHINE_ROLLBACK_STARTED,
                     arena_printf(&machine->step, "back to what version %lld repeats",
                                  (long long)row->revision.seq),
                     NULL);
}

/* One more intent of a row.  Two of one key: the last counts, and is not certain, unless both are
 * one actor's (a request is judged again after a conflict); but our own write and what admission
 * saw of it are one. */
static void join(struct machine *machine, struct row *row, const struct machine_intent *intent)
{
    const bool own = intent->own || intent->rollback_of != 0;
    const bool same_write = own || row->revision.origin == REVISION_RECORDER;
    const bool certain = row->revision.actor_certain;
    const bool same_actor = machine_same_text(row->revision.actor_user, intent->actor_user) &&
                            machine_same_text(row->revision.on_behalf_of, intent->on_behalf_of);
    struct memory *memory = machine_touch(row);
    if (intent->id != 0)
        machine_note_joined(machine, row, intent->id);
    if (row->revision.status == REVISION_PENDING && intent->generation > row->revision.generation &&
        row->revision.generation != 0)
        row->revision.generation = intent->generation;
    memory->intents++;
    if (row->memory.history_id == NULL)
        memory->history_id = machine_keep(machine, intent->history_id);
    if (intent->rollback_of != 0)
        begin_rollback(machine, row, intent);
    if (own)
        fill_own(machine, row, intent);
    else if (row->revision.origin != REVISION_RECORDER)
        fill_actor(machine, row, intent);
    row->revision.actor_certain = same_write || memory->intents == 1 || (certain && same_actor);
    if (row->revision.origin == REVISION_WATCH)
        row->revision.origin = REVISION_ADMISSION;
}

/* Of a version that was found after a gap only the generation is known at which it was found. */
static bool is_generation(const struct row *row, const struct machine_intent *intent)
{
    const int64_t generation = row->revision.generation;
    return generation == intent->generation ||
           (row->memory.current && generation == row->memory.gap_high &&
            intent->generation > row->memory.gap_low && intent->generation < generation);
}

static bool has_actor(const struct row *row, const struct machine_intent *intent)
{
    return machine_same_text(row->revision.actor_user, intent->actor_user) &&
           machine_same_text(row->revision.on_behalf_of, intent->on_behalf_of);
}

/* Whether another template than the row's was stored, or was to be, between these generations. */
static bool is_between(const struct machine *machine, const struct row *row, int64_t low,
                       int64_t high)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        const struct row *other = machine->rows[i];
        const int64_t generation = other->revision.generation;
        if (machine_is_of_uid(other, row->revision.uid) && generation > low && generation < high &&
            other->revision.status != REVISION_NOT_PERSISTED &&
            !machine_has_template(other, row->revision.template_sha))
            return true;
    }
    return false;
}

/* One request for which admission was asked twice: the object that it was judged with first had
 * been overtaken, and it was judged again as a later generation. */
static bool is_retried(const struct machine *machine, const struct row *row,
                       const struct machine_intent *intent)
{
    const int64_t had = row->revision.generation, asked = intent->generation;
    /* Our own writes are known by their id. */
    if (intent->history_id != NULL || intent->rollback_of != 0 || row->memory.history_id != NULL ||
        row->revision.rollback_of != 0)
        return false;
    if (had == 0 || asked == 0 || had == asked || intent->old_template_sha == NULL ||
        strcmp(intent->old_template_sha, intent->template_sha) == 0)
        return false;
    if (row->revision.status == REVISION_PENDING)
        return has_actor(row, intent) &&
               !is_between(machine, row, had < asked ? had : asked, had < asked ? asked : had);
    return asked < had && (row->revision.origin == REVISION_WATCH || has_actor(row, intent)) &&
           !is_between(machine, row, asked, had);
}

/* The row that this intent is a further word of, pending or (when truth was quicker) stored. */
static struct row *find_joined(const struct machine *machine, const struct machine_intent *intent)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        struct row *row = machine->rows[i];
        const bool open = row->revision.status == REVISION_PENDING;
        if (!open && !machine_is_stored(row))
            continue;
        if (intent->history_id != NULL && machine_is_of_uid(row, intent->uid) &&
            machine_same_text(row->memory.history_id, intent->history_id))
            return row;
        if (!machine_has_template(row, intent->template_sha))
            continue;
        if (intent->uid == NULL
                ? open && row->revision.uid == NULL
                : machine_is_of_uid(row, intent->uid) &&
                      (is_generation(row, intent) || is_retried(machine, row, intent)))
            return row;
    }
    return NULL;
}

/* The row whose template this request found: of the greatest generation before its own. */
static struct row *find_base(const struct machine *machine, const struct machine_intent *intent)
{
    struct row *base = NULL;
    for (size_t i = 0; intent->uid != NULL && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (!machine_is_of_uid(row, intent->uid) || generation == 0 ||
            (!machine_is_stored(row) && row->revision.status != REVISION_PENDING) ||
            (intent->generation != 0 && generation >= intent->generation))
            continue;
        if (base == NULL || generation >= base->revision.generation)
            base = row;
    }
    return base;
}

static bool changes_template(const struct machine *machine, const struct machine_intent *intent)
{
    if (intent->old_template_sha != NULL)
        return strcmp(intent->old_template_sha, intent->template_sha) != 0;
    const struct row *base = find_base(machine, intent);
    return base == NULL || !machine_has_template(base, intent->template_sha);
}

static void take_delete(struct machine *machine, const struct machine_intent *intent)
{
    if (machine->current == NULL)
        return;
    struct memory *memory = machine_touch(machine->current);
    memory->delete_intent = intent->id;
    memory->deleter = machine_keep(machine, intent->actor_user);
}

/* A cancel without a good version to go back to: it is paused, and no more is done. */
static void take_cancel(struct machine *machine, const struct machine_intent *intent)
{
    struct row *row = machine_find_id(machine, intent->rollback_of);
    if (row == NULL)
        row = machine->current;
    if (row == NULL || row->revision.status != REVISION_IN_PROGRESS)
        return;
    const char *message = arena_printf(
        &machine->step, "cancelled by %s; there is no good version to go back to: it is paused",
        machine_visible(machine, machine_text_or(intent->actor_user, "somebody")));
    if (machine_move(machine, row, REVISION_CANCELLED, "Paused", message))
        machine_tell(machine, row, MACHINE_CANCELLED, row->revision.message, NULL);
    if (intent->id != 0)
        machine_note_joined(machine, row, intent->id);
}

static void take_intent(struct machine *machine, const struct machine_intent *intent)
{
    struct row *row = find_joined(machine, intent);
    if (row == NULL && !changes_template(machine, intent) && intent->rollback_of == 0) {
        /* It may come late: the version that it was about need not be the current one any more. */
        struct row *base = find_base(machine, intent);
        if (base == NULL && machine->current != NULL &&
            machine_is_of_uid(machine->current, intent->uid))
            base = machine->current;
        if (base != NULL)
            machine_note_joined(machine, base, intent->id);
        return;
    }
    if (row == NULL) {
        row =
            machine_insert(machine, &(struct revision){
                                        .uid = intent->uid,
                                        .generation = intent->generation != 0 ? intent->generation
                                                      : intent->uid == NULL   ? 1
                                                                              : 0,
                                        .template_sha = intent->template_sha,
                                        .origin = REVISION_ADMISSION,
                                        .status = REVISION_PENDING,
                                        .started_at = intent->received_at != 0 ? intent->received_at
                                                                               : machine->now,
                                    });
        const struct row *before = machine_find_stored(machine, NULL, intent->template_sha);
        if (before != NULL)
            row->revision.source = before->revision.id;
    }
    join(machine, row, intent);
}

void machine_intent(struct machine *machine, const struct machine_intent *intent, int64_t now)
{
    machine_begin(machine, now);
    if (intent->delete_)
        take_delete(machine, intent);
    else if (intent->cancel && intent->template_sha == NULL)
        take_cancel(machine, intent);
    else if (intent->template_sha != NULL)
        take_intent(machine, intent);
    machine_settle_pending(machine, NULL);
    machine_settle_rollbacks(machine);
    machine_finish(machine);
}
