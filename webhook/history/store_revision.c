/* Revisions and their service instances, as they are read; and a person's mark. */
#include "base/buf.h"
#include "history/store_internal.h"

/* The numbers stand in databases: a row is only ever added at the end of their tables. */
_Static_assert(REVISION_PENDING == 0 && REVISION_IN_PROGRESS == 1 && REVISION_COMPLETED == 2 &&
                   REVISION_FAILED == 3 && REVISION_ROLLING_BACK == 4 &&
                   REVISION_ROLLED_BACK == 5 && REVISION_SUPERSEDED == 6 &&
                   REVISION_CANCELLED == 7 && REVISION_NOT_PERSISTED == 8 &&
                   REVISION_UNKNOWN == 9 && REVISION_DELETED == 10,
               "stored numbers");
_Static_assert(REVISION_GOOD_UNKNOWN == 0 && REVISION_GOOD_YES == 1 && REVISION_GOOD_NO == 2,
               "stored numbers");
_Static_assert(REVISION_ADMISSION == 0 && REVISION_WATCH == 1 && REVISION_IMPORT == 2 &&
                   REVISION_RECORDER == 3,
               "stored numbers");

/* How many of a project's revisions a machine is given, beside those that it must have. */
#define NEWEST_ROWS 200

#define REVISIONS_WITH(last_applied, managed_fields)                                               \
    "SELECT id, project_id, seq, uid, generation, k8s_revision, rs_name, rs_uid, template_sha,"    \
    " written_sha, " last_applied ", " managed_fields ", policy_changes, strategy, replicas,"      \
    " change_kind, change_cause, actor_user, actor_groups, actor_certain, via, on_behalf_of,"      \
    " origin, status, reason, progress, message, good, good_by, soak_until,"                       \
    " progressing_baseline, started_at, last_progress_at, deadline_at, completed_at,"              \
    " rollback_of, source, memory,"                                                                \
    " (SELECT count(*) FROM event WHERE revision_id = revision.id AND type = 'tag_moved')"         \
    " FROM revision WHERE "
#define REVISIONS REVISIONS_WITH("last_applied", "managed_fields")
/* Without the long texts: of a list. */
#define BRIEF REVISIONS_WITH("NULL", "NULL")

static void read_revision(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct arena *arena = rows->arena;
    struct revision *revision = store_rows_add(rows);
    int column = 0;
#define INT()  store_row_int(row, column++)
#define TEXT() store_row_text(row, arena, column++)
    revision->id = INT();
    revision->project_id = INT();
    revision->seq = INT();
    revision->uid = TEXT();
    revision->generation = INT();
    revision->k8s_revision = INT();
    revision->rs_name = TEXT();
    revision->rs_uid = TEXT();
    revision->template_sha = TEXT();
    revision->written_sha = TEXT();
    revision->last_applied = TEXT();
    revision->managed_fields = TEXT();
    revision->policy_changes = TEXT();
    revision->strategy = TEXT();
    revision->replicas = INT();
    revision->change_kind = TEXT();
    revision->change_cause = TEXT();
    revision->actor_user = TEXT();
    revision->actor_groups = TEXT();
    revision->actor_certain = INT() != 0;
    revision->via = TEXT();
    revision->on_behalf_of = TEXT();
    revision->origin = (enum revision_origin)INT();
    revision->status = (enum revision_status)INT();
    revision->reason = TEXT();
    revision->progress = (int)INT();
    revision->message = TEXT();
    revision->good = (enum revision_good)INT();
    revision->good_by = TEXT();
    revision->soak_until = INT();
    revision->progressing_baseline = TEXT();
    revision->started_at = INT();
    revision->last_progress_at = INT();
    revision->deadline_at = INT();
    revision->completed_at = INT();
    revision->rollback_of = INT();
    revision->source = INT();
    revision->memory = TEXT();
    revision->tag_moved = INT() != 0;
#undef INT
#undef TEXT
}

