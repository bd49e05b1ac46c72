/* The front: opening, transactions shared by several writers, readers, the leader. */
#include "history/store.h"

#include "base/clock.h"
#include "history/store_internal.h"
#include "history/store_schema.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As many as there are threads that answer requests; more are opened and closed as needed. */
#define READERS_KEPT 8U

/* One transaction's work: bounds how long its first job waits. */
#define JOBS_MAX 256U

struct store_job {
    store_work *work;
    void *context;
    struct err err;
    int code;
    bool done, hurried;
    struct store_job *next;
};

struct store {
    char *url;
    bool read_only;
    const char *const *sinks;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    struct store_db *writer; /* of whoever set `writing` */
    bool writing, leads, hurries;
    struct store_job *first, **last;
    struct store_db *readers[READERS_KEPT]; /* at rest */
    size_t reader_count;
    atomic_uint_fast64_t written[STORE_STAMPS];
};

bool store_is_postgres(const char *url)
{
    return strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0;
}

const char *store_file_of(const char *url)
{
    return strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
}

const char *store_url(const struct store *store)
{
    return store->url;
}

size_t store_page(size_t limit)
{
    return limit < STORE_PAGE_ROWS ? limit : STORE_PAGE_ROWS;
}

void *store_rows_add(struct store_rows *rows)
{
    if (rows->count == rows->capacity) {
        const size_t capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
        char *larger = arena_array(rows->arena, capacity, rows->row_bytes);
        if (rows->count > 0)
            memcpy(larger, rows->rows, rows->count * rows->row_bytes);
        rows->rows = larger;
        rows->capacity = capacity;
    }
    return rows->rows + rows->row_bytes * rows->count++;
}

/* ---- Who asks for news ------------------------------------------------------------------ */

static size_t stamp_of(int64_t project)
{
    return (size_t)project % STORE_STAMPS;
}

void store_touch(struct store_db *db, int64_t project)
{
    const size_t stamp = stamp_of(project);
    db->touched[stamp / 64] |= 1ULL << stamp % 64;
}

/* What was undone is told too: whoever looks finds nothing new. */
static void tell_written(struct store *store)
{
    uint64_t *touched = store->writer->touched;
    for (size_t i = 0; i < STORE_STAMPS; i++) {
        if (i % 64 == 0 && touched[i / 64] == 0)
            i += 63;
        else if (touched[i / 64] >> i % 64 & 1)
            atomic_fetch_add(&store->written[i], 1);
    }
    memset(touched, 0, sizeof store->writer->touched);
}

uint64_t store_written(struct store *store, int64_t project)
{
    return atomic_load(&store->written[stamp_of(project)]);
}

int store_stamp(struct store *store, int64_t *ret_stamp, struct err *reterr)
{
    int64_t stamp = 0;
    const int r =
        !store_is_postgres(store->url)
            ? 0
            : store_read(store, NULL, "SELECT hashtext(txid_current_snapshot()::text)::bigint",
                         NULL, store_row_first_int, &stamp, reterr);
    if (r == 0)
        *ret_stamp = stamp;
    return r;
}

/* ---- Writing ---------------------------------------------------------------------------- */

static int try_once(struct store_db *db, struct store_job *jobs, struct err *reterr)
{
    int r = db->driver->begin(db, reterr);
    if (r != 0)
        return r;
    for (struct store_job *job = jobs; r == 0 && job != NULL; job = job->next)
        r = job->work(db, job->context, reterr);
    if (r == 0)
        r = db->driver->commit(db, reterr);
    if (r != 0)
        db->driver->rollback(db);
    return r;
}

/* Again after a lost connection, if the server says that the commit did not take, and after the
 * server undid it for another's sake. */
static int attempt(struct store_db *db, struct store_job *jobs, struct err *reterr)
{
    int r = -ERR_STORE;
    for (int tries = 0; tries < 3; tries++) {
        bool committed = false;
        if (db->broken) {
            const int gone = db->driver->reopen(db, &committed, reterr);
            if (gone != 0)
                return gone;
        }
        if (committed)
            return 0;
        db->again = false;
        r = try_once(db, jobs, reterr);
        if (r == 0 || (!db->broken && !db->again))
            return r;
    }
    return r;
}

