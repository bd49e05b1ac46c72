/* One transaction: all that one step of a machine decided. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "history/store_internal.h"

#include <stdlib.h>

struct commit_work {
    int64_t project;
    const struct machine_effect *effects;
    size_t count;
    const struct store_packed *templates;
    size_t template_count;
    const struct store_cursor *cursor;
    int64_t now;
    int64_t *ids; /* of each effect's revision */
    bool follower;
};

static void bind_revision(struct store_bind *bind, int64_t project, const struct revision *row)
{
    store_bind_int(bind, project);
    store_bind_int(bind, row->seq);
    store_bind_text(bind, row->uid);
    store_bind_int(bind, row->generation);
    store_bind_int(bind, row->k8s_revision);
    store_bind_text(bind, row->rs_name);
    store_bind_text(bind, row->rs_uid);
    store_bind_text(bind, row->template_sha);
    store_bind_text(bind, row->written_sha);
    store_bind_text(bind, row->last_applied);
    store_bind_text(bind, row->managed_fields);
    store_bind_text(bind, row->policy_changes);
    store_bind_text(bind, row->strategy);
    store_bind_int(bind, row->replicas);
    store_bind_text(bind, row->change_kind);
    store_bind_text(bind, row->change_cause);
    store_bind_text(bind, row->actor_user);
    store_bind_text(bind, row->actor_groups);
    store_bind_int(bind, row->actor_certain);
    store_bind_text(bind, row->via);
    store_bind_text(bind, row->on_behalf_of);
    store_bind_int(bind, row->origin);
    store_bind_int(bind, row->status);
    store_bind_text(bind, row->reason);
    store_bind_int(bind, row->progress);
    store_bind_text(bind, row->message);
    store_bind_int(bind, row->good);
    store_bind_text(bind, row->good_by);
    store_bind_int(bind, row->soak_until);
    store_bind_text(bind, row->progressing_baseline);
    store_bind_int(bind, row->started_at);
    store_bind_int(bind, row->last_progress_at);
    store_bind_int(bind, row->deadline_at);
    store_bind_int(bind, row->completed_at);
    store_bind_id(bind, row->rollback_of);
    store_bind_id(bind, row->source);
    store_bind_text(bind, row->memory);
}

static const char insert_sql[] =
    "INSERT INTO revision(project_id, seq, uid, generation, k8s_revision, rs_name, rs_uid,"
    " template_sha, written_sha, last_applied, managed_fields, policy_changes, strategy, replicas,"
    " change_kind, change_cause, actor_user, actor_groups, actor_certain, via, on_behalf_of,"
    " origin, status, reason, progress, message, good, good_by, soak_until, progressing_baseline,"
    " started_at, last_progress_at, deadline_at, completed_at, rollback_of, source, memory)"
    " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,"
    " $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37)"
    " RETURNING id";

/* A person's mark is newer than what the machine knew of it: it stays.  Of old revisions it has
 * not loaded what is long (store_revisions_open). */
static const char update_sql[] =
    "UPDATE revision SET uid = $3, generation = $4, k8s_revision = $5, rs_name = $6, rs_uid = $7,"
    " template_sha = $8, written_sha = $9,"
    " last_applied = coalesce($10, last_applied), managed_fields = coalesce($11, managed_fields),"
    " policy_changes = $12, strategy = $13, replicas = $14, change_kind = $15, change_cause = $16,"
    " actor_user = $17, actor_groups = $18, actor_certain = $19, via = $20, on_behalf_of = $21,"
    " origin = $22, status = $23, reason = $24, progress = $25, message = $26,"
    " good = CASE WHEN good_by IS NULL THEN $27 ELSE good END,"
    " good_by = CASE WHEN good_by IS NULL THEN $28 ELSE good_by END, soak_until = $29,"
    " progressing_baseline = $30, started_at = $31, last_progress_at = $32, deadline_at = $33,"
    " completed_at = $34, rollback_of = $35, source = $36, memory = $37"
    " WHERE project_id = $1 AND seq = $2 RETURNING id";

static int no_such_row(const struct revision *row, struct err *reterr)
{
    return err_set(reterr, ERR_CONFLICT, "the history has no revision %lld of that project",
                   (long long)row->seq);
}

static int write_revision(struct store_db *db, const struct commit_work *work,
                          const struct machine_effect *effect, int64_t *ret_id, struct err *reterr)
{
    struct store_bind bind = {0};
    int64_t id = 0;
    bind_revision(&bind, work->project, effect->revision);
    const int r = store_run(db, effect->kind == MACHINE_INSERT ? insert_sql : update_sql, &bind,
                            store_row_first_int, &id, NULL, reterr);
    if (r == 0 && id == 0)
        return no_such_row(effect->revision, reterr);
    *ret_id = id;
    return r;
}

