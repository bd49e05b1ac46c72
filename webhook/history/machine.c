#include "history/machine_internal.h"

#include <string.h>

#define GAP_MESSAGE "versions were missed: what became of it is not known"

static const char *or_text(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

/* ---- What truth said of a generation */

static bool is_stored(const struct row *row)
{
    const enum revision_status status = row->revision.status;
    return status != REVISION_PENDING && status != REVISION_NOT_PERSISTED &&
           status != REVISION_UNKNOWN;
}

static bool is_of_uid(const struct row *row, const char *uid)
{
    return machine_same_text(row->revision.uid, uid);
}

static bool has_template(const struct row *row, const char *sha)
{
    return machine_same_text(row->revision.template_sha, sha);
}

/* The newest stored row of that uid (NULL: any) with that template; NULL: none. */
static struct row *find_stored(const struct machine *machine, const char *uid, const char *sha)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        struct row *row = machine->rows[i];
        if (is_stored(row) && has_template(row, sha) && (uid == NULL || is_of_uid(row, uid)))
            return row;
    }
    return NULL;
}

static struct row *find_id(const struct machine *machine, int64_t id)
{
    for (size_t i = machine->row_count; id != 0 && i-- > 0;) {
        if (machine->rows[i]->revision.id == id)
            return machine->rows[i];
    }
    return NULL;
}

/* ---- Rollbacks: how the way back goes decides how its origin ends. */

static void settle_one(struct machine *machine, struct row *origin, const struct row *back)
{
    const enum revision_status status = back->revision.status;
    const char *number =
        arena_printf(&machine->step, "version %lld", (long long)back->revision.seq);
    if (status == REVISION_COMPLETED &&
        machine_move(machine, origin, REVISION_ROLLED_BACK, NULL, NULL)) {
        machine_tell(machine, origin, MACHINE_ROLLBACK_COMPLETED,
                     arena_printf(&machine->step, "%s serves", number), NULL);
        return;
    }
    const bool superseded = status == REVISION_SUPERSEDED || status == REVISION_CANCELLED ||
                            status == REVISION_ROLLING_BACK || status == REVISION_ROLLED_BACK;
    if (status == REVISION_PENDING || status == REVISION_IN_PROGRESS)
        return;
    const char *message = arena_printf(&machine->step, "the way back, %s, ended as %s", number,
                                       revision_status_name(status));
    if (machine_move(machine, origin, REVISION_FAILED,
                     superseded ? "RollbackSuperseded" : "RollbackFailed", message))
        machine_tell_again(machine, origin, MACHINE_DEPLOYMENT_FAILED, back->revision.seq, message);
}

static void settle_rollbacks(struct machine *machine)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *origin = machine->rows[i];
        if (origin->revision.status != REVISION_ROLLING_BACK)
            continue;
        for (size_t j = machine->row_count; j-- > 0;) {
            if (machine->rows[j]->revision.rollback_of == origin->revision.id) {
                settle_one(machine, origin, machine->rows[j]);
                break;
            }
        }
    }
}

/* ---- Pending: truth shows it, or something else in its place, or nothing. */

static void end_pending(struct machine *machine, struct row *row, bool unknown, const char *reason,
                        const char *message)
{
    if (unknown) {
        (void)machine_move(machine, row, REVISION_UNKNOWN, "gap", GAP_MESSAGE);
        return;
    }
    if (machine_move(machine, row, REVISION_NOT_PERSISTED, reason, message))
        machine_tell(machine, row, MACHINE_NOT_PERSISTED, row->revision.message, NULL);
}

/* After a gap a ReplicaSet may witness that the template was stored, if no other row had it; our
 * own write's history-id stays on the object. */
static bool has_witness(const struct machine *machine, const struct row *row,
                        const struct project_view *view)
{
    if (view != NULL && row->memory.history_id != NULL &&
        machine_same_text(row->memory.history_id, view->deployment->history_id))
        return true;
    if (find_stored(machine, row->revision.uid, row->revision.template_sha) != NULL)
        return false;
    for (size_t i = 0; view != NULL && i < view->set_count; i++) {
        if (machine_same_text(view->sets[i].owner_uid, row->revision.uid) &&
            machine_same_text(view->sets[i].template_sha, row->revision.template_sha))
            return true;
    }
    return false;
}