static int read_revisions(struct store *store, struct arena *arena, const char *sql,
                          struct store_bind *bind, struct revision **ret_rows, size_t *ret_count,
                          struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    const int r = store_read(store, arena, sql, bind, read_revision, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct revision *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}

/* One text for each index that can lead: what is asked for most narrowly is looked up. */
#define FILTERS                                                                                    \
    " AND ($2 = -1 OR status = $2) AND ($3 = -1 OR good = $3)"                                     \
    " AND ($4 IS NULL OR actor_user = $4) AND ($5 IS NULL OR template_sha = $5)"
#define NEWEST      " ORDER BY seq DESC LIMIT $7"
#define BY_SEQ      FILTERS " AND seq < $6" NEWEST
#define LIST(which) (query->brief ? BRIEF which : REVISIONS which)
/* The index is in the order of seq for one status and one `good`: of all three the newest are. */
#define WITH_GOOD(good)                                                                            \
    "SELECT id FROM (SELECT id, seq FROM revision WHERE project_id = $1 AND status = $2"           \
    " AND good = " good " AND seq < $6" NEWEST ") AS good_" good
static const char *list_sql(const struct store_query *query)
{
    if (query->project == 0)
        return LIST("$1 = 0" FILTERS " AND id < $6 ORDER BY id DESC LIMIT $7");
    if (query->template_sha != NULL)
        return LIST("project_id = $1 AND template_sha = $5" BY_SEQ);
    if (query->actor != NULL)
        return LIST("project_id = $1 AND actor_user = $4" BY_SEQ);
    if (query->status != -1 && query->good != -1)
        return LIST("project_id = $1 AND status = $2 AND good = $3" BY_SEQ);
    if (query->status != -1)
        return LIST("id IN (" WITH_GOOD("0") " UNION ALL " WITH_GOOD("1") " UNION ALL " WITH_GOOD(
            "2") ")" FILTERS NEWEST);
    if (query->good != -1)
        return LIST("project_id = $1 AND good = $3" BY_SEQ);
    return LIST("project_id = $1" BY_SEQ);
}

int store_revisions(struct store *store, struct arena *arena, const struct store_query *query,
                    struct revision **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, query->project);
    store_bind_int(&bind, query->status);
    store_bind_int(&bind, query->good);
    store_bind_text(&bind, query->actor);
    store_bind_text(&bind, query->template_sha);
    store_bind_int(&bind, query->before_seq == 0 ? INT64_MAX : query->before_seq);
    store_bind_int(&bind, (int64_t)store_page(query->limit));
    return read_revisions(store, arena, list_sql(query), &bind, ret_rows, ret_count, reterr);
}

int store_revisions_open(struct store *store, struct arena *arena, int64_t project,
                         struct revision **ret_rows, size_t *ret_count, struct err *reterr)
{
    /* 0, 1, 4: Pending, InProgress, RollingBack.  The machine's memory begins with whether the
     * revision is the current one. */
#define CURRENT         "memory LIKE '{\"current\":\"1\"%'"
#define LONG_OF(column) "CASE WHEN status IN (0, 1, 4) OR " CURRENT " THEN " column " END"
    static const char sql[] = REVISIONS_WITH(
        LONG_OF("last_applied"),
        LONG_OF("managed_fields")) "id IN (SELECT id FROM revision WHERE project_id = $1 AND "
                                   "status IN (0, 1, 4)"
                                   " UNION SELECT id FROM revision WHERE project_id = $1 AND "
                                   "memory IS NOT NULL AND " CURRENT
                                   " UNION SELECT id FROM (SELECT id FROM revision WHERE "
                                   "project_id = $1"
                                   " ORDER BY seq DESC LIMIT $2) AS newest) ORDER BY seq";
#undef CURRENT
#undef LONG_OF
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_int(&bind, NEWEST_ROWS);
    return read_revisions(store, arena, sql, &bind, ret_rows, ret_count, reterr);
}

static int one_revision(struct store *store, struct arena *arena, const char *sql,
                        struct store_bind *bind, struct revision *ret_row, struct err *reterr)
{
    struct revision *rows;
    size_t count;
    const int r = read_revisions(store, arena, sql, bind, &rows, &count, reterr);
    if (r != 0)
        return r;
    if (count == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history has no such revision");
    *ret_row = rows[0];
    return 0;
}

int store_revision(struct store *store, struct arena *arena, int64_t id, struct revision *ret_row,
                   struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, id);
    return one_revision(store, arena, REVISIONS "id = $1", &bind, ret_row, reterr);
}

int store_revision_seq(struct store *store, struct arena *arena, int64_t project, int64_t seq,
                       struct revision *ret_row, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_int(&bind, project);
    store_bind_int(&bind, seq);
    return one_revision(store, arena, REVISIONS "project_id = $1 AND seq = $2", &bind, ret_row,
                        reterr);
}

/* ---- Marks ------------------------------------------------------------------------------ */

struct mark_work {
    int64_t id;
    enum revision_good good;
    const char *by, *reason;
    int64_t now;
    int64_t project; /* 0: there is no such revision */
};

