/* A database as the store sees it: SQLite or PostgreSQL, the same SQL.
 *
 * Statements are string constants with parameters $1, $2, ...: their address is their name in the
 * cache of prepared statements, and data never becomes SQL.  Whole numbers are 64 bits wide
 * (a query casts what is not), text is UTF-8 without NUL.  A connection belongs to one thread at
 * a time.
 */
#ifndef PROCTOR_HISTORY_STORE_DB_H
#define PROCTOR_HISTORY_STORE_DB_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_VALUES_MAX     48U
#define STORE_STATEMENTS_MAX 160U
#define STORE_STAMPS         1024U /* a power of two */

enum store_kind { STORE_INT, STORE_TEXT, STORE_BLOB };

struct store_value {
    enum store_kind kind;
    bool null;
    int64_t number;
    const char *bytes;
    size_t length;
};

/* A statement's parameters, in their order.  What cannot be bound is told by store_run. */
struct store_bind {
    size_t count;
    struct store_value values[STORE_VALUES_MAX];
    char *owned[STORE_VALUES_MAX]; /* texts that had to be mended */
    int failed;                    /* 0, ERR_LIMIT, ERR_NO_MEMORY */
};

void store_bind_int(struct store_bind *bind, int64_t number);
void store_bind_id(struct store_bind *bind, int64_t id); /* 0 is NULL */
/* Bytes that are not UTF-8 are bound as U+FFFD; past STORE_TEXT_BYTES: ERR_LIMIT. */
void store_bind_text(struct store_bind *bind, const char *text);
void store_bind_blob(struct store_bind *bind, const void *bytes, size_t length);
void store_bind_done(struct store_bind *bind);

/* A row of an answer, while store_row_fn runs. */
struct store_row {
    struct store_db *db;
    void *handle;
    int index;
};
typedef void store_row_fn(void *context, const struct store_row *row);

/* A column's value: NULL is 0, respectively NULL.  Bytes are borrowed from the row. */
int64_t store_row_int(const struct store_row *row, int column);
const char *store_row_bytes(const struct store_row *row, int column, size_t *ret_length);
const char *store_row_text(const struct store_row *row, struct arena *arena, int column);

struct store_driver {
    bool postgres;
    /* Runs a statement.  row (NULL is fine) may leave by longjmp: settle then tidies up. */
    int (*query)(struct store_db *db, const char *sql, const struct store_value *values,
                 size_t count, store_row_fn *row, void *context, int64_t *ret_changes,
                 struct err *reterr);
    /* Constant SQL of several statements, without parameters. */
    int (*script)(struct store_db *db, const char *sql, struct err *reterr);
    void (*settle)(struct store_db *db);
    int (*begin)(struct store_db *db, struct err *reterr);
    int (*commit)(struct store_db *db, struct err *reterr);
    void (*rollback)(struct store_db *db);
    /* Connects again after `broken`; *ret_committed: the commit that was under way took. */
    int (*reopen)(struct store_db *db, bool *ret_committed, struct err *reterr);
    bool (*is_null)(const struct store_row *row, int column);
    int64_t (*integer)(const struct store_row *row, int column);
    const char *(*bytes)(const struct store_row *row, int column, size_t *ret_length);
    void (*close)(struct store_db *db);
};

struct store_db {
    const struct store_driver *driver;
    bool broken; /* the connection is gone */
    bool again;  /* the server undid the transaction for another's sake: try it again */
    bool leads;
    bool hurries;  /* the next transaction need not be on disk when it is committed */
    bool stream;   /* PostgreSQL: answers row by row, for what may not fit into memory */
    bool in_order; /* this transaction holds the lock that keeps events in order */
    const char *const *sinks;
    uint64_t touched[STORE_STAMPS / 64]; /* a bit for each stamp that this work moves */
};

/* Runs a statement with its parameters and lets go of them.  *ret_changes (NULL is fine): rows
 * that it wrote. */
NODISCARD int store_run(struct store_db *db, const char *sql, struct store_bind *bind,
                        store_row_fn *row, void *context, int64_t *ret_changes, struct err *reterr);

/* A store_row_fn: the first column of the last row into the int64_t that is the context. */
void store_row_first_int(void *context, const struct store_row *row);

enum store_access {
    STORE_READER,
    STORE_WRITER,
    STORE_CREATE /* a writer that wants no file to be there */
};

/* SQLite.  A writer holds PATH.lock while it is open. */
NODISCARD int store_sqlite_open(const char *path, enum store_access access, int64_t size_max_bytes,
                                struct store_db **ret_db, struct err *reterr);
/* Every page and index of it is as it should be. */
NODISCARD int store_sqlite_whole(struct store_db *db, struct err *reterr);
/* The bytes of its pages that hold something. */
NODISCARD int store_sqlite_size(struct store_db *db, int64_t *ret_bytes, struct err *reterr);

/* PostgreSQL. */
NODISCARD int store_postgres_open(const char *url, enum store_access access,
                                  struct store_db **ret_db, struct err *reterr);

#endif