static void supersede(struct machine *machine, struct row *row)
{
    if (machine_move(machine, row, REVISION_SUPERSEDED, NULL, NULL))
        machine_tell(machine, row, MACHINE_SUPERSEDED, "a newer template is stored", NULL);
}

/* Those whose generation has been shown with another template, or was passed unseen. */
static void settle_pending(struct machine *machine, const struct project_view *view)
{
    const struct row *current = machine->current;
    for (size_t i = 0; current != NULL && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (row->revision.status != REVISION_PENDING || row == current || generation == 0 ||
            !is_of_uid(row, current->revision.uid) || generation > current->memory.seen_generation)
            continue;
        const bool unseen =
            generation > current->memory.gap_low && generation < current->memory.gap_high;
        if (unseen && has_witness(machine, row, view))
            supersede(machine, row);
        else
            end_pending(machine, row, unseen, "OtherStored",
                        "something else was stored as this generation: it was refused, or "
                        "another was quicker");
    }
}

/* Before sets are imported as versions of their own: those that an intent told of. */
static void witness_pending(struct machine *machine, const struct project_view *view)
{
    const struct row *current = machine->current;
    for (size_t i = 0; current != NULL && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        if (row->revision.status == REVISION_PENDING && is_of_uid(row, current->revision.uid) &&
            row->revision.generation > current->memory.gap_low &&
            row->revision.generation < current->memory.gap_high &&
            !has_template(row, view->deployment->template_sha) && has_witness(machine, row, view))
            supersede(machine, row);
    }
}

static int64_t pending_until(const struct machine *machine, const struct row *row)
{
    return row->revision.started_at + machine->settings.persist_us;
}

static void expire_pending(struct machine *machine)
{
    for (size_t i = 0; machine->in_sync && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        if (row->revision.status == REVISION_PENDING && machine->now >= pending_until(machine, row))
            end_pending(machine, row, row->memory.gapped, "NotStored",
                        "admitted, and never stored: it was refused elsewhere");
    }
}

/* Whether another template was to be stored as that generation or since: then nobody can tell
 * whether the view's was stored with this intent or after the other. */
static bool is_overtaken(const struct machine *machine, const struct row *row,
                         const struct view_deployment *deployment)
{
    for (size_t i = 0; row->revision.generation != 0 && i < machine->row_count; i++) {
        const struct row *other = machine->rows[i];
        if (other->revision.status == REVISION_PENDING && is_of_uid(other, deployment->uid) &&
            other->revision.generation >= row->revision.generation &&
            other->revision.generation <= deployment->generation &&
            deployment->generation > row->revision.generation &&
            !has_template(other, deployment->template_sha))
            return true;
    }
    return false;
}

/* The intent that a view is: the own write by its history-id, else the same template at the
 * latest generation that is not past the view's. */
static struct row *find_pending(const struct machine *machine,
                                const struct view_deployment *deployment, int64_t after)
{
    struct row *found = NULL;
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (row->revision.status != REVISION_PENDING ||
            (row->revision.uid != NULL && !is_of_uid(row, deployment->uid)) ||
            generation > deployment->generation || (generation != 0 && generation <= after))
            continue;
        const bool exact = generation == 0 || generation == deployment->generation;
        if (exact && row->memory.history_id != NULL &&
            machine_same_text(row->memory.history_id, deployment->history_id))
            return row;
        if (has_template(row, deployment->template_sha) &&
            (found == NULL || generation >= found->revision.generation))
            found = row;
    }
    return found != NULL && is_overtaken(machine, found, deployment) ? NULL : found;
}

/* ---- Intents */

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

static void note_joined(struct machine *machine, struct row *row, int64_t intent)
{
    machine_note(machine, &(struct machine_effect){.kind = MACHINE_JOINED,
                                                   .revision = &row->revision,
                                                   .intent = intent});
}

