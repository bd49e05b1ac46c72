/* Projects, admission intents and their nonces. */
#include "history/store_internal.h"

/* ---- Projects --------------------------------------------------------------------------- */

#define PROJECT_COLUMNS "SELECT id, namespace, name, owner FROM project"

int store_project_in(struct store_db *db, const char *namespace_, const char *name, int64_t *ret_id,
                     struct err *reterr)
{
    static const char find[] = "SELECT id FROM project"
                               " WHERE cluster = '' AND namespace = $1 AND name = $2";
    static const char make[] = "INSERT INTO project(namespace, name) VALUES($1, $2)"
                               " ON CONFLICT DO NOTHING RETURNING id";
    /* Found, made, or made by another meanwhile. */
    const char *const statements[] = {find, make, find};
    int64_t id = 0;
    for (size_t i = 0; id == 0 && i < 3; i++) {
        struct store_bind bind = {0};
        store_bind_text(&bind, namespace_);
        store_bind_text(&bind, name);
        const int r = store_run(db, statements[i], &bind, store_row_first_int, &id, NULL, reterr);
        if (r != 0)
            return r;
    }
    *ret_id = id;
    return 0;
}

struct project_work {
    const char *namespace_, *name;
    int64_t id;
};

static int project_work(struct store_db *db, void *context, struct err *reterr)
{
    struct project_work *work = context;
    return store_project_in(db, work->namespace_, work->name, &work->id, reterr);
}

int store_project(struct store *store, const char *namespace_, const char *name, int64_t *ret_id,
                  struct err *reterr)
{
    struct project_work work = {namespace_, name, 0};
    const int r = store_write_hurried(store, project_work, &work, reterr);
    if (r == 0)
        *ret_id = work.id;
    return r;
}

static void read_project(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_project_row *project = store_rows_add(rows);
    project->id = store_row_int(row, 0);
    project->namespace_ = store_row_text(row, rows->arena, 1);
    project->name = store_row_text(row, rows->arena, 2);
    project->owner = store_row_text(row, rows->arena, 3);
}

static int one_project(struct store *store, struct arena *arena, const char *sql,
                       struct store_bind *bind, struct store_project_row *ret_row,
                       struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof *ret_row};
    const int r = store_read(store, arena, sql, bind, read_project, &rows, reterr);
    if (r != 0)
        return r;
    if (rows.count == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history knows no such project");
    *ret_row = *(struct store_project_row *)(void *)rows.rows;
    return 0;
}

int store_project_find(struct store *store, struct arena *arena, const char *namespace_,
                       const char *name, struct store_project_row *ret_row, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, namespace_);
    store_bind_text(&bind, name);
    return one_project(store, arena,
                       PROJECT_COLUMNS " WHERE cluster = '' AND namespace = $1 AND name = $2",
                       &bind, ret_row, reterr);
}

int store_project_get(struct store *store, struct arena *arena, int64_t id,
                      struct store_project_row *ret_row, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, id);
    return one_project(store, arena, PROJECT_COLUMNS " WHERE id = $1", &bind, ret_row, reterr);
}

