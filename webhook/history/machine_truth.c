#include "history/machine_internal.h"

#include <string.h>

#define RETRIED_US  (5 * 1000000LL)
#define GAP_MESSAGE "versions were missed: what became of it is not known"

/* ---- What truth said of a generation */

bool machine_is_stored(const struct row *row)
{
    const enum revision_status status = row->revision.status;
    return status != REVISION_PENDING && status != REVISION_NOT_PERSISTED &&
           status != REVISION_UNKNOWN;
}

bool machine_is_of_uid(const struct row *row, const char *uid)
{
    return machine_same_text(row->revision.uid, uid);
}

bool machine_has_template(const struct row *row, const char *sha)
{
    return machine_same_text(row->revision.template_sha, sha);
}

/* The newest stored row of that uid (NULL: any) with that template; NULL: none. */
struct row *machine_find_stored(const struct machine *machine, const char *uid, const char *sha)
{
    for (size_t i = machine->row_count; i-- > 0;) {
        struct row *row = machine->rows[i];
        if (machine_is_stored(row) && machine_has_template(row, sha) &&
            (uid == NULL || machine_is_of_uid(row, uid)))
            return row;
    }
    return NULL;
}

struct row *machine_find_id(const struct machine *machine, int64_t id)
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

void machine_settle_rollbacks(struct machine *machine)
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

void machine_end_pending(struct machine *machine, struct row *row, bool unknown, const char *reason,
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
    if (machine_find_stored(machine, row->revision.uid, row->revision.template_sha) != NULL)
        return false;
    for (size_t i = 0; view != NULL && i < view->set_count; i++) {
        if (machine_same_text(view->sets[i].owner_uid, row->revision.uid) &&
            machine_same_text(view->sets[i].template_sha, row->revision.template_sha))
            return true;
    }
    return false;
}

void machine_supersede(struct machine *machine, struct row *row)
{
    if (machine_move(machine, row, REVISION_SUPERSEDED, NULL, NULL))
        machine_tell(machine, row, MACHINE_SUPERSEDED, "a newer template is stored", NULL);
}

/* Those whose generation has been shown with another template, or was passed unseen. */
void machine_settle_pending(struct machine *machine, const struct project_view *view)
{
    const struct row *current = machine->current;
    for (size_t i = 0; current != NULL && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (row->revision.status != REVISION_PENDING || row == current || generation == 0 ||
            !machine_is_of_uid(row, current->revision.uid) ||
            generation > current->memory.seen_generation)
            continue;
        const bool unseen =
            generation > current->memory.gap_low && generation < current->memory.gap_high;
        if (unseen && has_witness(machine, row, view))
            machine_supersede(machine, row);
        else if (unseen)
            machine_end_pending(machine, row, true, NULL, NULL);
    }
}

/* Before sets are imported as versions of their own: those that an intent told of. */
void machine_witness_pending(struct machine *machine, const struct project_view *view)
{
    const struct row *current = machine->current;
    for (size_t i = 0; current != NULL && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        if (row->revision.status == REVISION_PENDING &&
            machine_is_of_uid(row, current->revision.uid) &&
            row->revision.generation > current->memory.gap_low &&
            row->revision.generation < current->memory.gap_high &&
            !machine_has_template(row, view->deployment->template_sha) &&
            has_witness(machine, row, view))
            machine_supersede(machine, row);
    }
}

/* Something else was stored as its generation. */
static bool is_taken(const struct machine *machine, const struct row *row)
{
    const struct row *current = machine->current;
    return current != NULL && row->revision.generation != 0 &&
           machine_is_of_uid(row, current->revision.uid) &&
           row->revision.generation <= current->memory.seen_generation;
}

/* The API server reads a Deployment from its cache; if that was behind, it asks admission again,
 * for a later generation (GuaranteedUpdate of its storage). */
int64_t machine_pending_until(const struct machine *machine, const struct row *row)
{
    const bool brief = is_taken(machine, row) && RETRIED_US < machine->settings.persist_us;
    return row->revision.started_at + (brief ? RETRIED_US : machine->settings.persist_us);
}

void machine_expire_pending(struct machine *machine)
{
    for (size_t i = 0; machine->in_sync && i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        if (row->revision.status != REVISION_PENDING ||
            machine->now < machine_pending_until(machine, row))
            continue;
        if (is_taken(machine, row))
            machine_end_pending(machine, row, false, "OtherStored",
                                "something else was stored as this generation: it was refused, or "
                                "another was quicker");
        else
            machine_end_pending(machine, row, row->memory.gapped, "NotStored",
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
        if (other->revision.status == REVISION_PENDING &&
            machine_is_of_uid(other, deployment->uid) &&
            other->revision.generation >= row->revision.generation &&
            other->revision.generation <= deployment->generation &&
            deployment->generation > row->revision.generation &&
            !machine_has_template(other, deployment->template_sha))
            return true;
    }
    return false;
}

/* The intent that a view is: the own write by its history-id, else the same template at the
 * latest generation that is not past the view's. */
struct row *machine_find_pending(const struct machine *machine,
                                 const struct view_deployment *deployment, int64_t after)
{
    struct row *found = NULL;
    for (size_t i = 0; i < machine->row_count; i++) {
        struct row *row = machine->rows[i];
        const int64_t generation = row->revision.generation;
        if (row->revision.status != REVISION_PENDING ||
            (row->revision.uid != NULL && !machine_is_of_uid(row, deployment->uid)) ||
            generation > deployment->generation)
            continue;
        const bool exact =
            generation == 0 || (generation == deployment->generation && generation > after);
        if (exact && row->memory.history_id != NULL &&
            machine_same_text(row->memory.history_id, deployment->history_id))
            return row;
        if (machine_has_template(row, deployment->template_sha) &&
            (found == NULL || generation >= found->revision.generation))
            found = row;
    }
    return found != NULL && is_overtaken(machine, found, deployment) ? NULL : found;
}