/* Our own write: where it goes back from, and what becomes of that. */
static void begin_rollback(struct machine *machine, struct row *row,
                           const struct machine_intent *intent)
{
    struct row *origin = find_id(machine, intent->rollback_of);
    row->revision.rollback_of = intent->rollback_of;
    row->revision.source = intent->source;
    row->revision.origin = REVISION_RECORDER;
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
    const bool own = intent->rollback_of != 0;
    const bool same_write = own || row->revision.origin == REVISION_RECORDER;
    const bool certain = row->revision.actor_certain;
    const bool same_actor = machine_same_text(row->revision.actor_user, intent->actor_user) &&
                            machine_same_text(row->revision.on_behalf_of, intent->on_behalf_of);
    struct memory *memory = machine_touch(row);
    if (intent->id != 0)
        note_joined(machine, row, intent->id);
    memory->intents++;
    if (row->memory.history_id == NULL)
        memory->history_id = machine_keep(machine, intent->history_id);
    if (own)
        begin_rollback(machine, row, intent);
    if (own || row->revision.origin != REVISION_RECORDER)
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

/* The row that this intent is a further word of, pending or (when truth was quicker) stored. */
static struct row *find_joined(const struct machine *machine, const struct machine_intent *intent)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        struct row *row = machine->rows[i];
        const bool open = row->revision.status == REVISION_PENDING;
        if (!open && !is_stored(row))
            continue;
        if (intent->history_id != NULL && is_of_uid(row, intent->uid) &&
            machine_same_text(row->memory.history_id, intent->history_id))
            return row;
        if (!has_template(row, intent->template_sha))
            continue;
        if (intent->uid == NULL ? open && row->revision.uid == NULL
                                : is_of_uid(row, intent->uid) && is_generation(row, intent))
            return row;
    }
    return NULL;
}

/* The row whose template this request found: of the greatest generation before its own. */
static const struct row *find_base(const struct machine *machine,
                                   const struct machine_intent *intent)
{
    const struct row *base = NULL;
    for (size_t i = 0; intent->uid != NULL && i < machine->row_count; i++) {
        const struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (!is_of_uid(row, intent->uid) || generation == 0 ||
            (!is_stored(row) && row->revision.status != REVISION_PENDING) ||
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
    return base == NULL || !has_template(base, intent->template_sha);
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
    struct row *row = find_id(machine, intent->rollback_of);
    if (row == NULL)
        row = machine->current;
    if (row == NULL || row->revision.status != REVISION_IN_PROGRESS)
        return;
    const char *message = arena_printf(
        &machine->step, "cancelled by %s; there is no good version to go back to: it is paused",
        machine_visible(machine, or_text(intent->actor_user, "somebody")));
    if (machine_move(machine, row, REVISION_CANCELLED, "Paused", message))
        machine_tell(machine, row, MACHINE_CANCELLED, row->revision.message, NULL);
    if (intent->id != 0)
        note_joined(machine, row, intent->id);
}

static void take_intent(struct machine *machine, const struct machine_intent *intent)
{
    struct row *row = find_joined(machine, intent);
    if (row == NULL && !changes_template(machine, intent) && intent->rollback_of == 0) {
        if (machine->current != NULL && is_of_uid(machine->current, intent->uid))
            note_joined(machine, machine->current, intent->id);
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
        const struct row *before = find_stored(machine, NULL, intent->template_sha);
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
    settle_pending(machine, NULL);
    settle_rollbacks(machine);
    machine_finish(machine);
}

/* ---- What is stored changes */

static void leave_current(struct machine *machine)
{
    struct row *row = machine->current;
    machine_touch(row)->current = false;
    row->memory.bad_since = 0;
    row->revision.soak_until = 0;
    machine->current = NULL;
}

static void replace_current(struct machine *machine, const struct row *next)
{
    struct row *row = machine->current;
    const bool cancelled = next->memory.cancels && row->revision.id != 0 &&
                           next->revision.rollback_of == row->revision.id;
    leave_current(machine);
    if (cancelled && machine_move(machine, row, REVISION_CANCELLED, "Cancelled", "cancelled"))
        machine_tell(machine, row, MACHINE_CANCELLED, "cancelled", NULL);
    else if (row->revision.status == REVISION_IN_PROGRESS)
        supersede(machine, row);
}

/* DELETED, or another uid in its place. */
static void delete_current(struct machine *machine, bool gap)
{
    struct row *row = machine->current;
    const char *uid = row->revision.uid;
    const int64_t seen = row->memory.seen_generation;
    const char *deleter = row->memory.deleter;
    if (row->memory.delete_intent != 0)
        note_joined(machine, row, row->memory.delete_intent);
    leave_current(machine);
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *pending = machine->rows[i];
        if (pending->revision.status == REVISION_PENDING && is_of_uid(pending, uid))
            end_pending(machine, pending, gap && pending->revision.generation > seen, "Deleted",
                        "the Deployment was deleted before it was stored");
    }
    settle_rollbacks(machine);
    if (machine_move(machine, row, REVISION_DELETED, NULL, NULL))
        machine_tell(machine, row, MACHINE_DELETED,
                     deleter == NULL ? "deleted"
                                     : arena_printf(&machine->step, "deleted by %s",
                                                    machine_visible(machine, deleter)),
                     NULL);
}

static const char *change_kind(const struct project_view *view, const struct row *before)
{
    for (size_t i = 0; before != NULL && i < view->set_count; i++) {
        if (has_template(before, view->sets[i].template_sha) &&
            view->sets[i].pod_template != NULL && view->deployment->pod_template != NULL)
            return view_change_kind(view->sets[i].pod_template, view->deployment->pod_template);
    }
    return NULL;
}

/* An intent that was given up too early: the watch told of it later than anybody waits. */
static void take_given_up(struct machine *machine, struct row *row)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        const struct revision *old = &machine->rows[i]->revision;
        if (old->status != REVISION_NOT_PERSISTED || !is_of_uid(row, old->uid) ||
            old->generation != row->revision.generation || !has_template(row, old->template_sha))
            continue;
        row->revision.actor_user = old->actor_user;
        row->revision.actor_groups = old->actor_groups;
        row->revision.via = old->via;
        row->revision.on_behalf_of = old->on_behalf_of;
        row->revision.actor_certain = old->actor_certain;
        row->revision.origin = old->origin;
        row->revision.rollback_of = old->rollback_of;
        row->revision.source = old->source;
    }
}

