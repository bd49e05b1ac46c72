/* SQLite: a file that belongs to one process.
 *
 * locking_mode=EXCLUSIVE would shut out our own readers too; so a writer holds a lock on PATH.lock
 * instead (an open file description lock: it dies with the process, however that dies).
 */
#include "history/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sqlite_statement {
    const char *sql;
    sqlite3_stmt *handle;
};

struct sqlite_db {
    struct store_db db;
    sqlite3 *handle;
    int lock_fd;
    char *path;
    struct sqlite_statement statements[STORE_STATEMENTS_MAX];
    size_t statement_count;
    bool hurries; /* as the pragma stands */
};

static struct sqlite_db *of(struct store_db *db)
{
    return (struct sqlite_db *)(void *)db;
}

/* SQLite's error in words that say what to do. */
static int failure(struct sqlite_db *db, int code, struct err *reterr)
{
    const int last = errno; /* a failed COMMIT does not fill in SQLite's own */
    const int noted = db->handle == NULL ? 0 : sqlite3_system_errno(db->handle);
    const int reason = noted != 0 ? noted : last;
    const bool no_room = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return err_set(reterr, ERR_NO_MEMORY, "%s: %s", db->path, err_text(ERR_NO_MEMORY));
    case SQLITE_FULL:
        return err_set(reterr, ERR_STORE,
                       "%s: the disk is full or the history's size limit is reached: make room, "
                       "raise the limit, or keep less",
                       db->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(reterr, ERR_STORE, "%s: it is locked by another process", db->path);
    case SQLITE_READONLY:
        return err_set(reterr, ERR_STORE,
                       "%s: it cannot be written: the file, its folder or the file system is "
                       "read-only for this user",
                       db->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(reterr, ERR_STORE,
                       "%s: it is corrupt, or no database: put it aside and restore a copy (%s)",
                       db->path, sqlite3_errmsg(db->handle));
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return err_set(reterr, ERR_STORE, "%s: %s (%s)%s", db->path, sqlite3_errstr(code),
                       reason == 0 ? "no reason given" : strerror(reason),
                       no_room ? ": make room" : "");
    case SQLITE_CONSTRAINT:
        return err_set(reterr, ERR_CONFLICT,
                       "the history has that already, or lacks what it names"
                       " (%s)",
                       sqlite3_errmsg(db->handle));
    default:
        return err_set(reterr, ERR_STORE, "%s: %s", db->path, sqlite3_errmsg(db->handle));
    }
}

/* SQLite counts ?1; our text has PostgreSQL's $1. */
static int prepare(struct sqlite_db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    const size_t length = strlen(sql);
    char *text = malloc(length + 1);
    if (text == NULL)
        return SQLITE_NOMEM;
    for (size_t i = 0; i <= length; i++)
        text[i] = sql[i] == '$' ? '?' : sql[i];
    const int code = sqlite3_prepare_v3(db->handle, text, (int)length + 1,
                                        SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    free(text);
    return code;
}

static int statement_of(struct sqlite_db *db, const char *sql, sqlite3_stmt **ret_statement)
{
    for (size_t i = 0; i < db->statement_count; i++)
        if (db->statements[i].sql == sql) {
            *ret_statement = db->statements[i].handle;
            return SQLITE_OK;
        }
    if (db->statement_count == STORE_STATEMENTS_MAX)
        return SQLITE_NOMEM;
    const int code = prepare(db, sql, ret_statement);
    if (code == SQLITE_OK)
        db->statements[db->statement_count++] = (struct sqlite_statement){sql, *ret_statement};
    return code;
}

static int bind_value(sqlite3_stmt *statement, int index, const struct store_value *value)
{
    if (value->null)
        return sqlite3_bind_null(statement, index);
    switch (value->kind) {
    case STORE_INT:
        return sqlite3_bind_int64(statement, index, value->number);
    case STORE_TEXT:
        return sqlite3_bind_text64(statement, index, value->bytes, value->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case STORE_BLOB:
        break;
    }
    return sqlite3_bind_blob64(statement, index, value->bytes, value->length, SQLITE_STATIC);
}

static int sqlite_query(struct store_db *base, const char *sql, const struct store_value *values,
                        size_t count, store_row_fn *row, void *context, int64_t *ret_changes,
                        struct err *reterr)
{
    struct sqlite_db *db = of(base);
    sqlite3_stmt *statement;
    errno = 0;
    int code = statement_of(db, sql, &statement);
    for (size_t i = 0; code == SQLITE_OK && i < count; i++)
        code = bind_value(statement, (int)i + 1, &values[i]);
    if (code != SQLITE_OK)
        return failure(db, code, reterr);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (row != NULL)
            row(context, &(struct store_row){base, statement, 0});
    const int r = code == SQLITE_DONE ? 0 : failure(db, code, reterr);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (r == 0 && ret_changes != NULL)
        *ret_changes = sqlite3_changes64(db->handle);
    return r;
}

static int sqlite_script(struct store_db *base, const char *sql, struct err *reterr)
{
    struct sqlite_db *db = of(base);
    errno = 0;
    const int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : failure(db, code, reterr);
}

static void sqlite_settle(struct store_db *base)
{
    struct sqlite_db *db = of(base);
    for (size_t i = 0; i < db->statement_count; i++) {
        if (!sqlite3_stmt_busy(db->statements[i].handle))
            continue;
        sqlite3_reset(db->statements[i].handle);
        sqlite3_clear_bindings(db->statements[i].handle);
    }
}

/* NORMAL writes the log and does not wait for the disk; the next FULL commit puts the whole log
 * there.  (https://www.sqlite.org/pragma.html#pragma_synchronous) */
static int choose_hurry(struct sqlite_db *db, struct err *reterr)
{
    if (db->hurries == db->db.hurries)
        return 0;
    const int r = sqlite_script(
        &db->db, db->db.hurries ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
        reterr);
    if (r == 0)
        db->hurries = db->db.hurries;
    return r;
}

static int sqlite_begin(struct store_db *db, struct err *reterr)
{
    const int r = choose_hurry(of(db), reterr);
    return r != 0 ? r : sqlite_query(db, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL, NULL, reterr);
}

static int sqlite_commit(struct store_db *db, struct err *reterr)
{
    return sqlite_query(db, "COMMIT", NULL, 0, NULL, NULL, NULL, reterr);
}

static void sqlite_rollback(struct store_db *db)
{
    /* A full disk has undone it already. */
    if (!sqlite3_get_autocommit(of(db)->handle) &&
        sqlite_query(db, "ROLLBACK", NULL, 0, NULL, NULL, NULL, NULL) != 0)
        db->broken = true;
}

static int sqlite_reopen(struct store_db *db, bool *ret_committed, struct err *reterr)
{
    (void)ret_committed;
    return err_set(reterr, ERR_STORE, "%s: it failed for good: start again", of(db)->path);
}

static bool sqlite_is_null(const struct store_row *row, int column)
{
    return sqlite3_column_type(row->handle, column) == SQLITE_NULL;
}

static int64_t sqlite_integer(const struct store_row *row, int column)
{
    return sqlite3_column_int64(row->handle, column);
}

static const char *sqlite_bytes(const struct store_row *row, int column, size_t *ret_length)
{
    const char *bytes = sqlite3_column_blob(row->handle, column);
    *ret_length = (size_t)sqlite3_column_bytes(row->handle, column);
    return bytes;
}

static void sqlite_close(struct store_db *base)
{
    struct sqlite_db *db = of(base);
    for (size_t i = 0; i < db->statement_count; i++)
        sqlite3_finalize(db->statements[i].handle);
    sqlite3_close(db->handle);
    if (db->lock_fd >= 0)
        close(db->lock_fd);
    free(db->path);
    free(db);
}

static const struct store_driver sqlite_driver = {
    .query = sqlite_query,
    .script = sqlite_script,
    .settle = sqlite_settle,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .reopen = sqlite_reopen,
    .is_null = sqlite_is_null,
    .integer = sqlite_integer,
    .bytes = sqlite_bytes,
    .close = sqlite_close,
};

static int refused_file(const char *path, int reason, struct err *reterr)
{
    if (reason == EACCES || reason == EPERM || reason == EROFS)
        return err_set(reterr, ERR_STORE,
                       "%s: it cannot be written: the file, its folder or the file system is "
                       "read-only for this user",
                       path);
    if (reason == ENOENT)
        return err_set(reterr, ERR_STORE, "%s: its folder does not exist", path);
    return err_set(reterr, ERR_STORE, "%s: %s%s", path, strerror(reason),
                   reason == ENOSPC ? ": the disk is full" : "");
}

static int in_use(const char *path, int fd, struct err *reterr)
{
    char holder[32] = {0};
    const ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
    const long pid = got > 0 ? strtol(holder, NULL, 10) : 0;
    return err_set(reterr, ERR_STORE,
                   "%s: it is in use by another process (pid %ld on its machine): only one "
                   "recorder may run on an SQLite history",
                   path, pid);
}

/* Takes PATH.lock for as long as *ret_fd is open. */
static int take_lock(const char *path, int *ret_fd, struct err *reterr)
{
    const size_t length = strlen(path) + sizeof ".lock";
    char *name = malloc(length);
    if (name == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    snprintf(name, length, "%s.lock", path);
    const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const int reason = errno;
    free(name);
    if (fd < 0)
        return refused_file(path, reason, reterr);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        const int r = errno == EAGAIN || errno == EACCES ? in_use(path, fd, reterr)
                                                         : refused_file(path, errno, reterr);
        close(fd);
        return r;
    }
    char pid[32];
    const int digits = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)digits, 0) != digits) {
        const int r = refused_file(path, errno, reterr);
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* The file is its owner's alone; SQLite gives its other files the same mode. */
static int make_file(const char *path, enum store_access access, struct err *reterr)
{
    const int must = access == STORE_CREATE ? O_EXCL : 0;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | must, 0600);
    if (fd < 0 && errno == EEXIST)
        return err_set(reterr, ERR_CONFLICT, "%s: the file exists already", path);
    if (fd < 0)
        return refused_file(path, errno, reterr);
    close(fd);
    return 0;
}

int store_sqlite_whole(struct store_db *base, struct err *reterr)
{
    struct sqlite_db *db = of(base);
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA integrity_check(1)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return failure(db, code, reterr);
    code = sqlite3_step(statement);
    const char *said = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int r = 0;
    if (code != SQLITE_ROW)
        r = failure(db, code, reterr);
    else if (said == NULL || strcmp(said, "ok") != 0)
        r = err_set(reterr, ERR_STORE,
                    "%s: it is corrupt: put it aside and restore a copy (%.120s)", db->path,
                    said == NULL ? "no answer" : said);
    sqlite3_finalize(statement);
    return r;
}

#define READER_PRAGMAS                                                                             \
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"
/* Each page is on disk before its writer is told so. */
#define WRITER_PRAGMAS                                                                             \
    READER_PRAGMAS                                                                                 \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;"      \
    "PRAGMA journal_size_limit = 67108864;"

static int limit_size(struct sqlite_db *db, int64_t size_max_bytes, struct err *reterr)
{
    int64_t page = 4096;
    int r = sqlite_query(&db->db, "PRAGMA page_size", NULL, 0, store_row_first_int, &page, NULL,
                         reterr);
    if (r != 0 || size_max_bytes <= 0)
        return r;
    char pragma[64];
    const int64_t pages = size_max_bytes / page;
    snprintf(pragma, sizeof pragma, "PRAGMA max_page_count = %lld", (long long)pages);
    return sqlite_script(&db->db, pragma, reterr);
}

static int prepare_writer(struct sqlite_db *db, int64_t size_max_bytes, struct err *reterr)
{
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return failure(db, SQLITE_READONLY, reterr);
    int r = sqlite_script(&db->db, WRITER_PRAGMAS, reterr);
    if (r == 0)
        r = store_sqlite_whole(&db->db, reterr);
    return r != 0 ? r : limit_size(db, size_max_bytes, reterr);
}

static int open_handle(struct sqlite_db *db, enum store_access access, struct err *reterr)
{
    errno = 0;
    const int how = access == STORE_READER ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    const int code = sqlite3_open_v2(db->path, &db->handle,
                                     how | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code != SQLITE_OK)
        return failure(db, code, reterr);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_busy_timeout(db->handle, 5000);
    return 0;
}

int store_sqlite_open(const char *path, enum store_access access, int64_t size_max_bytes,
                      struct store_db **ret_db, struct err *reterr)
{
    struct sqlite_db *db = calloc(1, sizeof *db);
    char *copy = strdup(path);
    if (db == NULL || copy == NULL) {
        free(db);
        free(copy);
        return err_set(reterr, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    }
    db->db.driver = &sqlite_driver;
    db->path = copy;
    db->lock_fd = -1;
    int r = 0;
    if (access != STORE_READER) {
        r = take_lock(path, &db->lock_fd, reterr);
        if (r == 0)
            r = make_file(path, access, reterr);
    }
    if (r == 0)
        r = open_handle(db, access, reterr);
    if (r == 0)
        r = access == STORE_READER ? sqlite_script(&db->db, READER_PRAGMAS, reterr)
                                   : prepare_writer(db, size_max_bytes, reterr);
    if (r != 0) {
        sqlite_close(&db->db);
        return r;
    }
    db->db.leads = access != STORE_READER;
    *ret_db = &db->db;
    return 0;
}

int store_sqlite_size(struct store_db *db, int64_t *ret_bytes, struct err *reterr)
{
    int64_t pages = 0, unused = 0, page = 0;
    int r =
        sqlite_query(db, "PRAGMA page_count", NULL, 0, store_row_first_int, &pages, NULL, reterr);
    if (r == 0)
        r = sqlite_query(db, "PRAGMA freelist_count", NULL, 0, store_row_first_int, &unused, NULL,
                         reterr);
    if (r == 0)
        r = sqlite_query(db, "PRAGMA page_size", NULL, 0, store_row_first_int, &page, NULL, reterr);
    if (r == 0)
        *ret_bytes = (pages - unused) * page;
    return r;
}