/* One bad job does not fail its neighbours: then each has a transaction of its own. */
static void run_jobs(struct store_db *db, struct store_job *jobs)
{
    struct err err = {0};
    db->hurries = true;
    for (struct store_job *job = jobs; job != NULL; job = job->next)
        db->hurries = db->hurries && job->hurried;
    int r = attempt(db, jobs, &err);
    if (r == 0 || jobs->next == NULL || db->broken) {
        for (struct store_job *job = jobs; job != NULL; job = job->next) {
            job->code = r;
            job->err = err;
        }
        return;
    }
    for (struct store_job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        job->next = NULL;
        job->code = attempt(db, job, &job->err);
        job->next = next;
    }
}

/* Takes the first jobs of the queue; the lock is held. */
static struct store_job *take_jobs(struct store *store)
{
    struct store_job *first = store->first, **end = &store->first;
    for (size_t i = 0; i < JOBS_MAX && *end != NULL; i++)
        end = &(*end)->next;
    store->first = *end;
    *end = NULL;
    if (store->first == NULL)
        store->last = &store->first;
    return first;
}

/* Whoever finds nobody writing writes for all that wait; the others sleep. */
static void write_queue(struct store *store)
{
    store->writing = true;
    struct store_job *jobs = take_jobs(store);
    pthread_mutex_unlock(&store->lock);
    run_jobs(store->writer, jobs);
    tell_written(store);
    pthread_mutex_lock(&store->lock);
    for (struct store_job *job = jobs, *next; job != NULL; job = next) {
        next = job->next; /* its owner may be gone once it is done and the lock is free */
        job->done = true;
    }
    store->leads = store->writer->leads;
    store->writing = false;
    pthread_cond_broadcast(&store->finished);
}

/* The last one is done last: the queue keeps their order. */
static void write_jobs(struct store *store, struct store_job *jobs, size_t count)
{
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < count; i++) {
        jobs[i].hurried = jobs[i].hurried && store->hurries;
        *store->last = &jobs[i];
        store->last = &jobs[i].next;
    }
    while (!jobs[count - 1].done) {
        if (store->writing)
            pthread_cond_wait(&store->finished, &store->lock);
        else
            write_queue(store);
    }
    pthread_mutex_unlock(&store->lock);
}

static int write_job(struct store *store, struct store_job *given, struct err *reterr)
{
    if (store->read_only)
        return err_set(reterr, ERR_STORE, "the history was opened for reading only");
    struct store_job job = *given;
    write_jobs(store, &job, 1);
    if (job.code != 0 && reterr != NULL)
        *reterr = job.err;
    return job.code;
}

void store_write_each(struct store *store, store_work *work, void *const contexts[], size_t count,
                      int codes[], struct err errs[])
{
    struct store_job jobs[STORE_INTENTS_MAX];
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct store_job){.work = work, .context = contexts[i]};
        if (store->read_only)
            codes[i] = err_set(&errs[i], ERR_STORE, "the history was opened for reading only");
    }
    if (store->read_only || count == 0)
        return;
    write_jobs(store, jobs, count);
    for (size_t i = 0; i < count; i++) {
        codes[i] = jobs[i].code;
        errs[i] = jobs[i].err;
    }
}

int store_write(struct store *store, store_work *work, void *context, struct err *reterr)
{
    return write_job(store, &(struct store_job){.work = work, .context = context}, reterr);
}

int store_write_hurried(struct store *store, store_work *work, void *context, struct err *reterr)
{
    return write_job(store, &(struct store_job){.work = work, .context = context, .hurried = true},
                     reterr);
}

static void set_hurry(struct store *store, bool hurries)
{
    pthread_mutex_lock(&store->lock);
    store->hurries = hurries;
    pthread_mutex_unlock(&store->lock);
}

void store_hurry(struct store *store)
{
    set_hurry(store, true);
}

int store_hurry_end(struct store *store, struct err *reterr)
{
    /* A transaction that changes nothing puts nothing on disk: so its time is written down. */
    char now[32];
    snprintf(now, sizeof now, "%lld", (long long)clock_unix_us());
    set_hurry(store, false);
    return store_cursor_set(store, &(struct store_cursor){"import", now}, reterr);
}

struct one {
    const char *sql;
    struct store_bind *bind;
    int64_t changes;
};

static int write_one(struct store_db *db, void *context, struct err *reterr)
{
    struct one *one = context;
    return db->driver->query(db, one->sql, one->bind->values, one->bind->count, NULL, NULL,
                             &one->changes, reterr);
}