static struct row *insert_seen(struct machine *machine, const struct project_view *view,
                               bool first_start)
{
    const struct view_deployment *deployment = view->deployment;
    const struct row *before = find_stored(machine, NULL, deployment->template_sha);
    const char *actor =
        arena_printf(&machine->step, "unknown (manager %s)",
                     machine_visible(machine, or_text(deployment->manager, "unknown")));
    return machine_insert(machine, &(struct revision){
                                       .uid = deployment->uid,
                                       .template_sha = deployment->template_sha,
                                       .generation = deployment->generation,
                                       .origin = first_start ? REVISION_IMPORT : REVISION_WATCH,
                                       .actor_user = actor,
                                       .change_cause = deployment->change_cause,
                                       .policy_changes = deployment->policy_changes,
                                       .last_applied = deployment->last_applied,
                                       .change_kind = change_kind(view, machine->current),
                                       .source = before != NULL ? before->revision.id : 0,
                                       .status = REVISION_IN_PROGRESS,
                                   });
}

/* A new template is stored: its row, by an intent or without, becomes the current one. */
static void take_up(struct machine *machine, const struct project_view *view, struct row *row,
                    bool first_start)
{
    const struct view_deployment *deployment = view->deployment;
    const struct row *before = machine->current;
    const int64_t low = before != NULL ? before->memory.gap_low : 0;
    const int64_t high = before != NULL ? before->memory.gap_high : 0;
    if (row == NULL) {
        row = insert_seen(machine, view, first_start);
        take_given_up(machine, row);
    } else {
        (void)machine_move(machine, row, REVISION_IN_PROGRESS, NULL, NULL);
        if (!has_template(row, deployment->template_sha))
            row->revision.template_sha = machine_keep(machine, deployment->template_sha);
        if (row->revision.uid == NULL)
            row->revision.uid = machine_keep(machine, deployment->uid);
        if (row->revision.generation == 0)
            row->revision.generation = deployment->generation;
        if (row->revision.change_kind == NULL)
            row->revision.change_kind = machine_keep(machine, change_kind(view, before));
    }
    if (before != NULL)
        replace_current(machine, row);
    machine->current = row;
    struct memory *memory = machine_touch(row);
    memory->current = true;
    memory->gap_low = low;
    memory->gap_high = high;
    machine_first_sight(machine, row, view);
}

