/* Retention: what may go, in small transactions; and figures. */
#include "history/store_internal.h"

#include <stdlib.h>

#define BATCH 100

#define YEAR_US (INT64_C(366) * 24 * 3600 * 1000000)

/* $1: ended before; $2: the newest that stay, less one; $3: good ones that stay, less one. */
static const char deletable_sql[] =
    "SELECT r.id, r.template_sha FROM revision r WHERE r.status NOT IN (0, 1, 4)"
    " AND CASE WHEN r.completed_at > 0 THEN r.completed_at ELSE r.started_at END < $1"
    " AND r.seq < (SELECT n.seq FROM revision n WHERE n.project_id = r.project_id"
    " ORDER BY n.seq DESC LIMIT 1 OFFSET $2)"
    " AND (r.good <> 1 OR r.seq < (SELECT n.seq FROM revision n WHERE n.project_id = r.project_id"
    " AND n.good = 1 ORDER BY n.seq DESC LIMIT 1 OFFSET $3))"
    " AND NOT EXISTS (SELECT 1 FROM revision n WHERE n.rollback_of = r.id)"
    " AND NOT EXISTS (SELECT 1 FROM revision n WHERE n.source = r.id)"
    " AND NOT EXISTS (SELECT 1 FROM rollback_op o WHERE o.state < 2"
    " AND (o.revision_id = r.id OR o.target_id = r.id OR o.result_id = r.id))"
    " ORDER BY CASE WHEN r.completed_at > 0 THEN r.completed_at ELSE r.started_at END, r.id"
    " LIMIT $4";

struct retain_work {
    int64_t before, keep, keep_good;
    size_t count;
    int64_t ids[BATCH];
    char *shas[BATCH]; /* on the heap */
    bool no_memory;
};

static void forget(struct retain_work *work)
{
    for (size_t i = 0; i < work->count; i++)
        free(work->shas[i]);
    work->count = 0;
    work->no_memory = false;
}

static void read_deletable(void *context, const struct store_row *row)
{
    struct retain_work *work = context;
    size_t length;
    const char *sha = store_row_bytes(row, 1, &length);
    if (work->count == BATCH)
        return;
    char *copy = calloc(1, length + 1);
    if (copy == NULL) {
        work->no_memory = true;
        return;
    }
    for (size_t i = 0; i < length; i++)
        copy[i] = sha[i];
    work->ids[work->count] = store_row_int(row, 0);
    work->shas[work->count++] = copy;
}

static int delete_one(struct store_db *db, int64_t id, const char *sha, struct err *reterr)
{
    struct store_bind revision = {0}, template_ = {0};
    store_bind_int(&revision, id);
    const int r =
        store_run(db, "DELETE FROM revision WHERE id = $1", &revision, NULL, NULL, NULL, reterr);
    if (r != 0)
        return r;
    store_bind_text(&template_, sha);
    return store_run(db,
                     "DELETE FROM template WHERE sha256 = $1"
                     " AND NOT EXISTS (SELECT 1 FROM revision WHERE template_sha = $1)"
                     " AND NOT EXISTS (SELECT 1 FROM intent WHERE template_sha = $1)"
                     " AND NOT EXISTS (SELECT 1 FROM hold WHERE template_sha = $1)",
                     &template_, NULL, NULL, NULL, reterr);
}

static int retain_work(struct store_db *db, void *context, struct err *reterr)
{
    struct retain_work *work = context;
    int r = 0;
    forget(work);
    /* Whoever is about to name a template that is there already is waited for, then waits. */
    if (db->driver->postgres)
        r = db->driver->script(db, "LOCK TABLE template IN SHARE ROW EXCLUSIVE MODE", reterr);
    struct store_bind bind = {0};
    store_bind_int(&bind, work->before);
    store_bind_int(&bind, work->keep > 1 ? work->keep - 1 : 0);
    store_bind_int(&bind, work->keep_good > 1 ? work->keep_good - 1 : 0);
    store_bind_int(&bind, BATCH);
    if (r == 0)
        r = store_run(db, deletable_sql, &bind, read_deletable, work, NULL, reterr);
    if (r == 0 && work->no_memory)
        r = err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    for (size_t i = 0; r == 0 && i < work->count; i++)
        r = delete_one(db, work->ids[i], work->shas[i], reterr);
    return r;
}

