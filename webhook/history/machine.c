#include "base/limits.h"
#include "history/machine_internal.h"

#include <string.h>

/* An object in etcd has at most 1.5 MiB. */
#define VALUE_BYTES_MAX (2 * LIMIT_MIB)

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
        machine_supersede(machine, row);
}

/* DELETED, or another uid in its place. */
static void delete_current(struct machine *machine, bool gap)
{
    struct row *row = machine->current;
    const char *uid = row->revision.uid;
    const int64_t seen = row->memory.seen_generation;
    const char *deleter = row->memory.deleter;
    if (row->memory.delete_intent != 0)
        machine_note_joined(machine, row, row->memory.delete_intent);
    leave_current(machine);
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *pending = machine->rows[i];
        if (pending->revision.status == REVISION_PENDING && machine_is_of_uid(pending, uid))
            machine_end_pending(machine, pending, gap && pending->revision.generation > seen,
                                "Deleted", "the Deployment was deleted before it was stored");
    }
    machine_settle_rollbacks(machine);
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
        if (machine_has_template(before, view->sets[i].template_sha) &&
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
        if (old->status != REVISION_NOT_PERSISTED || !machine_is_of_uid(row, old->uid) ||
            old->generation != row->revision.generation ||
            !machine_has_template(row, old->template_sha))
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
    const struct row *before = machine_find_stored(machine, NULL, deployment->template_sha);
    const char *actor =
        arena_printf(&machine->step, "unknown (manager %s)",
                     machine_visible(machine, machine_text_or(deployment->manager, "unknown")));
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
    /* What came before the first sight of a Deployment was never shown. */
    const int64_t low = before != NULL ? before->memory.gap_low : 0;
    const int64_t high = before != NULL               ? before->memory.gap_high
                         : deployment->generation > 1 ? deployment->generation
                                                      : 0;
    if (row == NULL) {
        row = insert_seen(machine, view, first_start);
        take_given_up(machine, row);
    } else {
        (void)machine_move(machine, row, REVISION_IN_PROGRESS, NULL, NULL);
        if (!machine_has_template(row, deployment->template_sha))
            row->revision.template_sha = machine_keep(machine, deployment->template_sha);
        if (row->revision.uid == NULL)
            row->revision.uid = machine_keep(machine, deployment->uid);
        const int64_t asked = row->revision.generation;
        if (asked == 0 ||
            (before != NULL && machine_is_of_uid(before, deployment->uid) &&
             asked <= before->memory.seen_generation && (asked <= low || asked >= high)))
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
        if (history ||
            machine_find_stored(machine, view->deployment->uid, next->template_sha) == NULL)
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
        if (machine_is_stored(machine->rows[i]) && machine_is_of_uid(machine->rows[i], uid))
            return true;
    }
    return false;
}

/* A uid does not come back: what is still told of it is late. */
static bool is_dead(const struct machine *machine, const char *uid)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        if (machine->rows[i]->revision.status == REVISION_DELETED &&
            machine_is_of_uid(machine->rows[i], uid))
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
    *ret_row = machine_find_pending(machine, deployment,
                                    current != NULL ? current->revision.generation : 0);
    if (current == NULL || !machine_has_template(current, deployment->template_sha))
        return true;
    const int64_t generation = *ret_row != NULL ? (*ret_row)->revision.generation : 0;
    return generation > 0 && current->memory.gap_high == deployment->generation &&
           generation > current->memory.gap_low + 1;
}

/* Who owned which fields, as JSON; those of subresources are not the template's. */
static const char *managed_fields(struct machine *machine, const struct view_deployment *deployment)
{
    struct buf buf;
    const cJSON *entry;
    buf_init(&buf, &machine->step, VALUE_BYTES_MAX);
    cJSON_ArrayForEach(entry, json_path(deployment->object, "metadata", "managedFields", NULL))
    {
        if (json_get_string(entry, "subresource") != NULL)
            continue;
        buf_add_char(&buf, buf.length == 0 ? '[' : ',');
        json_write(&buf, entry);
    }
    if (buf.length == 0)
        return NULL;
    buf_add_char(&buf, ']');
    return buf.data;
}

/* What a way back puts back beside the template: as it was last, while this version was stored. */
static void keep_values(struct machine *machine, const struct view_deployment *deployment)
{
    struct row *row = machine->current;
    const char *fields = managed_fields(machine, deployment);
    if (deployment->last_applied != NULL &&
        !machine_same_text(row->revision.last_applied, deployment->last_applied)) {
        machine_touch(row);
        row->revision.last_applied = machine_keep(machine, deployment->last_applied);
    }
    if (fields != NULL && !machine_same_text(row->revision.managed_fields, fields)) {
        machine_touch(row);
        row->revision.managed_fields = machine_keep(machine, fields);
    }
}

