/* Copies: a backup is an SQLite file, whatever the store is; from it a store is made again, in
 * either database. */
#include "history/store_internal.h"
#include "history/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Row by row ------------------------------------------------------------------------- */

struct copying {
    struct store_db *to;
    const struct store_table *table;
    int code;
    struct err *reterr;
};

static void copy_row(void *context, const struct store_row *row)
{
    struct copying *copying = context;
    struct store_value values[STORE_VALUES_MAX];
    size_t count = 0;
    if (copying->code != 0)
        return;
    for (const char *kind = copying->table->kinds; *kind != '\0'; kind++, count++) {
        struct store_value *value = &values[count];
        const int column = (int)count;
        *value = (struct store_value){.kind = *kind == 'i'   ? STORE_INT
                                              : *kind == 't' ? STORE_TEXT
                                                             : STORE_BLOB};
        value->null = row->db->driver->is_null(row, column);
        if (*kind == 'i')
            value->number = store_row_int(row, column);
        else
            value->bytes = store_row_bytes(row, column, &value->length);
    }
    copying->code = copying->to->driver->query(copying->to, copying->table->insert, values, count,
                                               NULL, NULL, NULL, copying->reterr);
}

static int copy_tables(struct store_db *from, struct store_db *to, struct err *reterr)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < store_table_count; i++) {
        struct copying copying = {to, &store_tables[i], 0, reterr};
        r = store_run(from, store_tables[i].select, NULL, copy_row, &copying, NULL, reterr);
        if (r == 0)
            r = copying.code;
        if (r == 0 && to->driver->postgres && store_tables[i].renumber != NULL)
            r = store_run(to, store_tables[i].renumber, NULL, NULL, NULL, NULL, reterr);
    }
    return r;
}

int store_copy_rows(struct store_db *from, struct store_db *to, struct err *reterr)
{
    static const char *const begin[] = {"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
    int r = from->driver->script(from, begin[from->driver->postgres], reterr);
    if (r != 0)
        return r;
    r = to->driver->begin(to, reterr);
    from->stream = true;
    if (r == 0)
        r = copy_tables(from, to, reterr);
    if (r == 0)
        r = to->driver->commit(to, reterr);
    if (r != 0)
        to->driver->rollback(to);
    from->stream = false;
    from->driver->rollback(from);
    return r;
}

/* ---- Backup ----------------------------------------------------------------------------- */

/* `path` with an ending, on the heap. */
static char *with(const char *path, const char *ending, struct err *reterr)
{
    const size_t length = strlen(path) + strlen(ending) + 1;
    char *text = malloc(length);
    if (text == NULL)
        (void)err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    else
        snprintf(text, length, "%s%s", path, ending);
    return text;
}

static int sync_path(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int r = fsync(fd);
    close(fd);
    return r;
}

static int sync_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return sync_path(".", O_RDONLY | O_DIRECTORY);
    const char kept = slash[1];
    slash[1] = '\0';
    const int r = sync_path(path, O_RDONLY | O_DIRECTORY);
    slash[1] = kept;
    return r;
}

static int check_copy(const char *path, struct err *reterr)
{
    struct store_db *db;
    int64_t version;
    int r = store_sqlite_open(path, STORE_READER, 0, &db, reterr);
    if (r != 0)
        return r;
    r = store_sqlite_whole(db, reterr);
    if (r == 0)
        r = store_schema_version(db, &version, reterr);
    if (r == 0 && version == 0)
        r = err_set(reterr, ERR_STORE, "%s: it is empty", path);
    db->driver->close(db);
    return r;
}

static int vacuum_into(struct store_db *from, const char *path, struct err *reterr)
{
    struct store_bind bind = {0};
    store_bind_text(&bind, path);
    return store_run(from, "VACUUM INTO $1", &bind, NULL, NULL, NULL, reterr);
}

/* PostgreSQL's rows into a new file, which is put into one piece when it is closed. */
static int rows_into(struct store_db *from, const char *path, struct err *reterr)
{
    struct store_db *to;
    int r = store_sqlite_open(path, STORE_CREATE, 0, &to, reterr);
    if (r != 0)
        return r;
    r = store_schema_migrate(to, reterr);
    if (r == 0)
        r = store_copy_rows(from, to, reterr);
    to->driver->close(to);
    char *lock = with(path, ".lock", reterr);
    if (lock == NULL)
        return -ERR_NO_MEMORY;
    unlink(lock);
    free(lock);
    return r;
}

