/* Events with their letters, gaps of coverage, watch cursors. */
#include "base/buf.h"
#include "history/store_internal.h"

#include <string.h>

/* Ids are given before commits end: on PostgreSQL those who append events take turns, so that a
 * smaller id is never seen later than a greater one. */
static int keep_order(struct store_db *db, struct err *reterr)
{
    if (!db->driver->postgres || db->in_order)
        return 0;
    const int r = store_run(db,
                            "SELECT 1 FROM pg_advisory_xact_lock(1886544740,"
                            " hashtext(current_schema()))",
                            NULL, NULL, NULL, NULL, reterr);
    db->in_order = r == 0;
    return r;
}

static int add_letters(struct store_db *db, int64_t id, int64_t at, struct err *reterr)
{
    int r = 0;
    for (const char *const *sink = db->sinks; r == 0 && sink != NULL && *sink != NULL; sink++) {
        struct store_bind bind = {0};
        store_bind_text(&bind, *sink);
        store_bind_int(&bind, id);
        store_bind_int(&bind, at);
        r = store_run(db,
                      "INSERT INTO outbox(sink, event_id, attempts, due_at, created_at)"
                      " VALUES($1, $2, 0, 0, $3)",
                      &bind, NULL, NULL, NULL, reterr);
    }
    return r;
}

int store_event_in(struct store_db *db, const struct store_event *event, int64_t *ret_id,
                   struct err *reterr)
{
    int64_t id = 0;
    int r = keep_order(db, reterr);
    if (r != 0)
        return r;
    store_touch(db, event->project);
    struct buf key;
    buf_init(&key, NULL, STORE_TEXT_BYTES);
    buf_printf(&key, "%lld/%lld/", (long long)event->project, (long long)event->revision);
    if (event->key != NULL)
        buf_add_string(&key, event->key);
    struct store_bind bind = {0};
    store_bind_id(&bind, event->project);
    store_bind_id(&bind, event->revision);
    store_bind_int(&bind, event->at);
    store_bind_text(&bind, event->type);
    store_bind_text(&bind, event->service);
    store_bind_text(&bind, event->message);
    store_bind_text(&bind, event->details);
    store_bind_text(&bind, event->key == NULL ? NULL : key.data);
    if (key.failed)
        bind.failed = ERR_LIMIT;
    r = store_run(db,
                  "INSERT INTO event(project_id, revision_id, at, type, service, message,"
                  " details_json, dedupe_key) VALUES($1, $2, $3, $4, $5, $6, $7, $8)"
                  " ON CONFLICT DO NOTHING RETURNING id",
                  &bind, store_row_first_int, &id, NULL, reterr);
    buf_done(&key);
    /* What Kubernetes tells by itself is evidence, and no news of ours. */
    if (r == 0 && id != 0 && strcmp(event->type, STORE_KUBERNETES_EVENT) != 0)
        r = add_letters(db, id, event->at, reterr);
    if (r == 0)
        *ret_id = id;
    return r;
}

struct event_work {
    const struct store_event *event;
    int64_t id;
};

static int event_work(struct store_db *db, void *context, struct err *reterr)
{
    struct event_work *work = context;
    return store_event_in(db, work->event, &work->id, reterr);
}

int store_event(struct store *store, const struct store_event *event, int64_t *ret_id,
                struct err *reterr)
{
    struct event_work work = {event, 0};
    const int r = store_write(store, event_work, &work, reterr);
    if (r == 0)
        *ret_id = work.id;
    return r;
}

void store_event_read(const struct store_row *row, struct arena *arena, int column,
                      struct store_event *ret_event)
{
    ret_event->id = store_row_int(row, column);
    ret_event->project = store_row_int(row, column + 1);
    ret_event->revision = store_row_int(row, column + 2);
    ret_event->at = store_row_int(row, column + 3);
    ret_event->type = store_row_text(row, arena, column + 4);
    ret_event->service = store_row_text(row, arena, column + 5);
    ret_event->message = store_row_text(row, arena, column + 6);
    ret_event->details = store_row_text(row, arena, column + 7);
    const char *key = store_row_text(row, arena, column + 8);
    for (int slashes = 0; key != NULL && slashes < 2; key++)
        slashes += *key == '/';
    ret_event->key = key;
}