/* Among the rows of this step, or in the table. */
static int id_of(struct store_db *db, const struct commit_work *work, size_t index, int64_t *ret_id,
                 struct err *reterr)
{
    const struct revision *row = work->effects[index].revision;
    int64_t id = 0;
    *ret_id = 0;
    if (row == NULL)
        return 0;
    for (size_t i = 0; id == 0 && i < index; i++)
        if (work->effects[i].revision != NULL && work->effects[i].revision->seq == row->seq)
            id = work->ids[i];
    struct store_bind bind = {0};
    store_bind_int(&bind, work->project);
    store_bind_int(&bind, row->seq);
    const int r = id != 0
                      ? 0
                      : store_run(db, "SELECT id FROM revision WHERE project_id = $1 AND seq = $2",
                                  &bind, store_row_first_int, &id, NULL, reterr);
    store_bind_done(&bind);
    if (r == 0 && id == 0)
        return no_such_row(row, reterr);
    *ret_id = id;
    return r;
}

static int write_event(struct store_db *db, const struct commit_work *work,
                       const struct machine_effect *effect, int64_t revision, struct err *reterr)
{
    struct buf details;
    buf_init(&details, NULL, STORE_TEXT_BYTES);
    if (effect->details != NULL)
        json_write(&details, effect->details);
    const struct store_event event = {.project = work->project,
                                      .revision = revision,
                                      .at = effect->at != 0 ? effect->at : work->now,
                                      .type = effect->event_type,
                                      .service = effect->pod == NULL ? NULL : effect->pod->name,
                                      .message = effect->event_message,
                                      .details = effect->details == NULL ? NULL : details.data,
                                      .key = effect->event_key};
    int64_t id;
    const int r = details.failed ? err_set(reterr, ERR_LIMIT, "an event's details are too long")
                                 : store_event_in(db, &event, &id, reterr);
    buf_done(&details);
    return r;
}

static const char *status_of(const struct view_pod *pod, const struct view_container *container)
{
    if (container->running)
        return "Running";
    if (container->waiting_reason != NULL)
        return "Waiting";
    return container->ended_at != 0 ? "Terminated" : pod->phase;
}

/* What is known of a container's last end, and of its image, stays when it starts again. */
static int write_container(struct store_db *db, int64_t revision, const struct view_pod *pod,
                           const struct view_container *container, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, revision);
    store_bind_text(&bind, pod->uid == NULL ? "" : pod->uid);
    store_bind_text(&bind, container->name == NULL ? "" : container->name);
    store_bind_text(&bind, pod->name);
    store_bind_text(&bind, pod->node);
    store_bind_text(&bind, container->image);
    store_bind_text(&bind, container->image_digest);
    store_bind_text(&bind, status_of(pod, container));
    store_bind_text(&bind, container->ready ? "ready" : "not ready");
    store_bind_int(&bind, container->restarts);
    store_bind_text(&bind, container->waiting_reason);
    store_bind_text(&bind, container->waiting_message);
    store_bind_text(&bind, container->last_reason);
    store_bind_text(&bind, container->last_message);
    store_bind_int(&bind, container->exit_code);
    store_bind_int(&bind, container->started_at);
    store_bind_int(&bind, container->ended_at);
    return store_run(
        db,
        "INSERT INTO service_instance(revision_id, pod_uid, container, pod, node, image,"
        " image_digest, status, health, restarts, reason, message, last_reason, last_message,"
        " exit_code, started_at, ended_at)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        " ON CONFLICT(revision_id, pod_uid, container) DO UPDATE SET"
        " pod = excluded.pod, node = coalesce(excluded.node, service_instance.node),"
        " image = excluded.image,"
        " image_digest = coalesce(excluded.image_digest, service_instance.image_digest),"
        " status = excluded.status, health = excluded.health, restarts = excluded.restarts,"
        " reason = excluded.reason, message = excluded.message,"
        " last_reason = coalesce(excluded.last_reason, service_instance.last_reason),"
        " last_message = coalesce(excluded.last_message, service_instance.last_message),"
        " exit_code = CASE WHEN excluded.last_reason IS NULL AND excluded.ended_at = 0"
        " THEN service_instance.exit_code ELSE excluded.exit_code END,"
        " started_at = excluded.started_at, ended_at = excluded.ended_at",
        &bind, NULL, NULL, NULL, reterr);
}