/* ---- Import: what ReplicaSets witness of versions that nobody recorded */

static void import_one(struct machine *machine, const struct view_set *set, int64_t number)
{
    machine_insert(machine, &(struct revision){
                                .uid = set->owner_uid,
                                .template_sha = set->template_sha,
                                .rs_name = set->name,
                                .rs_uid = set->uid,
                                .k8s_revision = number,
                                .actor_user = "unknown (imported)",
                                .origin = REVISION_IMPORT,
                                .status = REVISION_SUPERSEDED,
                                .reason = "Imported",
                                .message = "found as a ReplicaSet; how it ended is not known",
                                .started_at = set->created_at,
                            });
}

/* The smallest number above `after` that a set has now or (on first sight) had before; 0: none. */
static int64_t next_number(const struct view_set *set, int64_t after, bool history)
{
    int64_t least = set->k8s_revision > after ? set->k8s_revision : 0;
    const char *at = history ? set->revision_history : NULL;
    while (at != NULL && *at != '\0') {
        int64_t number = 0;
        for (; *at >= '0' && *at <= '9' && number < INT64_MAX / 100; at++)
            number = number * 10 + (*at - '0');
        if (number > after && (least == 0 || number < least))
            least = number;
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    return least;
}

/* In the order of their numbers, those below `below`.  On first sight of a Deployment each number
 * is a version; after a gap a template that some row has says nothing new. */
static void import_sets(struct machine *machine, const struct project_view *view, int64_t below,
                        bool history)
{
    for (int64_t after = 0;;) {
        const struct view_set *next = NULL;
        int64_t least = 0;
        for (size_t i = 0; i < view->set_count; i++) {
            const struct view_set *set = &view->sets[i];
            const int64_t number = next_number(set, after, history);
            if (!machine_same_text(set->owner_uid, view->deployment->uid) || number == 0 ||
                number >= below || (least != 0 && number >= least))
                continue;
            least = number;
            next = set;
        }
        if (next == NULL)
            return;
        after = least;
        if (history || find_stored(machine, view->deployment->uid, next->template_sha) == NULL)
            import_one(machine, next, least);
    }
}

/* The number from which on versions are the stored one's, or later. */
static int64_t import_limit(const struct project_view *view)
{
    const struct view_set *set = view_new_set(view);
    return set != NULL ? set->k8s_revision : view->deployment->k8s_revision + 1;
}

/* ---- Views */

static bool knows_uid(const struct machine *machine, const char *uid)
{
    for (size_t i = 0; i < machine->row_count; i++) {
        if (is_stored(machine->rows[i]) && is_of_uid(machine->rows[i], uid))
            return true;
    }
    return false;
}

/* A uid does not come back: what is still told of it is late. */
static bool is_dead(const struct machine *machine, const char *uid)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        if (machine->rows[i]->revision.status == REVISION_DELETED &&
            is_of_uid(machine->rows[i], uid))
            return true;
    }
    return false;
}

static void note_gap(struct machine *machine, int64_t from, int64_t to)
{
    struct memory *memory = machine_touch(machine->current);
    if (to > from + 1) {
        memory->gap_low = from;
        memory->gap_high = to;
    }
    memory->importing = true;
    for (size_t i = 0; i < machine->row_count; i++) {
        if (machine->rows[i]->revision.status == REVISION_PENDING &&
            machine->rows[i]->revision.generation == 0)
            machine_touch(machine->rows[i])->gapped = true;
    }
    machine_tell_again(machine, machine->current, MACHINE_GAP, machine->now,
                       "versions may have been missed");
}

/* Whether the view shows another template than the current row's, by which intent (NULL: none),
 * or the same one again, stored anew while nobody looked. */
