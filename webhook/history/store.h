/* The store: what the recorder remembers, in SQLite or PostgreSQL, with one schema.
 *
 *     machine's effects --store_commit--> rows --store_...--> API, page, export
 *
 * One writer.  store_commit is one transaction: all of a step's effects or none, so that whatever
 * kills the process leaves a history that could have been.  Reads may run beside it, each on a
 * reader of its own thread.  The schema's version stands in the database; a newer one is refused,
 * an older one is migrated step by step, after a copy (SQLite).
 */
#ifndef PROCTOR_HISTORY_STORE_H
#define PROCTOR_HISTORY_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "history/machine.h"
#include "history/revision.h"

struct store;

struct store_options {
    const char *url; /* a file's path or sqlite:PATH; postgres://... */
    bool read_only;
};

/* Opens, checks its integrity, migrates.  Errors name what to do: ERR_STORE: locked by another
 * process, read-only, corrupt, of a newer version, no such server, wrong password. */
NODISCARD int store_open(const struct store_options *options, struct store **ret_store,
                         struct err *reterr);
void store_close(struct store *store); /* NULL is fine */

/* An admission intent, on disk when it returns (group commit: several threads' intents share one
 * fsync).  ERR_STORE: not written; full disk says so. */
NODISCARD int store_intent(struct store *store, const struct machine_intent *intent,
                           const char *project_namespace, const char *project_name, int64_t *ret_id,
                           struct err *reterr);

/* The project's id; made if it is new. */
NODISCARD int store_project(struct store *store, const char *namespace_, const char *name,
                            int64_t *ret_id, struct err *reterr);

/* All effects of one machine_step, with the templates (by SHA-256, compressed) they name, and the
 * watch cursor; MACHINE_INSERT's rows get their ids. */
struct store_template {
    const char *sha, *canonical_json;
};
struct store_cursor {
    const char *resource, *resource_version;
};
NODISCARD int store_commit(struct store *store, int64_t project,
                           const struct machine_effect *effects, size_t count,
                           const struct store_template *templates, size_t template_count,
                           const struct store_cursor *cursor, struct err *reterr);

/* A project's revisions, newest first, from before `before_seq` (0: from the newest). */
struct store_query {
    int64_t project;
    int64_t before_seq;
    int status;        /* enum revision_status, -1: any */
    int good;          /* enum revision_good, -1: any */
    const char *actor; /* NULL: any */
    size_t limit;
};
NODISCARD int store_revisions(struct store *store, struct arena *arena,
                              const struct store_query *query, struct revision **ret_rows,
                              size_t *ret_count, struct err *reterr);
NODISCARD int store_revision(struct store *store, struct arena *arena, int64_t id,
                             struct revision *ret_row, struct err *reterr);

/* A template's canonical JSON.  ERR_NOT_FOUND. */
NODISCARD int store_template_get(struct store *store, struct arena *arena, const char *sha,
                                 const char **ret_json, struct err *reterr);

#endif