static int write_gone(struct store_db *db, int64_t revision, const struct view_pod *pod, int64_t at,
                      struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, revision);
    store_bind_text(&bind, pod->uid == NULL ? "" : pod->uid);
    store_bind_int(&bind, at);
    return store_run(db,
                     "UPDATE service_instance SET status = 'Gone', health = 'not ready',"
                     " ended_at = CASE WHEN ended_at = 0 THEN $3 ELSE ended_at END"
                     " WHERE revision_id = $1 AND pod_uid = $2",
                     &bind, NULL, NULL, NULL, reterr);
}

static int write_instance(struct store_db *db, const struct commit_work *work,
                          const struct machine_effect *effect, int64_t revision, struct err *reterr)
{
    const struct view_pod *pod = effect->pod;
    int r = 0;
    if (pod == NULL || revision == 0)
        return err_set(reterr, ERR_INTERNAL, "an instance without a pod or a revision");
    if (effect->gone)
        return write_gone(db, revision, pod, effect->at != 0 ? effect->at : work->now, reterr);
    for (size_t i = 0; r == 0 && i < pod->container_count; i++)
        r = write_container(db, revision, pod, &pod->containers[i], reterr);
    return r;
}

static int write_joined(struct store_db *db, const struct machine_effect *effect, int64_t revision,
                        struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, effect->intent);
    store_bind_id(&bind, revision);
    return store_run(db, "UPDATE intent SET state = 1, revision_id = $2 WHERE id = $1", &bind, NULL,
                     NULL, NULL, reterr);
}

static int write_effect(struct store_db *db, struct commit_work *work, size_t index,
                        struct err *reterr)
{
    const struct machine_effect *effect = &work->effects[index];
    int64_t *id = &work->ids[index];
    if (effect->kind == MACHINE_INSERT || effect->kind == MACHINE_UPDATE)
        return write_revision(db, work, effect, id, reterr);
    const int r = id_of(db, work, index, id, reterr);
    if (r != 0)
        return r;
    switch (effect->kind) {
    case MACHINE_EVENT:
        return write_event(db, work, effect, *id, reterr);
    case MACHINE_INSTANCE:
        return write_instance(db, work, effect, *id, reterr);
    case MACHINE_JOINED:
        return write_joined(db, effect, *id, reterr);
    case MACHINE_INSERT:
    case MACHINE_UPDATE:
    case MACHINE_ROLL_BACK:
        break;
    }
    return 0;
}

static int commit_work(struct store_db *db, void *context, struct err *reterr)
{
    struct commit_work *work = context;
    int r = 0;
    work->follower = !db->leads;
    if (work->follower)
        return 0;
    store_touch(db, work->project);
    for (size_t i = 0; r == 0 && i < work->template_count; i++)
        r = store_template_put(db, &work->templates[i], reterr);
    for (size_t i = 0; r == 0 && i < work->count; i++)
        r = write_effect(db, work, i, reterr);
    if (r != 0 || work->cursor == NULL)
        return r;
    struct store_bind bind = {0};
    store_bind_text(&bind, work->cursor->resource);
    store_bind_text(&bind, work->cursor->resource_version);
    return store_run(db, STORE_CURSOR_SQL, &bind, NULL, NULL, NULL, reterr);
}

static int commit_packed(struct store *store, struct commit_work *work,
                         const struct store_template *templates, struct store_packed *packed,
                         struct err *reterr)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < work->template_count; i++)
        r = store_pack(templates[i].sha, templates[i].canonical_json, &packed[i], reterr);
    if (r == 0)
        r = store_write_hurried(store, commit_work, work, reterr);
    if (r == 0 && work->follower)
        r = err_set(reterr, ERR_CONFLICT,
                    "another replica leads, or the server was lost meanwhile");
    return r;
}

int store_commit(struct store *store, int64_t project, const struct machine_effect *effects,
                 size_t count, const struct store_template *templates, size_t template_count,
                 const struct store_cursor *cursor, int64_t *ret_ids, struct err *reterr)
{
    struct store_packed *packed = calloc(template_count + 1, sizeof *packed);
    int64_t *ids = calloc(count + 1, sizeof *ids);
    struct commit_work work = {.project = project,
                               .effects = effects,
                               .count = count,
                               .templates = packed,
                               .template_count = template_count,
                               .cursor = cursor,
                               .now = clock_unix_us(),
                               .ids = ids};
    int r;
    if (packed == NULL || ids == NULL)
        r = err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    else
        r = commit_packed(store, &work, templates, packed, reterr);
    for (size_t i = 0; packed != NULL && i < template_count; i++)
        store_packed_done(&packed[i]);
    for (size_t i = 0; r == 0 && ret_ids != NULL && i < count; i++)
        ret_ids[i] = ids[i];
    free(packed);
    free(ids);
    return r;
}