int store_write_one(struct store *store, const char *sql, struct store_bind *bind,
                    int64_t *ret_changes, struct err *reterr)
{
    struct one one = {.sql = sql, .bind = bind};
    int r;
    if (bind->failed != 0)
        r = err_set(reterr, (enum err_code)bind->failed, "a text cannot be stored: %s",
                    err_text(bind->failed));
    else
        r = store_write(store, write_one, &one, reterr);
    store_bind_done(bind);
    if (r == 0 && ret_changes != NULL)
        *ret_changes = one.changes;
    return r;
}

/* ---- Reading ---------------------------------------------------------------------------- */

static int open_reader(const struct store *store, struct store_db **ret_db, struct err *reterr)
{
    return store_is_postgres(store->url)
               ? store_postgres_open(store->url, STORE_READER, ret_db, reterr)
               : store_sqlite_open(store_file_of(store->url), STORE_READER, 0, ret_db, reterr);
}

int store_reader_take(struct store *store, struct store_db **ret_db, struct err *reterr)
{
    struct store_db *db = NULL;
    pthread_mutex_lock(&store->lock);
    if (store->reader_count > 0)
        db = store->readers[--store->reader_count];
    pthread_mutex_unlock(&store->lock);
    if (db == NULL)
        return open_reader(store, ret_db, reterr);
    *ret_db = db;
    return 0;
}

void store_reader_give(struct store *store, struct store_db *db)
{
    pthread_mutex_lock(&store->lock);
    const bool keep = !db->broken && store->reader_count < READERS_KEPT;
    if (keep)
        store->readers[store->reader_count++] = db;
    pthread_mutex_unlock(&store->lock);
    if (!keep)
        db->driver->close(db);
}

struct reading {
    struct store_db *db;
    const char *sql;
    const struct store_bind *bind;
    store_row_fn *row;
    void *context;
    struct err *reterr;
    int code;
};

static void read_rows(void *context)
{
    struct reading *reading = context;
    reading->code = reading->db->driver->query(reading->db, reading->sql, reading->bind->values,
                                               reading->bind->count, reading->row, reading->context,
                                               NULL, reading->reterr);
}

