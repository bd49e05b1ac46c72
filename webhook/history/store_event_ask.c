/* Questions about events that need no rows. */
#include "history/store_internal.h"

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
