/* What the files of the store share: how a write joins a transaction, how a read gets a reader. */
#ifndef PROCTOR_HISTORY_STORE_INTERNAL_H
#define PROCTOR_HISTORY_STORE_INTERNAL_H

#include "history/store.h"
#include "history/store_db.h"

/* One piece of a transaction.  It may be run again, and by another thread: all its results go
 * into `context`, which is looked at after success only.  What is wrong with the request itself is
 * noted there too, before anything was written, so that the transaction of others goes on. */
typedef int store_work(struct store_db *db, void *context, struct err *reterr);

/* Runs it in a transaction, perhaps with others' work; 0: it is on disk. */
NODISCARD int store_write(struct store *store, store_work *work, void *context, struct err *reterr);

/* The same for `count` pieces at once (at most STORE_INTENTS_MAX): each has its own outcome in
 * codes[i] and errs[i]. */
void store_write_each(struct store *store, store_work *work, void *const contexts[], size_t count,
                      int codes[], struct err errs[]);

/* The same, and while the store hurries it is only written (store_hurry). */
NODISCARD int store_write_hurried(struct store *store, store_work *work, void *context,
                                  struct err *reterr);

/* The same for a single statement; *ret_changes (NULL is fine): the rows it wrote. */
NODISCARD int store_write_one(struct store *store, const char *sql, struct store_bind *bind,
                              int64_t *ret_changes, struct err *reterr);

/* Within a transaction: what a reader sees of the project may be other after it. */
void store_touch(struct store_db *db, int64_t project);

/* Runs a query on a reader.  `row` may allocate from `arena` (NULL: it allocates nothing). */
NODISCARD int store_read(struct store *store, struct arena *arena, const char *sql,
                         struct store_bind *bind, store_row_fn *row, void *context,
                         struct err *reterr);

/* A reader of one's own, to be given back. */
NODISCARD int store_reader_take(struct store *store, struct store_db **ret_db, struct err *reterr);
void store_reader_give(struct store *store, struct store_db *db);

bool store_is_postgres(const char *url);
/* The file of an SQLite URL. */
const char *store_file_of(const char *url);
const char *store_url(const struct store *store);

/* Rows as they are read, in an arena. */
struct store_rows {
    struct arena *arena;
    char *rows;
    size_t row_bytes, count, capacity;
};
/* The next row, zeroed. */
void *store_rows_add(struct store_rows *rows);

size_t store_page(size_t limit);

/* Within a transaction: the project's id, made if it is new. */
NODISCARD int store_project_in(struct store_db *db, const char *namespace_, const char *name,
                               int64_t *ret_id, struct err *reterr);

/* A template's compressed bytes, on the heap. */
struct store_packed {
    const char *sha;
    size_t length;
    void *bytes;
    size_t packed_length;
};
NODISCARD int store_pack(const char *sha, const char *json, struct store_packed *ret_packed,
                         struct err *reterr);
void store_packed_done(struct store_packed *packed);
NODISCARD int store_template_put(struct store_db *db, const struct store_packed *packed,
                                 struct err *reterr);

/* Within a transaction: an event, and its letters; *ret_id 0: its key was there. */
NODISCARD int store_event_in(struct store_db *db, const struct store_event *event, int64_t *ret_id,
                             struct err *reterr);
/* Reads id, project, revision, at, type, service, message, details, key from `column` on. */
void store_event_read(const struct store_row *row, struct arena *arena, int column,
                      struct store_event *ret_event);
#define STORE_EVENT_COLUMNS                                                                        \
    "event.id, event.project_id, event.revision_id, event.at, event.type, event.service, "         \
    "event.message, event.details_json, event.dedupe_key"

#define STORE_CURSOR_SQL                                                                           \
    "INSERT INTO watch_cursor(resource, resource_version) VALUES($1, $2)"                          \
    " ON CONFLICT(resource) DO UPDATE SET resource_version = excluded.resource_version"

/* Copies a whole store into an empty one (store_copy.c). */
NODISCARD int store_copy_rows(struct store_db *from, struct store_db *to, struct err *reterr);

#endif