static void read_with(struct store_db *db, struct arena *arena, struct reading *reading)
{
    reading->db = db;
    if (arena == NULL) {
        read_rows(reading);
    } else if (!arena_try(arena, read_rows, reading)) {
        db->driver->settle(db);
        reading->code = err_set(reading->reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
}

int store_read(struct store *store, struct arena *arena, const char *sql, struct store_bind *bind,
               store_row_fn *row, void *context, struct err *reterr)
{
    struct store_bind none = {0};
    bind = bind == NULL ? &none : bind;
    struct reading reading = {
        .sql = sql, .bind = bind, .row = row, .context = context, .reterr = reterr};
    int r = bind->failed == 0 ? 0
                              : err_set(reterr, (enum err_code)bind->failed,
                                        "a text cannot be looked for: %s", err_text(bind->failed));
    bool broken = true; /* a reader at rest may have lost its server: one more, but no third */
    for (int tries = 0; r == 0 && broken && tries <= (int)READERS_KEPT; tries++) {
        struct store_db *db;
        r = store_reader_take(store, &db, reterr);
        if (r != 0)
            break;
        read_with(db, arena, &reading);
        broken = db->broken;
        store_reader_give(store, db);
    }
    store_bind_done(bind);
    return r != 0 ? r : reading.code;
}

/* ---- Opening ---------------------------------------------------------------------------- */

/* A copy of an older version stays beside it, for those who have to go back. */
static int copy_before_migration(struct store_db *db, const char *path, struct err *reterr)
{
    int64_t version = 0;
    int r = store_schema_version(db, &version, reterr);
    if (r != 0 || version == 0 || version >= STORE_SCHEMA_VERSION)
        return r;
    const size_t length = strlen(path) + 32;
    char *copy = malloc(length);
    if (copy == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    snprintf(copy, length, "%s.version-%lld", path, (long long)version);
    struct store_bind bind = {0};
    store_bind_text(&bind, copy);
    if (access(copy, F_OK) == 0) /* of a migration that was cut short */
        store_bind_done(&bind);
    else
        r = store_run(db, "VACUUM INTO $1", &bind, NULL, NULL, NULL, reterr);
    free(copy);
    return r;
}

static int open_writer(struct store *store, const struct store_options *options, struct err *reterr)
{
    const bool postgres = store_is_postgres(store->url);
    const char *path = store_file_of(store->url);
    int r = postgres ? store_postgres_open(store->url, STORE_WRITER, &store->writer, reterr)
                     : store_sqlite_open(path, STORE_WRITER, options->size_max_bytes,
                                         &store->writer, reterr);
    if (r == 0 && !postgres)
        r = copy_before_migration(store->writer, path, reterr);
    if (r != 0)
        return r;
    store->writer->sinks = options->sinks;
    store->leads = store->writer->leads;
    return store_schema_migrate(store->writer, reterr);
}

static int open_for_reading(struct store *store, struct err *reterr)
{
    struct store_db *db;
    int64_t version = 0;
    int r = store_reader_take(store, &db, reterr);
    if (r != 0)
        return r;
    r = store_schema_version(db, &version, reterr);
    store_reader_give(store, db);
    if (r == 0 && version != STORE_SCHEMA_VERSION)
        r = err_set(reterr, ERR_STORE, "the history is of version %lld, this program reads %d",
                    (long long)version, STORE_SCHEMA_VERSION);
    return r;
}

int store_open(const struct store_options *options, struct store **ret_store, struct err *reterr)
{
    if (store_file_of(options->url)[0] == '\0')
        return err_set(reterr, ERR_STORE, "no database is named: give a file or postgres://...");
    struct store *store = calloc(1, sizeof *store);
    char *url = strdup(options->url);
    if (store == NULL || url == NULL) {
        free(store);
        free(url);
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    store->url = url;
    store->read_only = options->read_only;
    store->last = &store->first;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->finished, NULL);
    const int r =
        store->read_only ? open_for_reading(store, reterr) : open_writer(store, options, reterr);
    if (r != 0) {
        store_close(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    while (store->reader_count > 0) {
        struct store_db *db = store->readers[--store->reader_count];
        db->driver->close(db);
    }
    if (store->writer != NULL) /* last: SQLite then takes its WAL back into the file */
        store->writer->driver->close(store->writer);
    pthread_cond_destroy(&store->finished);
    pthread_mutex_destroy(&store->lock);
    free(store->url);
    free(store);
}

/* ---- The leader ------------------------------------------------------------------------- */

/* One history a schema: each has its own leader. */
#define LEAD_SQL   "SELECT pg_try_advisory_lock(1886544739, hashtext(current_schema()))::int"
#define RESIGN_SQL "SELECT 1 FROM pg_advisory_unlock(1886544739, hashtext(current_schema()))"

static int lead_work(struct store_db *db, void *context, struct err *reterr)
{
    int64_t got = db->leads;
    int r = 0;
    if (!db->leads)
        r = store_run(db, LEAD_SQL, NULL, store_row_first_int, &got, NULL, reterr);
    if (r == 0)
        *(bool *)context = db->leads = got != 0;
    return r;
}

int store_lead(struct store *store, bool *ret_leads, struct err *reterr)
{
    bool leads = false;
    const int r = store_write(store, lead_work, &leads, reterr);
    if (r == 0)
        *ret_leads = leads;
    return r;
}

bool store_leads(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    const bool leads = store->leads;
    pthread_mutex_unlock(&store->lock);
    return leads;
}

static int resign_work(struct store_db *db, void *context, struct err *reterr)
{
    (void)context;
    int r = 0;
    if (db->leads && db->driver->postgres)
        r = store_run(db, RESIGN_SQL, NULL, NULL, NULL, NULL, reterr);
    if (r == 0 && db->driver->postgres)
        db->leads = false;
    return r;
}

void store_resign(struct store *store)
{
    /* If the server cannot be told, its session is gone, and the lock with it. */
    if (store_write(store, resign_work, NULL, NULL) != 0)
        return;
}

static int no_work(struct store_db *db, void *context, struct err *reterr)
{
    (void)context;
    return store_run(db, "SELECT version FROM schema_version", NULL, NULL, NULL, NULL, reterr);
}

int store_check(struct store *store, struct err *reterr)
{
    if (store->read_only)
        return store_read(store, NULL, "SELECT version FROM schema_version", NULL, NULL, NULL,
                          reterr);
    return store_write(store, no_work, NULL, reterr);
}
