/* Holds, operations that are done once, and the outbox. */
#include "base/buf.h"
#include "history/store_internal.h"

/* ---- Holds ------------------------------------------------------------------------------ */

struct hold_work {
    const struct store_hold *hold;
    int64_t changes;
};

static int hold_event(struct store_db *db, const struct store_hold *hold, const char *type,
                      struct err *reterr)
{
    struct buf details;
    buf_init(&details, NULL, STORE_TEXT_BYTES);
    buf_add_string(&details, "{\"template\":");
    buf_add_json_string(&details, hold->template_sha);
    buf_add_string(&details, ",\"by\":");
    buf_add_json_string(&details, hold->set_by == NULL ? "" : hold->set_by);
    buf_printf(&details, ",\"until\":%lld}", (long long)hold->until);
    const struct store_event event = {.project = hold->project,
                                      .at = hold->set_at,
                                      .type = type,
                                      .message = hold->reason,
                                      .details = details.data};
    int64_t id;
    const int r = details.failed ? err_set(reterr, ERR_LIMIT, "a hold's texts are too long")
                                 : store_event_in(db, &event, &id, reterr);
    buf_done(&details);
    return r;
}

static int set_work(struct store_db *db, void *context, struct err *reterr)
{
    const struct store_hold *hold = ((struct hold_work *)context)->hold;
    struct store_bind bind = {0};
    store_bind_int(&bind, hold->project);
    store_bind_text(&bind, hold->template_sha);
    store_bind_text(&bind, hold->reason);
    store_bind_text(&bind, hold->set_by);
    store_bind_int(&bind, hold->set_at);
    store_bind_int(&bind, hold->until);
    const int r = store_run(db,
                            "INSERT INTO hold(project_id, template_sha, reason, set_by, set_at,"
                            " until_at) VALUES($1, $2, $3, $4, $5, $6)"
                            " ON CONFLICT(project_id, template_sha) DO UPDATE SET"
                            " reason = excluded.reason, set_by = excluded.set_by,"
                            " set_at = excluded.set_at, until_at = excluded.until_at",
                            &bind, NULL, NULL, NULL, reterr);
    return r != 0 ? r : hold_event(db, hold, "hold_set", reterr);
}

int store_hold_set(struct store *store, const struct store_hold *hold, struct err *reterr)
{
    struct hold_work work = {hold, 0};
    return store_write(store, set_work, &work, reterr);
}

static int lift_work(struct store_db *db, void *context, struct err *reterr)
{
    struct hold_work *work = context;
    struct store_bind bind = {0};
    store_bind_int(&bind, work->hold->project);
    store_bind_text(&bind, work->hold->template_sha);
    const int r = store_run(db, "DELETE FROM hold WHERE project_id = $1 AND template_sha = $2",
                            &bind, NULL, NULL, &work->changes, reterr);
    return r != 0 || work->changes == 0 ? r : hold_event(db, work->hold, "hold_lifted", reterr);
}

int store_hold_lift(struct store *store, int64_t project, const char *template_sha, const char *by,
                    int64_t now, struct err *reterr)
{
    const struct store_hold hold = {
        .project = project, .template_sha = template_sha, .set_by = by, .set_at = now};
    struct hold_work work = {&hold, 0};
    const int r = store_write(store, lift_work, &work, reterr);
    if (r == 0 && work.changes == 0)
        return err_set(reterr, ERR_NOT_FOUND, "that template is not under hold");
    return r;
}

#define HOLDS                                                                                      \
    "SELECT hold.project_id, hold.template_sha, hold.reason, hold.set_by, hold.set_at,"            \
    " hold.until_at FROM hold "

static void read_hold(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_hold *hold = store_rows_add(rows);
    hold->project = store_row_int(row, 0);
    hold->template_sha = store_row_text(row, rows->arena, 1);
    hold->reason = store_row_text(row, rows->arena, 2);
    hold->set_by = store_row_text(row, rows->arena, 3);
    hold->set_at = store_row_int(row, 4);
    hold->until = store_row_int(row, 5);
}

