#include "history/store_schema.h"

#include "base/buf.h"

#include <string.h>

/* @id@ and @blob@ are what the two databases spell differently. */
static const char step_1[] =
    "CREATE TABLE project("
    " id @id@, cluster TEXT NOT NULL DEFAULT '', namespace TEXT NOT NULL, name TEXT NOT NULL,"
    " owner TEXT, UNIQUE(cluster, namespace, name));"

    "CREATE TABLE template("
    " sha256 TEXT PRIMARY KEY, length BIGINT NOT NULL, compressed @blob@ NOT NULL);"

    "CREATE TABLE revision("
    " id @id@, project_id BIGINT NOT NULL REFERENCES project(id), seq BIGINT NOT NULL, uid TEXT,"
    " generation BIGINT NOT NULL, k8s_revision BIGINT NOT NULL, rs_name TEXT, rs_uid TEXT,"
    " template_sha TEXT, written_sha TEXT, last_applied TEXT, managed_fields TEXT,"
    " policy_changes TEXT, strategy TEXT, replicas BIGINT NOT NULL, change_kind TEXT,"
    " change_cause TEXT, actor_user TEXT, actor_groups TEXT, actor_certain BIGINT NOT NULL,"
    " via TEXT, on_behalf_of TEXT, origin BIGINT NOT NULL, status BIGINT NOT NULL, reason TEXT,"
    " progress BIGINT NOT NULL, message TEXT, good BIGINT NOT NULL, good_by TEXT,"
    " soak_until BIGINT NOT NULL, progressing_baseline TEXT, started_at BIGINT NOT NULL,"
    " last_progress_at BIGINT NOT NULL, deadline_at BIGINT NOT NULL,"
    " completed_at BIGINT NOT NULL, rollback_of BIGINT, source BIGINT,"
    " UNIQUE(project_id, seq));"
    "CREATE INDEX revision_status ON revision(project_id, status, seq);"
    "CREATE INDEX revision_good ON revision(project_id, good, seq);"
    "CREATE INDEX revision_actor ON revision(project_id, actor_user, seq);"
    "CREATE INDEX revision_template ON revision(template_sha, project_id, seq);"
    "CREATE INDEX revision_rollback_of ON revision(rollback_of) WHERE rollback_of IS NOT NULL;"
    "CREATE INDEX revision_source ON revision(source) WHERE source IS NOT NULL;"

    "CREATE TABLE intent("
    " id @id@, project_id BIGINT NOT NULL REFERENCES project(id),"
    " revision_id BIGINT REFERENCES revision(id) ON DELETE CASCADE, state BIGINT NOT NULL,"
    " uid TEXT, template_sha TEXT, generation BIGINT NOT NULL, deletes BIGINT NOT NULL,"
    " received_at BIGINT NOT NULL, actor_user TEXT, actor_groups TEXT, via TEXT,"
    " on_behalf_of TEXT, change_cause TEXT, change_kind TEXT, policy_changes TEXT,"
    " last_applied TEXT, written_sha TEXT, rollback_of BIGINT, source BIGINT);"
    "CREATE INDEX intent_open ON intent(project_id, id) WHERE state = 0;"
    "CREATE INDEX intent_revision ON intent(revision_id) WHERE revision_id IS NOT NULL;"
    "CREATE INDEX intent_template ON intent(template_sha);"

    "CREATE TABLE service_instance("
    " revision_id BIGINT NOT NULL REFERENCES revision(id) ON DELETE CASCADE,"
    " pod_uid TEXT NOT NULL, container TEXT NOT NULL, pod TEXT, node TEXT, image TEXT,"
    " image_digest TEXT, status TEXT, health TEXT, restarts BIGINT NOT NULL, reason TEXT,"
    " message TEXT, last_reason TEXT, exit_code BIGINT NOT NULL, started_at BIGINT NOT NULL,"
    " ended_at BIGINT NOT NULL, PRIMARY KEY(revision_id, pod_uid, container));"

    "CREATE TABLE event("
    " id @id@, project_id BIGINT REFERENCES project(id),"
    " revision_id BIGINT REFERENCES revision(id) ON DELETE CASCADE, at BIGINT NOT NULL,"
    " type TEXT NOT NULL, service TEXT, message TEXT, details_json TEXT,"
    " dedupe_key TEXT UNIQUE);"
    "CREATE INDEX event_revision ON event(revision_id, id);"
    "CREATE INDEX event_project ON event(project_id, id);"

    "CREATE TABLE config_ref("
    " revision_id BIGINT NOT NULL REFERENCES revision(id) ON DELETE CASCADE, kind TEXT NOT NULL,"
    " name TEXT NOT NULL, fingerprint TEXT, PRIMARY KEY(revision_id, kind, name));"

    "CREATE TABLE hold("
    " project_id BIGINT NOT NULL REFERENCES project(id), template_sha TEXT NOT NULL, reason TEXT,"
    " set_by TEXT, set_at BIGINT NOT NULL, until_at BIGINT NOT NULL,"
    " PRIMARY KEY(project_id, template_sha));"

    "CREATE TABLE rollback_op("
    " id @id@, project_id BIGINT NOT NULL REFERENCES project(id), kind TEXT NOT NULL,"
    " automatic BIGINT NOT NULL, revision_id BIGINT, target_id BIGINT, actor TEXT NOT NULL,"
    " idempotency_key TEXT, body_digest TEXT, expect_generation BIGINT NOT NULL,"
    " state BIGINT NOT NULL, result_id BIGINT, http_status BIGINT NOT NULL, answer TEXT,"
    " created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, UNIQUE(actor, idempotency_key));"
    "CREATE INDEX rollback_op_open ON rollback_op(id) WHERE state < 2;"
    "CREATE INDEX rollback_op_project ON rollback_op(project_id, created_at);"

    "CREATE TABLE outbox("
    " id @id@, sink TEXT NOT NULL, event_id BIGINT REFERENCES event(id) ON DELETE CASCADE,"
    " body TEXT, attempts BIGINT NOT NULL, due_at BIGINT NOT NULL, created_at BIGINT NOT NULL);"
    "CREATE INDEX outbox_due ON outbox(sink, due_at, id);"
    "CREATE INDEX outbox_event ON outbox(event_id);"

    "CREATE TABLE watch_cursor(resource TEXT PRIMARY KEY, resource_version TEXT NOT NULL);"

    "CREATE TABLE coverage_gap("
    " id @id@, resource TEXT NOT NULL, reason TEXT, from_at BIGINT NOT NULL,"
    " to_at BIGINT NOT NULL);"
    "CREATE INDEX coverage_gap_from ON coverage_gap(from_at);";