static int mark_event(struct store_db *db, const struct mark_work *work, struct err *reterr)
{
    static const char *const words[] = {"marked as unknown", "marked as good", "marked as bad"};
    struct buf message, details;
    buf_init(&message, NULL, STORE_TEXT_BYTES);
    buf_init(&details, NULL, STORE_TEXT_BYTES);
    buf_add_strings(&message, words[work->good], " by ", work->by == NULL ? "nobody" : work->by,
                    NULL);
    if (work->reason != NULL)
        buf_add_strings(&message, ": ", work->reason, NULL);
    buf_add_string(&details, "{\"by\":");
    buf_add_json_string(&details, work->by == NULL ? "" : work->by);
    buf_add_string(&details, ",\"reason\":");
    buf_add_json_string(&details, work->reason == NULL ? "" : work->reason);
    buf_add_char(&details, '}');
    const struct store_event event = {.project = work->project,
                                      .revision = work->id,
                                      .at = work->now,
                                      .type = "marked",
                                      .message = message.data,
                                      .details = details.data};
    int64_t id;
    const int r = message.failed || details.failed
                      ? err_set(reterr, ERR_LIMIT, "the reason is too long")
                      : store_event_in(db, &event, &id, reterr);
    buf_done(&message);
    buf_done(&details);
    return r;
}

static int mark_work(struct store_db *db, void *context, struct err *reterr)
{
    struct mark_work *work = context;
    struct store_bind bind = {0};
    store_bind_int(&bind, work->id);
    store_bind_int(&bind, work->good);
    store_bind_text(&bind, work->by == NULL ? "nobody" : work->by);
    work->project = 0;
    const int r = store_run(db,
                            "UPDATE revision SET good = $2, good_by = $3 WHERE id = $1"
                            " RETURNING project_id",
                            &bind, store_row_first_int, &work->project, NULL, reterr);
    return r != 0 || work->project == 0 ? r : mark_event(db, work, reterr);
}

int store_revision_mark(struct store *store, int64_t id, enum revision_good good, const char *by,
                        const char *reason, int64_t now, struct err *reterr)
{
    struct mark_work work = {.id = id, .good = good, .by = by, .reason = reason, .now = now};
    const int r = store_write(store, mark_work, &work, reterr);
    if (r == 0 && work.project == 0)
        return err_set(reterr, ERR_NOT_FOUND, "the history has no such revision");
    return r;
}

/* ---- Instances -------------------------------------------------------------------------- */

static void read_instance(void *context, const struct store_row *row)
{
    struct store_rows *rows = context;
    struct arena *arena = rows->arena;
    struct store_instance *instance = store_rows_add(rows);
    instance->revision = store_row_int(row, 0);
    instance->pod_uid = store_row_text(row, arena, 1);
    instance->pod = store_row_text(row, arena, 2);
    instance->node = store_row_text(row, arena, 3);
    instance->container = store_row_text(row, arena, 4);
    instance->image = store_row_text(row, arena, 5);
    instance->image_digest = store_row_text(row, arena, 6);
    instance->status = store_row_text(row, arena, 7);
    instance->health = store_row_text(row, arena, 8);
    instance->restarts = store_row_int(row, 9);
    instance->exit_code = store_row_int(row, 10);
    instance->reason = store_row_text(row, arena, 11);
    instance->message = store_row_text(row, arena, 12);
    instance->last_reason = store_row_text(row, arena, 13);
    instance->last_message = store_row_text(row, arena, 14);
    instance->started_at = store_row_int(row, 15);
    instance->ended_at = store_row_int(row, 16);
}

int store_instances(struct store *store, struct arena *arena, int64_t revision,
                    struct store_instance **ret_rows, size_t *ret_count, struct err *reterr)
{
    struct store_rows rows = {.arena = arena, .row_bytes = sizeof **ret_rows};
    struct store_bind bind = {0};
    store_bind_int(&bind, revision);
    store_bind_int(&bind, STORE_PAGE_ROWS);
    const int r = store_read(store, arena,
                             "SELECT revision_id, pod_uid, pod, node, container, image,"
                             " image_digest, status, health, restarts, exit_code, reason, message,"
                             " last_reason, last_message, started_at, ended_at"
                             " FROM service_instance WHERE revision_id = $1"
                             " ORDER BY started_at, pod_uid, container LIMIT $2",
                             &bind, read_instance, &rows, reterr);
    if (r != 0)
        return r;
    *ret_rows = (struct store_instance *)(void *)rows.rows;
    *ret_count = rows.count;
    return 0;
}
