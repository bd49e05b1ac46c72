#include "history/machine_internal.h"

#include <string.h>

/* ---- First sight */

/* The condition as it stood before this revision could have moved it: later it counts only if it
 * differs.  A rollout that returns to a template finds the old one, with its own name in it. */
static const char *condition_text(struct machine *machine, const struct view_deployment *deployment)
{
    if (!deployment->progressing.present)
        return "";
    const char *at = deployment->progressing.last_update;
    const char *message = deployment->progressing.message;
    return arena_printf(&machine->step, "%s %s", at != NULL ? at : "",
                        message != NULL ? message : "");
}

static int64_t old_pods(const struct project_view *view, const struct view_set *new_set)
{
    int64_t count = 0;
    for (size_t i = 0; i < view->set_count; i++) {
        if (&view->sets[i] != new_set &&
            machine_same_text(view->sets[i].owner_uid, view->deployment->uid))
            count += view->sets[i].created;
    }
    return count;
}

/* Paused until the controller has said that it is resumed; nothing to roll out; on its way out. */
static bool is_paused(const struct view_deployment *deployment)
{
    return deployment->paused ||
           machine_same_text(deployment->progressing.reason, "DeploymentPaused");
}

static bool is_suspended(const struct view_deployment *deployment)
{
    return is_paused(deployment) || deployment->replicas == 0 || deployment->deleting;
}

void machine_first_sight(struct machine *machine, struct row *row, const struct project_view *view)
{
    const struct view_deployment *deployment = view->deployment;
    struct revision *revision = &row->revision;
    struct memory *memory = machine_touch(row);
    revision->strategy = deployment->recreate ? "Recreate" : "RollingUpdate";
    revision->replicas = deployment->replicas;
    revision->progressing_baseline = machine_keep(machine, condition_text(machine, deployment));
    revision->progress = revision->progress < 5 ? 5 : revision->progress;
    revision->last_progress_at = machine->now;
    if (revision->started_at == 0)
        revision->started_at = machine->now;
    if (deployment->deadline_seconds > 0)
        revision->deadline_at = machine->now + machine->settings.deadline_factor *
                                                   deployment->deadline_seconds * 1000000;
    memory->old_pods = old_pods(view, view_new_set(view));
    memory->suspended_at = is_suspended(deployment) ? machine->now : 0;
    machine_tell(machine, row, MACHINE_DEPLOYMENT_STARTED,
                 arena_printf(&machine->step, "version %lld is stored, generation %lld",
                              (long long)revision->seq, (long long)revision->generation),
                 NULL);
}

/* ---- Triggers: what the stored revision's next state hangs on. */

struct look {
    struct machine *machine;
    struct row *row;
    const struct project_view *view; /* NULL: only the clock went on */
    const struct view_set *set;      /* the new one; NULL: not yet */
    int64_t old;                     /* pods of the others */
};

/* DeploymentComplete of the controller, and that it is this template's pods: a stale condition
 * says nothing here, and 0 of 0 proves nothing. */
static bool is_whole(const struct look *look)
{
    const struct view_deployment *deployment = look->view != NULL ? look->view->deployment : NULL;
    return deployment != NULL && look->set != NULL &&
           deployment->observed_generation >= deployment->generation && deployment->replicas > 0 &&
           deployment->updated == deployment->replicas &&
           deployment->total == deployment->replicas &&
           deployment->available == deployment->replicas;
}

static bool completes(const struct look *look)
{
    const char *reason = look->row->revision.reason;
    const bool rollback_begun = look->row->revision.status == REVISION_FAILED && reason != NULL &&
                                strncmp(reason, "Rollback", strlen("Rollback")) == 0;
    return !rollback_begun && is_whole(look);
}

static bool runs(const struct look *look)
{
    return look->row->memory.suspended_at == 0;
}

/* Recreate: until the old pods are gone there is no ReplicaSet, and the message names the
 * Deployment; it says something of this revision only after they are. */