int store_holds(struct store *store, struct arena *arena, int64_t project, int64_t now,
                struct store_hold **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_int(&bind, now);
    store_bind_int(&bind, STORE_PAGE_ROWS);
    const int r = store_read(store, arena,
                             HOLDS "WHERE project_id = $1 AND (until_at = 0 OR until_at > $2)"
                                   " ORDER BY set_at DESC, template_sha LIMIT $3",
                             &bind, read_hold, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_hold *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

int store_hold_find(struct store *store, struct arena *arena, const char *namespace_,
                    const char *name, const char *template_sha, int64_t now,
                    struct store_hold *ret_hold, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof *ret_hold};
    struct store_bind bind = {0};
    store_bind_text(&bind, namespace_);
    store_bind_text(&bind, name);
    store_bind_text(&bind, template_sha);
    store_bind_int(&bind, now);
    const int r = store_read(store, arena,
                             HOLDS "JOIN project ON project.id = hold.project_id"
                                   " WHERE project.cluster = '' AND project.namespace = $1"
                                   " AND project.name = $2 AND hold.template_sha = $3"
                                   " AND (hold.until_at = 0 OR hold.until_at > $4)",
                             &bind, read_hold, &rows, reterr);
    if (r != 0)
        return r;
    if (rows.count == 0)
        return err_set(reterr, ERR_NOT_FOUND, "that template is not under hold");
    *ret_hold = *(struct store_hold *)(void *)rows.rows;
    return 0;
}

/* ---- Operations ------------------------------------------------------------------------- */

_Static_assert(STORE_OP_CLAIMED == 0 && STORE_OP_PATCHED == 1 && STORE_OP_DONE == 2 &&
                   STORE_OP_FAILED == 3,
               "stored numbers");

struct claim_work {
    const struct store_op *op;
    int64_t id;
    bool repeated;
    int64_t same; /* of a repeated one: it asks for the same */
};

struct found {
    int64_t id, same;
};

static void read_found(void *context, const struct store_row *row)
{
    struct found *found = context;
    found->id = store_row_int(row, 0);
    found->same = store_row_int(row, 1);
}

static int find_claimed(struct store_db *db, struct claim_work *work, struct err *reterr)
{
    const struct store_op *op = work->op;
    struct found found = {0};
    struct store_bind bind = {0};
    store_bind_text(&bind, op->actor == NULL ? "" : op->actor);
    store_bind_text(&bind, op->key);
    store_bind_int(&bind, op->project);
    store_bind_text(&bind, op->kind);
    store_bind_text(&bind, op->body_digest == NULL ? "" : op->body_digest);
    const int r = store_run(db,
                            "SELECT id, CASE WHEN project_id = $3 AND kind = $4"
                            " AND coalesce(body_digest, '') = $5 THEN 1 ELSE 0 END"
                            " FROM rollback_op WHERE actor = $1 AND idempotency_key = $2",
                            &bind, read_found, &found, NULL, reterr);
    if (r == 0 && found.id == 0)
        return err_set(reterr, ERR_CONFLICT, "the operation of that key was just deleted");
    work->id = found.id;
    work->same = found.same;
    work->repeated = true;
    return r;
}

static int claim_work(struct store_db *db, void *context, struct err *reterr)
{
    struct claim_work *work = context;
    const struct store_op *op = work->op;
    struct store_bind bind = {0};
    store_bind_int(&bind, op->project);
    store_bind_text(&bind, op->kind);
    store_bind_int(&bind, op->automatic);
    store_bind_id(&bind, op->revision);
    store_bind_id(&bind, op->target);
    store_bind_text(&bind, op->actor == NULL ? "" : op->actor);
    store_bind_text(&bind, op->key);
    store_bind_text(&bind, op->body_digest);
    store_bind_int(&bind, op->expect_generation);
    store_bind_int(&bind, op->created_at);
    work->id = 0;
    work->repeated = false;
    const int r = store_run(db,
                            "INSERT INTO rollback_op(project_id, kind, automatic, revision_id,"
                            " target_id, actor, idempotency_key, body_digest, expect_generation,"
                            " state, http_status, created_at, updated_at)"
                            " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $10)"
                            " ON CONFLICT(actor, idempotency_key) DO NOTHING RETURNING id",
                            &bind, store_row_first_int, &work->id, NULL, reterr);
    return r != 0 || work->id != 0 ? r : find_claimed(db, work, reterr);
}

int store_op_claim(struct store *store, struct arena *arena, const struct store_op *op,
                   struct store_op *ret_op, bool *ret_repeated, struct err *reterr)
{
    struct claim_work work = {.op = op};
    int r = store_write(store, claim_work, &work, reterr);
    if (r == 0 && work.repeated && work.same == 0)
        return err_set(reterr, ERR_CONFLICT,
                       "this Idempotency-Key was used before, for something else");
    if (r == 0)
        r = store_op_get(store, arena, work.id, ret_op, reterr);
    if (r == 0)
        *ret_repeated = work.repeated;
    return r;
}

int store_op_update(struct store *store, const struct store_op *op, enum store_op_state from,
                    struct err *reterr)
{
    struct store_bind bind = {0};
    int64_t changes;
    store_bind_int(&bind, op->id);
    store_bind_int(&bind, from);
    store_bind_int(&bind, op->state);
    store_bind_id(&bind, op->revision);
    store_bind_id(&bind, op->target);
    store_bind_id(&bind, op->result);
    store_bind_int(&bind, op->http_status);
    store_bind_text(&bind, op->answer);
    store_bind_int(&bind, op->updated_at);
    const int r = store_write_one(store,
                                  "UPDATE rollback_op SET state = $3, revision_id = $4,"
                                  " target_id = $5, result_id = $6, http_status = $7, answer = $8,"
                                  " updated_at = $9 WHERE id = $1 AND state = $2",
                                  &bind, &changes, reterr);
    if (r == 0 && changes == 0)
        return err_set(reterr, ERR_CONFLICT, "the operation has gone on meanwhile");
    return r;
}

#define OPS                                                                                        \
    "SELECT id, project_id, kind, automatic, revision_id, target_id, actor, idempotency_key,"      \
    " body_digest, expect_generation, state, result_id, http_status, answer, created_at,"          \
    " updated_at FROM rollback_op "

static void read_op(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct arena *arena = rows->arena;
    struct store_op *op = store_rows_add(rows);
    op->id = store_row_int(row, 0);
    op->project = store_row_int(row, 1);
    op->kind = store_row_text(row, arena, 2);
    op->automatic = store_row_int(row, 3) != 0;
    op->revision = store_row_int(row, 4);
    op->target = store_row_int(row, 5);
    op->actor = store_row_text(row, arena, 6);
    op->key = store_row_text(row, arena, 7);
    op->body_digest = store_row_text(row, arena, 8);
    op->expect_generation = store_row_int(row, 9);
    op->state = (enum store_op_state)store_row_int(row, 10);
    op->result = store_row_int(row, 11);
    op->http_status = (int)store_row_int(row, 12);
    op->answer = store_row_text(row, arena, 13);
    op->created_at = store_row_int(row, 14);
    op->updated_at = store_row_int(row, 15);
}

int store_op_get(struct store *store, struct arena *arena, int64_t id, struct store_op *ret_op,
                 struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof *ret_op};
    struct store_bind bind = {0};
    store_bind_int(&bind, id);
    const int r = store_read(store, arena, OPS "WHERE id = $1", &bind, read_op, &rows, reterr);
    if (r != 0)
        return r;
    if (rows.count == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history has no such operation");
    *ret_op = *(struct store_op *)(void *)rows.rows;
    return 0;
}

int store_ops_open(struct store *store, struct arena *arena, struct store_op **ret_rows,
                   size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, STORE_PAGE_ROWS);
    const int r = store_read(store, arena, OPS "WHERE state < 2 ORDER BY id LIMIT $1", &bind,
                             read_op, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_op *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

int store_op_count(struct store *store, int64_t project, const char *template_sha, int64_t since,
                   int64_t *ret_count, struct err *reterr)
{
    int64_t count = 0;
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_text(&bind, template_sha);
    store_bind_int(&bind, since);
    const int r = store_read(store, NULL,
                             "SELECT count(*) FROM rollback_op WHERE project_id = $1"
                             " AND created_at >= $3 AND automatic = 1 AND kind = 'rollback'"
                             " AND ($2 IS NULL OR EXISTS (SELECT 1 FROM revision"
                             " WHERE revision.id = rollback_op.revision_id"
                             " AND revision.template_sha = $2))",
                             &bind, store_row_first_int, &count, reterr);
    if (r == 0)
        *ret_count = count;
    return r;
}