int store_projects(struct store *store, struct arena *arena, const char *namespace_,
                   int64_t after_id, size_t limit, struct store_project_row **ret_rows,
                   size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_text(&bind, namespace_);
    store_bind_int(&bind, after_id);
    store_bind_int(&bind, (int64_t)store_page(limit));
    const int r = store_read(store, arena,
                             PROJECT_COLUMNS " WHERE ($1 IS NULL OR namespace = $1) AND id > $2"
                                             " ORDER BY id LIMIT $3",
                             &bind, read_project, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_project_row *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

int store_project_owner(struct store *store, int64_t id, const char *owner, struct err *reterr)
{
    struct store_bind bind = {0};
    int64_t changes;
    store_bind_int(&bind, id);
    store_bind_text(&bind, owner);
    const int r = store_write_one(store, "UPDATE project SET owner = $2 WHERE id = $1", &bind,
                                  &changes, reterr);
    if (r == 0 && changes == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history knows no such project");
    return r;
}

/* ---- Intents ---------------------------------------------------------------------------- */

struct intent_work {
    const struct machine_intent *intent;
    const char *namespace_, *name;
    struct store_packed packed;
    int64_t id;
};

static int insert_intent(struct store_db *db, struct intent_work *work, int64_t project,
                         struct err *reterr)
{
    const struct machine_intent *intent = work->intent;
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_text(&bind, intent->uid);
    store_bind_text(&bind, intent->template_sha);
    store_bind_int(&bind, intent->generation);
    store_bind_int(&bind, intent->delete_);
    store_bind_int(&bind, intent->received_at);
    store_bind_text(&bind, intent->actor_user);
    store_bind_text(&bind, intent->actor_groups);
    store_bind_text(&bind, intent->via);
    store_bind_text(&bind, intent->on_behalf_of);
    store_bind_text(&bind, intent->change_cause);
    store_bind_text(&bind, intent->change_kind);
    store_bind_text(&bind, intent->policy_changes);
    store_bind_text(&bind, intent->last_applied);
    store_bind_text(&bind, intent->written_sha);
    store_bind_id(&bind, intent->rollback_of);
    store_bind_id(&bind, intent->source);
    store_bind_text(&bind, intent->old_template_sha);
    store_bind_text(&bind, intent->history_id);
    store_bind_int(&bind, intent->cancel);
    store_bind_int(&bind, intent->own);
    return store_run(db,
                     "INSERT INTO intent(project_id, state, uid, template_sha, generation, deletes,"
                     " received_at, actor_user, actor_groups, via, on_behalf_of, change_cause,"
                     " change_kind, policy_changes, last_applied, written_sha, rollback_of, source,"
                     " old_template_sha, history_id, cancels, own)"
                     " VALUES($1, 0, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
                     " $16, $17, $18, $19, $20, $21) RETURNING id",
                     &bind, store_row_first_int, &work->id, NULL, reterr);
}

static int intent_work(struct store_db *db, void *context, struct err *reterr)
{
    struct intent_work *work = context;
    int64_t project;
    int r = store_project_in(db, work->namespace_, work->name, &project, reterr);
    if (r == 0 && work->packed.bytes != NULL)
        r = store_template_put(db, &work->packed, reterr);
    return r != 0 ? r : insert_intent(db, work, project, reterr);
}

void store_intents(struct store *store, struct store_new_intent *intents, size_t count)
{
    struct intent_work works[STORE_INTENTS_MAX];
    void *contexts[STORE_INTENTS_MAX] = {NULL};
    size_t from[STORE_INTENTS_MAX], packed = 0;
    int codes[STORE_INTENTS_MAX] = {0};
    struct err errs[STORE_INTENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        struct store_new_intent *new = &intents[i];
        struct intent_work *work = &works[packed];
        *work = (struct intent_work){
            .intent = new->intent, .namespace_ = new->project_namespace, .name = new->project_name};
        new->code = new->intent->template_json == NULL
                        ? 0
                        : store_pack(new->intent->template_sha, new->intent->template_json,
                                     &work->packed, &new->err);
        contexts[packed] = work;
        from[packed] = i;
        packed += new->code == 0;
    }
    store_write_each(store, intent_work, contexts, packed, codes, errs);
    for (size_t i = 0; i < packed; i++) {
        struct store_new_intent *new = &intents[from[i]];
        store_packed_done(&works[i].packed);
        new->id = works[i].id;
        new->code = codes[i];
        if (codes[i] != 0)
            new->err = errs[i];
    }
}

int store_intent(struct store *store, const struct machine_intent *intent,
                 const char *project_namespace, const char *project_name, int64_t *ret_id,
                 struct err *reterr)
{
    struct store_new_intent new = {
        .intent = intent, .project_namespace = project_namespace, .project_name = project_name};
    store_intents(store, &new, 1);
    if (new.code != 0 && reterr != NULL)
        *reterr = new.err;
    if (new.code == 0)
        *ret_id = new.id;
    return new.code;
}

#define INTENT_COLUMNS                                                                             \
    "SELECT id, project_id, revision_id, state, uid, template_sha, generation, deletes,"           \
    " received_at, actor_user, actor_groups, via, on_behalf_of, change_cause, change_kind,"        \
    " policy_changes, last_applied, written_sha, rollback_of, source,"                             \
    " old_template_sha, history_id, cancels, own FROM intent"

static void read_intent(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_intent_row *found = store_rows_add(rows);
    struct machine_intent *intent = &found->intent;
    intent->id = store_row_int(row, 0);
    found->project = store_row_int(row, 1);
    found->revision = store_row_int(row, 2);
    found->state = (enum store_intent_state)store_row_int(row, 3);
    intent->uid = store_row_text(row, rows->arena, 4);
    intent->template_sha = store_row_text(row, rows->arena, 5);
    intent->generation = store_row_int(row, 6);
    intent->delete_ = store_row_int(row, 7) != 0;
    intent->received_at = store_row_int(row, 8);
    intent->actor_user = store_row_text(row, rows->arena, 9);
    intent->actor_groups = store_row_text(row, rows->arena, 10);
    intent->via = store_row_text(row, rows->arena, 11);
    intent->on_behalf_of = store_row_text(row, rows->arena, 12);
    intent->change_cause = store_row_text(row, rows->arena, 13);
    intent->change_kind = store_row_text(row, rows->arena, 14);
    intent->policy_changes = store_row_text(row, rows->arena, 15);
    intent->last_applied = store_row_text(row, rows->arena, 16);
    intent->written_sha = store_row_text(row, rows->arena, 17);
    intent->rollback_of = store_row_int(row, 18);
    intent->source = store_row_int(row, 19);
    intent->old_template_sha = store_row_text(row, rows->arena, 20);
    intent->history_id = store_row_text(row, rows->arena, 21);
    intent->cancel = store_row_int(row, 22) != 0;
    intent->own = store_row_int(row, 23) != 0;
}

static int read_intents(struct store *store, struct arena *arena, const char *sql,
                        struct store_bind *bind, struct store_intent_row **ret_rows,
                        size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    const int r = store_read(store, arena, sql, bind, read_intent, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_intent_row *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

int store_intents_open(struct store *store, struct arena *arena, int64_t project, int64_t after_id,
                       size_t limit, struct store_intent_row **ret_rows, size_t *ret_count,
                       struct err *reterr)
{
    static const char of_one[] =
        INTENT_COLUMNS " WHERE state = 0 AND project_id = $1 AND id > $2 ORDER BY id LIMIT $3";
    static const char of_all[] = INTENT_COLUMNS " WHERE state = 0 AND ($1 = 0 OR project_id = $1)"
                                                " AND id > $2 ORDER BY id LIMIT $3";
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_int(&bind, after_id);
    store_bind_int(&bind, (int64_t)store_page(limit));
    return read_intents(store, arena, project != 0 ? of_one : of_all, &bind, ret_rows, ret_count,
                        reterr);
}

int store_intents_of(struct store *store, struct arena *arena, int64_t revision,
                     struct store_intent_row **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, revision);
    store_bind_int(&bind, STORE_PAGE_ROWS);
    return read_intents(store, arena, INTENT_COLUMNS " WHERE revision_id = $1 ORDER BY id LIMIT $2",
                        &bind, ret_rows, ret_count, reterr);
}

int store_intent_end(struct store *store, int64_t id, enum store_intent_state state,
                     struct err *reterr)
{
    struct store_bind bind = {0};
    int64_t changes;
    store_bind_int(&bind, id);
    store_bind_int(&bind, state);
    const int r = store_write_one(store, "UPDATE intent SET state = $2 WHERE id = $1", &bind,
                                  &changes, reterr);
    if (r == 0 && changes == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history knows no such intent");
    return r;
}

struct nonce_work {
    const char *nonce, *claim;
    int64_t now, mine;
};

/* The second statement sees what another wrote meanwhile. */
static int nonce_work(struct store_db *db, void *context, struct err *reterr)
{
    struct nonce_work *work = context;
    struct store_bind bind = {0}, find = {0};
    int64_t changes = 0;
    work->mine = 0;
    store_bind_text(&bind, work->nonce);
    store_bind_int(&bind, work->now);
    store_bind_text(&bind, work->claim);
    int r = store_run(
        db, "INSERT INTO nonce(nonce, used_at, claim) VALUES($1, $2, $3) ON CONFLICT DO NOTHING",
        &bind, NULL, NULL, &changes, reterr);
    if (r != 0 || changes > 0) {
        work->mine = changes > 0;
        return r;
    }
    store_bind_text(&find, work->nonce);
    store_bind_text(&find, work->claim);
    return store_run(db, "SELECT count(*) FROM nonce WHERE nonce = $1 AND claim = $2", &find,
                     store_row_first_int, &work->mine, NULL, reterr);
}

int store_nonce_use(struct store *store, const char *nonce, const char *claim, int64_t now,
                    struct err *reterr)
{
    struct nonce_work work = {.nonce = nonce, .claim = claim, .now = now};
    const int r = store_write(store, nonce_work, &work, reterr);
    if (r == 0 && work.mine == 0)
        return err_set(reterr, ERR_CONFLICT, "the nonce was used before");
    return r;
}