static bool times_out(const struct look *look)
{
    if (look->view == NULL || !runs(look))
        return false;
    const struct view_deployment *deployment = look->view->deployment;
    if (!deployment->progressing.is_false ||
        !machine_same_text(deployment->progressing.reason, "ProgressDeadlineExceeded") ||
        deployment->observed_generation < deployment->generation)
        return false;
    if (machine_same_text(look->row->revision.progressing_baseline,
                          condition_text(look->machine, deployment)))
        return false;
    if (deployment->progressing.names_set != NULL)
        return look->set != NULL && strcmp(deployment->progressing.names_set, look->set->name) == 0;
    return deployment->recreate && look->old == 0;
}

static bool shows_reason(const struct look *look)
{
    const int64_t since = look->row->memory.bad_since;
    return runs(look) && since != 0 &&
           look->machine->now >= since + look->machine->settings.evidence_us;
}

static bool passes_deadline(const struct look *look)
{
    const int64_t at = look->row->revision.deadline_at;
    return runs(look) && at != 0 && look->machine->now >= at;
}

/* ---- What is done on the way */

static void tell_phases(const struct look *look, bool started, bool done)
{
    struct machine *machine = look->machine;
    struct row *row = look->row;
    const bool recreate = machine_same_text(row->revision.strategy, "Recreate");
    const bool fresh = row->memory.old_pods == 0;
    if (started && !fresh)
        machine_tell(machine, row, recreate ? MACHINE_SERVICES_STOPPED : MACHINE_SERVICE_UPDATING,
                     recreate ? "the old pods are gone" : "the first new pod is made", NULL);
    if (done)
        machine_tell(machine, row,
                     recreate || fresh ? MACHINE_SERVICES_STARTED : MACHINE_SERVICE_UPDATED,
                     "all new pods are available", NULL);
}

static void on_completed(const struct look *look)
{
    struct revision *revision = &look->row->revision;
    tell_phases(look, true, true);
    revision->progress = 100;
    revision->last_progress_at = look->machine->now;
    revision->completed_at = look->machine->now;
    /* Pods that are still seen to fail may be news that comes late. */
    if (look->row->memory.bad_since != 0)
        machine_touch(look->row)->bad_since = look->machine->now;
    machine_tell(look->machine, look->row, MACHINE_DEPLOYMENT_COMPLETED,
                 arena_printf(&look->machine->step, "version %lld serves with %lld of %lld",
                              (long long)revision->seq,
                              (long long)look->view->deployment->available,
                              (long long)look->view->deployment->replicas),
                 NULL);
}

/* What every failure tells, and the wish to go back: never from a way back. */
static void fail(const struct look *look, const char *details)
{
    struct row *row = look->row;
    machine_tell(look->machine, row, MACHINE_DEPLOYMENT_FAILED, row->revision.message, details);
    if (row->revision.rollback_of == 0)
        machine_note(look->machine, &(struct machine_effect){.kind = MACHINE_ROLL_BACK,
                                                             .revision = &row->revision});
}

static void on_timed_out(const struct look *look)
{
    struct row *row = look->row;
    row->revision.message = machine_keep(
        look->machine, machine_visible(look->machine, look->view->deployment->progressing.message));
    machine_tell(look->machine, row, MACHINE_DEADLINE_EXCEEDED, row->revision.message, NULL);
    fail(look, row->memory.bad_since != 0 ? row->memory.evidence : NULL);
}

static void on_reason(const struct look *look)
{
    struct row *row = look->row;
    const struct evidence evidence = machine_evidence(look->machine, row);
    row->revision.reason = evidence.reason;
    row->revision.message = machine_keep(look->machine, evidence.message);
    machine_tell(look->machine, row, evidence.event, row->revision.message, row->memory.evidence);
    fail(look, row->memory.evidence);
}

static void on_deadline(const struct look *look)
{
    struct row *row = look->row;
    row->revision.message = "not complete within the recorder's own deadline";
    machine_tell(look->machine, row, MACHINE_DEADLINE_EXCEEDED, row->revision.message, NULL);
    fail(look, row->memory.bad_since != 0 ? row->memory.evidence : NULL);
}

/* The table of states, as far as it hangs on how the rollout fares; the first that holds is it.
 * What hangs on what is stored stands in machine.c. */