/* It gets its name only when it is whole and on disk. */
static int publish(char *part, const char *path, struct err *reterr)
{
    const int r = check_copy(part, reterr);
    if (r != 0)
        return r;
    if (sync_path(part, O_RDONLY) != 0 || link(part, path) != 0 || sync_folder(part) != 0)
        return errno == EEXIST ? err_set(reterr, ERR_CONFLICT, "%s: the file exists already", path)
                               : err_set(reterr, ERR_STORE, "%s: %s", path, strerror(errno));
    return 0;
}

int store_backup(struct store *store, const char *path, struct err *reterr)
{
    struct store_db *from;
    if (access(path, F_OK) == 0)
        return err_set(reterr, ERR_CONFLICT, "%s: the file exists already", path);
    char *part = with(path, ".part", reterr);
    if (part == NULL)
        return -ERR_NO_MEMORY;
    int r = store_reader_take(store, &from, reterr);
    if (r == 0) {
        unlink(part);
        r = from->driver->postgres ? rows_into(from, part, reterr)
                                   : vacuum_into(from, part, reterr);
        if (r == 0)
            r = publish(part, path, reterr);
        store_reader_give(store, from);
        unlink(part);
    }
    free(part);
    return r;
}

/* ---- Restore ---------------------------------------------------------------------------- */

static int to_postgres(struct store_db *from, const char *url, struct err *reterr)
{
    struct store_db *to;
    int64_t version = 0, there = 0;
    int r = store_schema_version(from, &version, reterr);
    if (r == 0 && version != STORE_SCHEMA_VERSION)
        r = err_set(reterr, ERR_STORE,
                    "the copy is of version %lld, not %d: restore it into an SQLite file first, "
                    "which brings it up to date",
                    (long long)version, STORE_SCHEMA_VERSION);
    if (r == 0)
        r = store_postgres_open(url, STORE_WRITER, &to, reterr);
    if (r != 0)
        return r;
    r = store_schema_version(to, &there, reterr);
    if (r == 0 && there != 0)
        r = err_set(reterr, ERR_CONFLICT, "the database holds a history already");
    if (r == 0)
        r = store_schema_migrate(to, reterr);
    if (r == 0)
        r = store_copy_rows(from, to, reterr);
    to->driver->close(to);
    return r;
}

/* A WAL that was left behind would be replayed into the new file. */
static int nothing_there(const char *path, struct err *reterr)
{
    char *wal = with(path, "-wal", reterr);
    if (wal == NULL)
        return -ERR_NO_MEMORY;
    const char *there = access(path, F_OK) == 0 ? path : access(wal, F_OK) == 0 ? wal : NULL;
    const int r = there == NULL ? 0
                                : err_set(reterr, ERR_CONFLICT,
                                          "%s: the file exists already: put it aside", there);
    free(wal);
    return r;
}

static int to_file(struct store_db *from, const char *path, struct err *reterr)
{
    struct store *store;
    char *part = with(path, ".part", reterr);
    if (part == NULL)
        return -ERR_NO_MEMORY;
    int r = nothing_there(path, reterr);
    if (r == 0) {
        unlink(part);
        r = vacuum_into(from, part, reterr);
        if (r == 0)
            r = publish(part, path, reterr);
        unlink(part);
    }
    free(part);
    if (r == 0)
        r = store_open(&(struct store_options){.url = path}, &store, reterr);
    if (r == 0)
        store_close(store);
    return r;
}

int store_restore(const char *path, const char *url, struct err *reterr)
{
    struct store_db *from;
    int r = check_copy(path, reterr);
    if (r == 0)
        r = store_sqlite_open(path, STORE_READER, 0, &from, reterr);
    if (r != 0)
        return r;
    r = store_is_postgres(url) ? to_postgres(from, url, reterr)
                               : to_file(from, store_file_of(url), reterr);
    from->driver->close(from);
    return r;
}