static void see_deployment(struct machine *machine, const struct project_view *view, bool gap)
{
    const struct view_deployment *deployment = view->deployment;
    struct row *row;
    if (machine->current != NULL && !machine_is_of_uid(machine->current, deployment->uid))
        delete_current(machine, true);
    const bool first_sight = !knows_uid(machine, deployment->uid);
    const bool first_start =
        machine->row_count == 0 && deployment->observed_generation >= deployment->generation;
    const int64_t seen = machine->current != NULL ? machine->current->memory.seen_generation : 0;
    /* The same generation again: of this Deployment nothing was missed. */
    if (machine->current != NULL &&
        (gap ? deployment->generation != seen : deployment->generation > seen + 1))
        note_gap(machine, seen, deployment->generation);
    const bool importing = machine->current != NULL && machine->current->memory.importing;
    machine_witness_pending(machine, view);
    /* Before its first generation there is nothing, whatever its sets are numbered by now. */
    if ((first_sight && deployment->generation > 1) || importing)
        import_sets(machine, view, import_limit(view), first_sight);
    if (deployment->generation >= seen && is_news(machine, deployment, &row))
        take_up(machine, view, row, first_start);
    struct memory *memory = &machine->current->memory;
    if (deployment->generation >= seen)
        keep_values(machine, deployment);
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
        machine_settle_pending(machine, view);
        if (view->deployment->generation >= machine->current->memory.seen_generation)
            machine_judge_view(machine, view);
    }
    machine->in_sync = !machine->away;
    machine_tell_instances(machine, view);
    machine_expire_pending(machine);
    machine_settle_rollbacks(machine);
    machine_finish(machine);
}

void machine_tick(struct machine *machine, int64_t now)
{
    machine_begin(machine, now);
    if (machine->current != NULL)
        machine_judge_clock(machine);
    machine_expire_pending(machine);
    machine_settle_rollbacks(machine);
    machine_finish(machine);
}

void machine_sync(struct machine *machine, bool in_sync)
{
    machine->in_sync = in_sync;
    machine->away = !in_sync;
}

/* ---- Around the steps */

/* A version that is under way is the one that is stored, though its memory was lost: else nobody
 * would ever end it. */
static void find_current(struct machine *machine)
{
    for (size_t i = machine->row_count; machine->current == NULL && i-- > 0;) {
        struct row *row = machine->rows[i];
        if (row->revision.status != REVISION_IN_PROGRESS)
            continue;
        machine_touch(row)->current = true;
        row->memory.seen_generation = row->revision.generation;
        machine->current = row;
    }
}

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
    find_current(machine);
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

const struct revision *machine_current(const struct machine *machine)
{
    return machine->current != NULL ? &machine->current->revision : NULL;
}

const struct revision *machine_of_set(const struct machine *machine, const char *rs_uid)
{
    for (size_t i = machine->row_count; rs_uid != NULL && i-- > 0;) {
        if (machine_same_text(machine->rows[i]->revision.rs_uid, rs_uid))
            return &machine->rows[i]->revision;
    }
    return NULL;
}

static void shift(int64_t *at, int64_t by_us)
{
    if (*at != 0)
        *at += by_us;
}

void machine_shift(struct machine *machine, int64_t by_us, int64_t now)
{
    machine_begin(machine, now);
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const bool pending = row->revision.status == REVISION_PENDING;
        if (row != machine->current && !pending)
            continue;
        struct memory *memory = machine_touch(row);
        shift(&row->revision.deadline_at, by_us);
        shift(&row->revision.soak_until, by_us);
        shift(&memory->bad_since, by_us);
        shift(&memory->suspended_at, by_us);
        if (pending)
            shift(&row->revision.started_at, by_us);
    }
    machine_finish(machine);
}

int64_t machine_next_tick(const struct machine *machine)
{
    int64_t next = machine->current != NULL ? machine_judge_next(machine) : INT64_MAX;
    for (size_t i = 0; machine->in_sync && i < machine->row_count; i++) {
        const struct row *row = machine->rows[i];
        if (row->revision.status == REVISION_PENDING && machine_pending_until(machine, row) < next)
            next = machine_pending_until(machine, row);
    }
    return next;
}