static const struct {
    enum revision_status from, to;
    const char *reason;
    bool (*trigger)(const struct look *look);
    void (*action)(const struct look *look);
} transitions[] = {
    {REVISION_IN_PROGRESS, REVISION_COMPLETED, NULL, completes, on_completed},
    {REVISION_IN_PROGRESS, REVISION_FAILED, "ProgressDeadlineExceeded", times_out, on_timed_out},
    {REVISION_IN_PROGRESS, REVISION_FAILED, "", shows_reason, on_reason},
    {REVISION_IN_PROGRESS, REVISION_FAILED, "RecorderDeadline", passes_deadline, on_deadline},
    {REVISION_FAILED, REVISION_COMPLETED, "Late", completes, on_completed},
};

static void move(const struct look *look)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++) {
        if (look->row->revision.status != transitions[i].from || !transitions[i].trigger(look))
            continue;
        if (machine_move(look->machine, look->row, transitions[i].to, transitions[i].reason, NULL))
            transitions[i].action(look);
        return;
    }
}

/* ---- Progress */

static int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int rolling_progress(const struct look *look)
{
    const int64_t wanted = look->view->deployment->replicas, before = look->row->memory.old_pods;
    if (wanted == 0 || look->set == NULL)
        return 10;
    int64_t progress = 10 + 40 * min(look->set->created, wanted) / wanted +
                       40 * min(look->set->available, wanted) / wanted;
    progress += before == 0 ? 9 : 9 * (before - min(look->old, before)) / before;
    return (int)min(progress, 99);
}

static int recreate_progress(const struct look *look)
{
    const int64_t wanted = look->view->deployment->replicas;
    int64_t ready = 0;
    if (look->old > 0)
        return 20;
    if (look->set == NULL || wanted == 0 || look->set->created < wanted)
        return 40;
    if (look->set->ready < wanted)
        return 60;
    (void)machine_restarts(look->row, look->view, &ready);
    return ready < wanted ? 80 : 90;
}

static void note_progress(const struct look *look)
{
    const struct view_deployment *deployment = look->view->deployment;
    struct revision *revision = &look->row->revision;
    if (deployment->observed_generation < deployment->generation)
        return;
    const int progress = deployment->recreate ? recreate_progress(look) : rolling_progress(look);
    if (progress > revision->progress) {
        machine_touch(look->row);
        revision->progress = progress;
        revision->last_progress_at = look->machine->now;
    }
    const bool started = look->set != NULL && look->set->created > 0;
    const bool stopped = deployment->recreate && look->old == 0;
    const bool done = look->set != NULL && deployment->replicas > 0 &&
                      look->set->available >= deployment->replicas &&
                      look->set->created >= deployment->replicas;
    tell_phases(look, deployment->recreate ? stopped : started, done);
}

/* ---- Clocks that stand still */

static void note_suspension(const struct look *look)
{
    struct row *row = look->row;
    const struct view_deployment *deployment = look->view->deployment;
    const bool suspended = is_suspended(deployment), paused = is_paused(deployment);
    if (suspended && row->memory.suspended_at == 0)
        machine_touch(row)->suspended_at = look->machine->now;
    if (!suspended && row->memory.suspended_at != 0) {
        struct memory *memory = machine_touch(row);
        if (row->revision.deadline_at != 0)
            row->revision.deadline_at += look->machine->now - memory->suspended_at;
        memory->suspended_at = memory->bad_since = 0;
    }
    if (paused == row->memory.paused)
        return;
    struct memory *memory = machine_touch(row);
    memory->paused = paused;
    memory->pauses += paused;
    machine_tell_again(look->machine, row, paused ? MACHINE_PAUSED : MACHINE_RESUMED,
                       memory->pauses, paused ? "paused: clocks stand still" : "resumed");
}

/* ---- Good: a soak without a restart.  It begins when the pods that are seen are those that
 * count: what the watch of pods has yet to tell happened before. */