/* Nonces are used once; the words of a container that ended; finished revisions by age; what the
 * machine keeps beside a row, and what it is told of an intent. */
static const char step_2[] =
    "CREATE TABLE nonce(nonce TEXT PRIMARY KEY, used_at BIGINT NOT NULL);"
    "CREATE INDEX nonce_used ON nonce(used_at);"
    "ALTER TABLE service_instance ADD COLUMN last_message TEXT;"
    "ALTER TABLE revision ADD COLUMN memory TEXT;"
    "CREATE INDEX revision_memory ON revision(project_id) WHERE memory IS NOT NULL;"
    "CREATE INDEX revision_completed ON revision(completed_at);"
    "ALTER TABLE intent ADD COLUMN old_template_sha TEXT;"
    "ALTER TABLE intent ADD COLUMN history_id TEXT;"
    "ALTER TABLE intent ADD COLUMN cancels BIGINT NOT NULL DEFAULT 0;";

/* A Deployment beside its template, so that it can be made again; whose word an intent is; and what
 * a nonce was used for, as one change is told several times. */
static const char step_3[] =
    "CREATE TABLE frame("
    " project_id BIGINT PRIMARY KEY REFERENCES project(id), uid TEXT, taken_at BIGINT NOT NULL,"
    " json TEXT NOT NULL);"
    "ALTER TABLE intent ADD COLUMN own BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE nonce ADD COLUMN claim TEXT;";

/* What a second filter asks for stands in the index too: a row that it does not pass is not read.
 * That a tag moved is asked of each row that is shown, and rarely so. */
static const char step_4[] =
    "DROP INDEX revision_status;"
    "CREATE INDEX revision_status ON revision(project_id, status, good, seq);"
    "DROP INDEX revision_actor;"
    "CREATE INDEX revision_actor ON revision(project_id, actor_user, seq, status, good);"
    "CREATE INDEX event_tag_moved ON event(revision_id) WHERE type = 'tag_moved';";

