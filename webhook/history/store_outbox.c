/* The outbox: letters to be told at least once.  And what configuration a revision used. */
#include "history/store_internal.h"

/* A taker works on them one by one: more at once would only run out of their lease. */
#define LETTERS_MAX 100U

struct push_work {
    const char *sink, *body;
    int64_t now, id;
};

static int push_work(struct store_db *db, void *context, struct err *reterr)
{
    struct push_work *work = context;
    struct store_bind bind = {0};
    store_bind_text(&bind, work->sink);
    store_bind_text(&bind, work->body);
    store_bind_int(&bind, work->now);
    return store_run(db,
                     "INSERT INTO outbox(sink, body, attempts, due_at, created_at)"
                     " VALUES($1, $2, 0, 0, $3) RETURNING id",
                     &bind, store_row_first_int, &work->id, NULL, reterr);
}

int store_outbox_push(struct store *store, const char *sink, const char *body, int64_t now,
                      int64_t *ret_id, struct err *reterr)
{
    struct push_work work = {sink, body, now, 0};
    const int r = store_write(store, push_work, &work, reterr);
    if (r == 0)
        *ret_id = work.id;
    return r;
}

struct take_work {
    const char *sink;
    int64_t now, lease_until;
    size_t limit, count;
    int64_t ids[LETTERS_MAX];
};

static void read_id(void *context, const struct store_row *row)
{
    struct take_work *work = context;
    if (work->count < LETTERS_MAX)
        work->ids[work->count++] = store_row_int(row, 0);
}

static int take_work(struct store_db *db, void *context, struct err *reterr)
{
#define TAKE                                                                                       \
    "UPDATE outbox SET due_at = $3, attempts = attempts + 1 WHERE id IN"                           \
    " (SELECT id FROM outbox WHERE sink = $1 AND due_at <= $2 ORDER BY id LIMIT $4"
    /* Replicas take different letters without waiting for each other. */
    static const char *const sql[] = {TAKE ") RETURNING id",
                                      TAKE " FOR UPDATE SKIP LOCKED) RETURNING id"};
    struct take_work *work = context;
    struct store_bind bind = {0};
    work->count = 0;
    store_bind_text(&bind, work->sink);
    store_bind_int(&bind, work->now);
    store_bind_int(&bind, work->lease_until);
    store_bind_int(&bind, (int64_t)work->limit);
    return store_run(db, sql[db->driver->postgres], &bind, read_id, work, NULL, reterr);
}

static void read_letter(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_letter *letter = store_rows_add(rows);
    letter->id = store_row_int(row, 0);
    letter->sink = store_row_text(row, rows->arena, 1);
    letter->body = store_row_text(row, rows->arena, 2);
    letter->attempts = store_row_int(row, 3);
    letter->created_at = store_row_int(row, 4);
    store_event_read(row, rows->arena, 5, &letter->event);
}

/* RETURNING promises no order. */
static void sort_ids(int64_t *ids, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t at = i; at > 0 && ids[at] < ids[at - 1]; at--) {
            const int64_t id = ids[at];
            ids[at] = ids[at - 1];
            ids[at - 1] = id;
        }
}

int store_outbox_take(struct store *store, struct arena *arena, const char *sink, int64_t now,
                      int64_t lease_until, size_t limit, struct store_letter **ret_rows,
                      size_t *ret_count, struct err *reterr)
{
    struct take_work work = {.sink = sink,
                             .now = now,
                             .lease_until = lease_until,
                             .limit = limit < LETTERS_MAX ? limit : LETTERS_MAX};
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    int r = store_write(store, take_work, &work, reterr);
    sort_ids(work.ids, work.count);
    for (size_t i = 0; r == 0 && i < work.count; i++) {
        struct store_bind bind = {0};
        store_bind_int(&bind, work.ids[i]);
        r = store_read(store, arena,
                       "SELECT outbox.id, outbox.sink, outbox.body, outbox.attempts,"
                       " outbox.created_at, " STORE_EVENT_COLUMNS " FROM outbox LEFT JOIN event"
                       " ON event.id = outbox.event_id WHERE outbox.id = $1",
                       &bind, read_letter, &rows, reterr);
    }
    if (r != 0)
        return r;
    *ret_rows = (struct store_letter *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

int store_outbox_done(struct store *store, int64_t id, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, id);
    return store_write_one(store, "DELETE FROM outbox WHERE id = $1", &bind, NULL, reterr);
}

int store_outbox_retry(struct store *store, int64_t id, int64_t at, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, id);
    store_bind_int(&bind, at);
    return store_write_one(store, "UPDATE outbox SET due_at = $2 WHERE id = $1", &bind, NULL,
                           reterr);
}

/* ---- Configuration ---------------------------------------------------------------------- */

struct refs_work {
    int64_t revision;
    const struct store_config_ref *refs;
    size_t count;
};

static int refs_work(struct store_db *db, void *context, struct err *reterr)
{
    const struct refs_work *work = context;
    struct store_bind old = {0};
    store_bind_int(&old, work->revision);
    int r = store_run(db, "DELETE FROM config_ref WHERE revision_id = $1", &old, NULL, NULL, NULL,
                      reterr);
    for (size_t i = 0; r == 0 && i < work->count; i++) {
        struct store_bind bind = {0};
        store_bind_int(&bind, work->revision);
        store_bind_text(&bind, work->refs[i].kind);
        store_bind_text(&bind, work->refs[i].name);
        store_bind_text(&bind, work->refs[i].fingerprint);
        r = store_run(db,
                      "INSERT INTO config_ref(revision_id, kind, name, fingerprint)"
                      " VALUES($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                      &bind, NULL, NULL, NULL, reterr);
    }
    return r;
}

int store_config_refs_set(struct store *store, int64_t revision,
                          const struct store_config_ref *refs, size_t count, struct err *reterr)
{
    struct refs_work work = {revision, refs, count};
    return store_write(store, refs_work, &work, reterr);
}

static void read_ref(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_config_ref *ref = store_rows_add(rows);
    ref->kind = store_row_text(row, rows->arena, 0);
    ref->name = store_row_text(row, rows->arena, 1);
    ref->fingerprint = store_row_text(row, rows->arena, 2);
}

int store_config_refs(struct store *store, struct arena *arena, int64_t revision,
                      struct store_config_ref **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, revision);
    store_bind_int(&bind, STORE_PAGE_ROWS);
    const int r = store_read(store, arena,
                             "SELECT kind, name, fingerprint FROM config_ref"
                             " WHERE revision_id = $1 ORDER BY kind, name LIMIT $2",
                             &bind, read_ref, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_config_ref *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}