static void note_soak(const struct look *look)
{
    struct revision *revision = &look->row->revision;
    if (revision->status != REVISION_COMPLETED || revision->good != REVISION_GOOD_UNKNOWN)
        return;
    int64_t ready;
    const int64_t restarts = machine_restarts(look->row, look->view, &ready);
    if (revision->soak_until != 0 && restarts > look->row->memory.soak_restarts) {
        machine_touch(look->row);
        revision->good = REVISION_GOOD_NO;
        revision->soak_until = 0;
    } else if (!is_whole(look) || ready < look->view->deployment->replicas) {
        if (revision->soak_until != 0)
            machine_touch(look->row);
        revision->soak_until = 0;
    } else {
        if (revision->soak_until == 0) {
            machine_touch(look->row);
            revision->soak_until = look->machine->now + look->machine->settings.soak_us;
        }
        if (look->row->memory.soak_restarts != restarts)
            machine_touch(look->row)->soak_restarts = restarts;
    }
}

static void end_soak(struct machine *machine, struct row *row)
{
    struct revision *revision = &row->revision;
    if (revision->status != REVISION_COMPLETED || revision->soak_until == 0 ||
        machine->now < revision->soak_until)
        return;
    machine_touch(row);
    revision->soak_until = 0;
    if (revision->good == REVISION_GOOD_UNKNOWN)
        revision->good = REVISION_GOOD_YES;
}

/* After completion Kubernetes never times out, whatever the pods do: then it is told at least. */
static void tell_crash(const struct look *look)
{
    struct row *row = look->row;
    if (row->revision.status != REVISION_COMPLETED || !shows_reason(look))
        return;
    const struct evidence evidence = machine_evidence(look->machine, row);
    machine_tell(look->machine, row, evidence.event, evidence.message, row->memory.evidence);
}

/* ---- All of it */

static void note_set(const struct look *look)
{
    struct revision *revision = &look->row->revision;
    if (look->set == NULL)
        return;
    if (!machine_same_text(revision->rs_uid, look->set->uid)) {
        machine_touch(look->row);
        revision->rs_uid = machine_keep(look->machine, look->set->uid);
        revision->rs_name = machine_keep(look->machine, look->set->name);
    }
    if (look->set->k8s_revision != 0 && revision->k8s_revision != look->set->k8s_revision) {
        machine_touch(look->row);
        revision->k8s_revision = look->set->k8s_revision;
    }
}

static void note_replicas(const struct look *look)
{
    if (look->row->revision.replicas == look->view->deployment->replicas)
        return;
    machine_touch(look->row);
    look->row->revision.replicas = look->view->deployment->replicas;
}

void machine_judge_view(struct machine *machine, const struct project_view *view)
{
    struct look look = {machine, machine->current, view, view_new_set(view), 0};
    struct revision *revision = &look.row->revision;
    look.old = old_pods(view, look.set);
    note_set(&look);
    note_replicas(&look);
    note_suspension(&look);
    machine_watch_pods(machine, look.row, view);
    if (revision->status == REVISION_IN_PROGRESS) {
        note_progress(&look);
        if (view->deployment->replica_failure != NULL)
            machine_tell(machine, look.row, MACHINE_REPLICA_FAILURE,
                         machine_visible(machine, view->deployment->replica_failure), NULL);
    }
    move(&look);
    note_soak(&look);
    end_soak(machine, look.row);
    tell_crash(&look);
}

void machine_judge_clock(struct machine *machine)
{
    struct look look = {machine, machine->current, NULL, NULL, 0};
    move(&look);
    end_soak(machine, look.row);
    tell_crash(&look);
}

static bool is_told(const struct row *row, enum machine_event event)
{
    return (row->memory.told & ((int64_t)1 << event)) != 0;
}

int64_t machine_judge_next(const struct machine *machine)
{
    const struct row *row = machine->current;
    const struct revision *revision = &row->revision;
    int64_t next = INT64_MAX;
    const bool completed = revision->status == REVISION_COMPLETED;
    const bool open = revision->status == REVISION_IN_PROGRESS;
    if (completed && revision->soak_until != 0)
        next = revision->soak_until;
    if (row->memory.suspended_at != 0 || !(open || completed))
        return next;
    if (open && revision->deadline_at != 0)
        next = min(next, revision->deadline_at);
    if (row->memory.bad_since != 0 &&
        (open || !(is_told(row, MACHINE_IMAGE_PULL_FAILED) || is_told(row, MACHINE_CRASH_LOOP) ||
                   is_told(row, MACHINE_CONFIG_ERROR))))
        next = min(next, row->memory.bad_since + machine->settings.evidence_us);
    return next;
}