/* One batch; *ret_deleted 0: nothing may go. */
static int retain_batch(struct store *store, const struct store_retention *retention,
                        int64_t before, int64_t *ret_deleted, struct err *reterr)
{
    struct retain_work work = {
        .before = before, .keep = retention->keep, .keep_good = retention->keep_good};
    const int r = store_write(store, retain_work, &work, reterr);
    if (r == 0)
        *ret_deleted = (int64_t)work.count;
    forget(&work);
    return r;
}

/* What has no revision: only its age counts. */
static int delete_old(struct store *store, const struct store_retention *retention,
                      struct err *reterr)
{
    static const char *const by_age[] = {
        "DELETE FROM intent WHERE state <> 0 AND revision_id IS NULL AND received_at < $1",
        "DELETE FROM event WHERE revision_id IS NULL AND at < $1",
        "DELETE FROM rollback_op WHERE state >= 2 AND updated_at < $1",
        "DELETE FROM coverage_gap WHERE to_at > 0 AND to_at < $1",
        "DELETE FROM hold WHERE until_at > 0 AND until_at < $1",
    };
    int r = 0;
    for (size_t i = 0; r == 0 && retention->before > 0 && i < sizeof by_age / sizeof by_age[0];
         i++) {
        struct store_bind bind = {0};
        store_bind_int(&bind, retention->before);
        r = store_write_one(store, by_age[i], &bind, NULL, reterr);
    }
    if (r != 0)
        return r;
    struct store_bind bind = {0};
    store_bind_int(&bind, retention->now - YEAR_US);
    return store_write_one(store, "DELETE FROM nonce WHERE used_at < $1", &bind, NULL, reterr);
}

static int size_of(struct store *store, int64_t *ret_bytes, struct err *reterr)
{
    struct store_db *db;
    int r = store_reader_take(store, &db, reterr);
    if (r != 0)
        return r;
    if (!db->driver->postgres)
        r = store_sqlite_size(db, ret_bytes, reterr);
    else
        r = store_run(db,
                      "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT)"
                      " FROM pg_class WHERE relkind = 'r'"
                      " AND relnamespace = current_schema()::regnamespace",
                      NULL, store_row_first_int, ret_bytes, NULL, reterr);
    store_reader_give(store, db);
    return r;
}

/* The databases choose their indexes by what they counted last. */
static int count_again(struct store_db *db, void *context, struct err *reterr)
{
    (void)context;
    return db->driver->script(
        db, db->driver->postgres ? "ANALYZE project, revision, intent, event" : "PRAGMA optimize",
        reterr);
}

int store_retain(struct store *store, const struct store_retention *retention, int64_t *ret_deleted,
                 struct err *reterr)
{
    int64_t deleted = 0, batch = retention->before > 0, bytes = 0;
    int r = delete_old(store, retention, reterr);
    while (r == 0 && batch > 0) {
        r = retain_batch(store, retention, retention->before, &batch, reterr);
        deleted += r == 0 ? batch : 0;
    }
    const bool by_size = retention->size_bytes > 0 && !store_is_postgres(store_url(store));
    batch = 1;
    while (r == 0 && by_size && batch > 0) {
        r = size_of(store, &bytes, reterr);
        if (r != 0 || bytes <= retention->size_bytes)
            break;
        r = retain_batch(store, retention, INT64_MAX, &batch, reterr);
        deleted += r == 0 ? batch : 0;
    }
    if (r == 0)
        r = store_write(store, count_again, NULL, reterr);
    if (r == 0)
        *ret_deleted = deleted;
    return r;
}

static void read_figures(void *context, const struct store_row *row)
{
    struct store_figures *figures = context;
    figures->revisions = store_row_int(row, 0);
    figures->projects = store_row_int(row, 1);
    figures->intents_open = store_row_int(row, 2);
    figures->outbox = store_row_int(row, 3);
}

int store_figures(struct store *store, struct store_figures *ret_figures, struct err *reterr)
{
    struct store_figures figures = {0};
    int r = store_read(store, NULL,
                       "SELECT (SELECT count(*) FROM revision), (SELECT count(*) FROM project),"
                       " (SELECT count(*) FROM intent WHERE state = 0),"
                       " (SELECT count(*) FROM outbox)",
                       NULL, read_figures, &figures, reterr);
    if (r == 0)
        r = size_of(store, &figures.size_bytes, reterr);
    if (r == 0)
        *ret_figures = figures;
    return r;
}