static const char *const steps[STORE_SCHEMA_VERSION] = {step_1, step_2, step_3, step_4};

/*      name, has an id, columns, parameters, order, kinds */
#define TABLES(X)                                                                                  \
    X(project, true, "id, cluster, namespace, name, owner", "$1, $2, $3, $4, $5", "id", "itttt")   \
    X(template, false, "sha256, length, compressed", "$1, $2, $3", "sha256", "tib")                \
    X(revision, true,                                                                              \
      "id, project_id, seq, uid, generation, k8s_revision, rs_name, rs_uid, template_sha, "        \
      "written_sha, last_applied, managed_fields, policy_changes, strategy, replicas, "            \
      "change_kind, change_cause, actor_user, actor_groups, actor_certain, via, on_behalf_of, "    \
      "origin, status, reason, progress, message, good, good_by, soak_until, "                     \
      "progressing_baseline, started_at, last_progress_at, deadline_at, completed_at, "            \
      "rollback_of, source, memory",                                                               \
      "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "     \
      "$20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, " \
      "$38",                                                                                       \
      "id", "iiitiittttttttittttittiititititiiiiiit")                                              \
    X(intent, true,                                                                                \
      "id, project_id, revision_id, state, uid, template_sha, generation, deletes, received_at, "  \
      "actor_user, actor_groups, via, on_behalf_of, change_cause, change_kind, policy_changes, "   \
      "last_applied, written_sha, rollback_of, source, old_template_sha, history_id, cancels, "    \
      "own",                                                                                       \
      "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, "     \
      "$20, $21, $22, $23, $24",                                                                   \
      "id", "iiiittiiitttttttttiittii")                                                            \
    X(service_instance, false,                                                                     \
      "revision_id, pod_uid, container, pod, node, image, image_digest, status, health, "          \
      "restarts, reason, message, last_reason, exit_code, started_at, ended_at, last_message",     \
      "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17",                \
      "revision_id, pod_uid, container", "ittttttttitttiiit")                                      \
    X(event, true,                                                                                 \
      "id, project_id, revision_id, at, type, service, message, details_json, dedupe_key",         \
      "$1, $2, $3, $4, $5, $6, $7, $8, $9", "id", "iiiittttt")                                     \
    X(config_ref, false, "revision_id, kind, name, fingerprint", "$1, $2, $3, $4",                 \
      "revision_id, kind, name", "ittt")                                                           \
    X(hold, false, "project_id, template_sha, reason, set_by, set_at, until_at",                   \
      "$1, $2, $3, $4, $5, $6", "project_id, template_sha", "itttii")                              \
    X(rollback_op, true,                                                                           \
      "id, project_id, kind, automatic, revision_id, target_id, actor, idempotency_key, "          \
      "body_digest, expect_generation, state, result_id, http_status, answer, created_at, "        \
      "updated_at",                                                                                \
      "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16", "id",               \
      "iitiiitttiiiitii")                                                                          \
    X(outbox, true, "id, sink, event_id, body, attempts, due_at, created_at",                      \
      "$1, $2, $3, $4, $5, $6, $7", "id", "ititiii")                                               \
    X(watch_cursor, false, "resource, resource_version", "$1, $2", "resource", "tt")               \
    X(coverage_gap, true, "id, resource, reason, from_at, to_at", "$1, $2, $3, $4, $5", "id",      \
      "ittii")                                                                                     \
    X(nonce, false, "nonce, used_at, claim", "$1, $2, $3", "nonce", "tit")                         \
    X(frame, false, "project_id, uid, taken_at, json", "$1, $2, $3, $4", "project_id", "itit")

#define RENUMBER_true(name)                                                                        \
    "SELECT setval(pg_get_serial_sequence('" #name "', 'id'),"                                     \
    " (SELECT coalesce(max(id), 0) + 1 FROM " #name "), false)"
