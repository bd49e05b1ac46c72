/* What a Deployment is beside its template: one row a project, the newest. */
#include "history/store_internal.h"

int store_frame_set(struct store *store, int64_t project, const struct store_frame *frame,
                    struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_text(&bind, frame->uid);
    store_bind_int(&bind, frame->taken_at);
    store_bind_text(&bind, frame->json);
    return store_write_one(store,
                           "INSERT INTO frame(project_id, uid, taken_at, json)"
                           " VALUES($1, $2, $3, $4) ON CONFLICT(project_id) DO UPDATE SET"
                           " uid = excluded.uid, taken_at = excluded.taken_at,"
                           " json = excluded.json",
                           &bind, NULL, reterr);
}

static void read_frame(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct store_frame *frame = store_rows_add(rows);
    frame->uid = store_row_text(row, rows->arena, 0);
    frame->taken_at = store_row_int(row, 1);
    frame->json = store_row_text(row, rows->arena, 2);
}

int store_frame_get(struct store *store, struct arena *arena, int64_t project,
                    struct store_frame *ret_frame, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof *ret_frame};
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    const int r =
        store_read(store, arena, "SELECT uid, taken_at, json FROM frame WHERE project_id = $1",
                   &bind, read_frame, &rows, reterr);
    if (r != 0)
        return r;
    if (rows.count == 0)
        return err_set(reterr, ERR_NOT_FOUND, "nothing is kept of what the Deployment was made of");
    *ret_frame = *(struct store_frame *)(void *)rows.rows;
    return 0;
}