static bool is_news(const struct machine *machine, const struct view_deployment *deployment,
                    struct row **ret_row)
{
    const struct row *current = machine->current;
    *ret_row =
        find_pending(machine, deployment, current != NULL ? current->revision.generation : 0);
    if (current == NULL || !has_template(current, deployment->template_sha))
        return true;
    const int64_t generation = *ret_row != NULL ? (*ret_row)->revision.generation : 0;
    return generation > 0 && current->memory.gap_high == deployment->generation &&
           generation > current->memory.gap_low + 1;
}

static void see_deployment(struct machine *machine, const struct project_view *view, bool gap)
{
    const struct view_deployment *deployment = view->deployment;
    struct row *row;
    if (machine->current != NULL && !is_of_uid(machine->current, deployment->uid))
        delete_current(machine, true);
    const bool first_sight = !knows_uid(machine, deployment->uid);
    const bool first_start =
        machine->row_count == 0 && deployment->observed_generation >= deployment->generation;
    const int64_t seen = machine->current != NULL ? machine->current->memory.seen_generation : 0;
    if (machine->current != NULL && (gap || deployment->generation > seen + 1))
        note_gap(machine, seen, deployment->generation);
    const bool importing = machine->current != NULL && machine->current->memory.importing;
    witness_pending(machine, view);
    if (first_sight || importing)
        import_sets(machine, view, import_limit(view), first_sight);
    if (deployment->generation >= seen && is_news(machine, deployment, &row))
        take_up(machine, view, row, first_start);
    struct memory *memory = &machine->current->memory;
    if (deployment->generation > memory->seen_generation)
        machine_touch(machine->current)->seen_generation = deployment->generation;
    if (memory->importing && deployment->observed_generation >= deployment->generation)
        machine_touch(machine->current)->importing = false;
}

void machine_view(struct machine *machine, const struct project_view *view, bool gap, int64_t now)
{
    machine_begin(machine, now);
    if (view->deployment == NULL) {
        if (machine->current != NULL)
            delete_current(machine, gap);
    } else if (!is_dead(machine, view->deployment->uid)) {
        see_deployment(machine, view, gap);
        settle_pending(machine, view);
        if (view->deployment->generation >= machine->current->memory.seen_generation)
            machine_judge_view(machine, view);
    }
    machine->in_sync = true;
    machine_tell_instances(machine, view);
    expire_pending(machine);
    settle_rollbacks(machine);
    machine_finish(machine);
}

void machine_tick(struct machine *machine, int64_t now)
{
    machine_begin(machine, now);
    if (machine->current != NULL)
        machine_judge_clock(machine);
    expire_pending(machine);
    settle_rollbacks(machine);
    machine_finish(machine);
}

void machine_sync(struct machine *machine, bool in_sync)
{
    machine->in_sync = in_sync;
}

/* ---- Around the steps */

int machine_load(struct machine *machine, const struct revision *rows, size_t count,
                 struct err *reterr)
{
    machine_begin(machine, machine->now);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].seq <= machine->last_seq)
            return err_set(reterr, ERR_STORE, "revision %lld is out of order",
                           (long long)rows[i].seq);
        machine_load_row(machine, &rows[i]);
    }
    return 0;
}

static struct row *find_seq(const struct machine *machine, int64_t seq)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        if (machine->rows[i]->revision.seq == seq)
            return machine->rows[i];
    }
    return NULL;
}

void machine_inserted(struct machine *machine, int64_t seq, int64_t id)
{
    struct row *row = find_seq(machine, seq);
    if (row != NULL)
        row->revision.id = row->stored.id = id;
}

void machine_mark(struct machine *machine, int64_t seq, enum revision_good good, const char *by)
{
    struct row *row = find_seq(machine, seq);
    if (row == NULL)
        return;
    row->revision.good = row->stored.good = good;
    row->revision.good_by = row->stored.good_by = machine_keep(machine, by);
    row->revision.soak_until = row->stored.soak_until = 0;
}

int64_t machine_next_tick(const struct machine *machine)
{
    int64_t next = machine->current != NULL ? machine_judge_next(machine) : INT64_MAX;
    for (size_t i = 0; machine->in_sync && i < machine->row_count; i++) {
        const struct row *row = machine->rows[i];
        if (row->revision.status == REVISION_PENDING && pending_until(machine, row) < next)
            next = pending_until(machine, row);
    }
    return next;
}