#define RENUMBER_false(name) NULL
#define TABLE_ROW(name, id, columns, parameters, order, kinds)                                     \
    {#name, "SELECT " columns " FROM " #name " ORDER BY " order,                                   \
     "INSERT INTO " #name "(" columns ") VALUES(" parameters ")", RENUMBER_##id(name), kinds},
const struct store_table store_tables[] = {TABLES(TABLE_ROW)};
const size_t store_table_count = sizeof store_tables / sizeof store_tables[0];

static const char *token(bool postgres, const char *at, size_t *ret_length)
{
    if (strncmp(at, "@id@", 4) == 0) {
        *ret_length = 4;
        return postgres ? "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
                        : "INTEGER PRIMARY KEY AUTOINCREMENT";
    }
    *ret_length = strlen("@blob@");
    return postgres ? "BYTEA" : "BLOB";
}

static int run_step(struct store_db *db, const char *step, struct err *reterr)
{
    struct buf sql;
    buf_init(&sql, NULL, 1 << 16);
    for (const char *at = step; *at != '\0';) {
        size_t length = strcspn(at, "@");
        if (length > 0)
            buf_add(&sql, at, length);
        else
            buf_add_string(&sql, token(db->driver->postgres, at, &length));
        at += length;
    }
    const int r = sql.failed ? err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY))
                             : db->driver->script(db, sql.data, reterr);
    buf_done(&sql);
    return r;
}

/* How many tables there are, and whether one is ours. */
static const char *const tables_of[] = {
    "SELECT count(*), coalesce(sum(name = 'schema_version'), 0) FROM sqlite_master"
    " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "SELECT count(*), count(*) FILTER (WHERE tablename = 'schema_version') FROM pg_tables"
    " WHERE schemaname = current_schema()",
};

struct tables {
    int64_t all, ours;
};

static void read_tables(void *context, const struct store_row *row)
{
    struct tables *tables = context;
    tables->all = store_row_int(row, 0);
    tables->ours = store_row_int(row, 1);
}

int store_schema_version(struct store_db *db, int64_t *ret_version, struct err *reterr)
{
    struct tables tables = {0};
    int64_t version = 0;
    int r =
        store_run(db, tables_of[db->driver->postgres], NULL, read_tables, &tables, NULL, reterr);
    if (r == 0 && tables.ours > 0)
        r = store_run(db, "SELECT version FROM schema_version", NULL, store_row_first_int, &version,
                      NULL, reterr);
    if (r == 0 && tables.all > 0 && version < 1)
        r = err_set(reterr, ERR_STORE,
                    "the database holds another program's tables: give the history one of its own");
    if (r == 0)
        *ret_version = version;
    return r;
}

static int take_steps(struct store_db *db, struct err *reterr)
{
    int64_t version = 0, changed = 0;
    int r = store_schema_version(db, &version, reterr);
    if (r == 0 && version > STORE_SCHEMA_VERSION)
        r = err_set(reterr, ERR_STORE,
                    "the history is of version %lld, this program knows %d: run the newer program, "
                    "or restore the copy from before its migration",
                    (long long)version, STORE_SCHEMA_VERSION);
    if (r == 0 && version == 0)
        r = db->driver->script(db,
                               "CREATE TABLE schema_version(version BIGINT NOT NULL);"
                               "INSERT INTO schema_version(version) VALUES(0)",
                               reterr);
    if (r != 0 || version == STORE_SCHEMA_VERSION)
        return r;
    for (int64_t step = version; r == 0 && step < STORE_SCHEMA_VERSION; step++)
        r = run_step(db, steps[step], reterr);
    struct store_bind bind = {0};
    store_bind_int(&bind, STORE_SCHEMA_VERSION);
    if (r == 0)
        r = store_run(db, "UPDATE schema_version SET version = $1", &bind, NULL, NULL, &changed,
                      reterr);
    if (r == 0 && changed != 1)
        r = err_set(reterr, ERR_STORE, "the history's version is not one number");
    return r;
}

/* The number of the lock is ours by chance; it is let go with the transaction. */
#define MIGRATION_LOCK "SELECT 1 FROM pg_advisory_xact_lock(7305741923664701001)"

int store_schema_migrate(struct store_db *db, struct err *reterr)
{
    int r = db->driver->begin(db, reterr);
    if (r != 0)
        return r;
    if (db->driver->postgres)
        r = store_run(db, MIGRATION_LOCK, NULL, NULL, NULL, NULL, reterr);
    if (r == 0)
        r = take_steps(db, reterr);
    if (r == 0)
        r = db->driver->commit(db, reterr);
    if (r != 0)
        db->driver->rollback(db);
    return r;
}