static void read_event(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    store_event_read(row, rows->arena, 0, store_rows_add(rows));
}

int store_events(struct store *store, struct arena *arena, const struct store_event_query *query,
                 struct store_event **ret_rows, size_t *ret_count, struct err *reterr)
{
#define EVENTS "SELECT " STORE_EVENT_COLUMNS " FROM event WHERE "
#define FROM   " AND id > $2 ORDER BY id LIMIT $3"
    static const char of_revision[] = EVENTS "revision_id = $1" FROM;
    static const char of_project[] = EVENTS "project_id = $1" FROM;
    static const char of_all[] = EVENTS "$1 = 0" FROM;
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, query->revision != 0 ? query->revision : query->project);
    store_bind_int(&bind, query->after_id);
    store_bind_int(&bind, (int64_t)store_page(query->limit));
    const int r = store_read(store, arena,
                             query->revision != 0  ? of_revision
                             : query->project != 0 ? of_project
                                                   : of_all,
                             &bind, read_event, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_event *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

/* ---- Gaps ------------------------------------------------------------------------------- */

int store_gap_open(struct store *store, const char *resource, const char *reason, int64_t from,
                   struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, resource);
    store_bind_text(&bind, reason);
    store_bind_int(&bind, from);
    return store_write_one(store,
                           "INSERT INTO coverage_gap(resource, reason, from_at, to_at)"
                           " SELECT $1, $2, $3, 0 WHERE NOT EXISTS"
                           " (SELECT 1 FROM coverage_gap WHERE resource = $1 AND to_at = 0)",
                           &bind, NULL, reterr);
}

int store_gap_close(struct store *store, const char *resource, int64_t to, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, resource);
    store_bind_int(&bind, to);
    return store_write_one(store,
                           "UPDATE coverage_gap SET to_at = CASE WHEN from_at > $2 THEN from_at"
                           " ELSE $2 END WHERE resource = $1 AND to_at = 0",
                           &bind, NULL, reterr);
}

static void read_gap(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_gap *gap = store_rows_add(rows);
    gap->id = store_row_int(row, 0);
    gap->resource = store_row_text(row, rows->arena, 1);
    gap->reason = store_row_text(row, rows->arena, 2);
    gap->from = store_row_int(row, 3);
    gap->to = store_row_int(row, 4);
}

int store_gaps(struct store *store, struct arena *arena, int64_t from, int64_t to,
               struct store_gap **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, from);
    store_bind_int(&bind, to);
    store_bind_int(&bind, STORE_PAGE_ROWS);
    const int r = store_read(store, arena,
                             "SELECT id, resource, reason, from_at, to_at FROM coverage_gap"
                             " WHERE from_at <= $2 AND (to_at = 0 OR to_at >= $1)"
                             " ORDER BY id DESC LIMIT $3",
                             &bind, read_gap, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_gap *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

/* ---- Cursors ---------------------------------------------------------------------------- */

struct text {
    struct arena *arena;
    const char *text;
};

static void read_text(void *context, const struct store_row *row)
{
    struct text *text = context;
    text->text = store_row_text(row, text->arena, 0);
}

int store_cursor_get(struct store *store, struct arena *arena, const char *resource,
                     const char **ret_version, struct err *reterr)
{
    struct text text = {arena, NULL};
    struct store_bind bind = {0};
    store_bind_text(&bind, resource);
    const int r =
        store_read(store, arena, "SELECT resource_version FROM watch_cursor WHERE resource = $1",
                   &bind, read_text, &text, reterr);
    if (r == 0)
        *ret_version = text.text;
    return r;
}

int store_cursor_set(struct store *store, const struct store_cursor *cursor, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, cursor->resource);
    store_bind_text(&bind, cursor->resource_version);
    return store_write_one(store, STORE_CURSOR_SQL, &bind, NULL, reterr);
}

int store_event_last(struct store *store, int64_t project, int64_t *ret_id, struct err *reterr)
{
    struct store_bind bind = {0};
    int64_t id = 0;
    store_bind_int(&bind, project);
    const int r = store_read(store, NULL,
                             "SELECT id FROM event WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
                             &bind, store_row_first_int, &id, reterr);
    if (r == 0)
        *ret_id = id;
    return r;
}
