/* The store: what the recorder remembers, in SQLite or PostgreSQL, with one schema.
 *
 *     machine's effects --store_commit--> rows --store_...--> API, page, export
 *
 * Writes come from any thread and share transactions (group commit): when a writing function
 * returns 0, all that it wrote is on disk (but see store_hurry), and after an error nothing of it
 * is.  store_commit is all of a step's effects or none, so that whatever kills the process leaves a
 * history that could have been.  Reads run beside the writer, from any thread, and see what was on
 * disk when they began.  The schema's version stands in the database; a newer one is refused, an
 * older one is migrated step by step, after a copy (SQLite).
 *
 * SQLite belongs to one process: a second one is refused at store_open.  On PostgreSQL any
 * replica writes, except what only the leader may (store_lead).
 *
 * Text: bytes that are not UTF-8 are stored as U+FFFD, no text may be longer than
 * STORE_TEXT_BYTES (ERR_LIMIT), NULL and "" are kept apart.  All text is a parameter, never SQL.
 * What is read lives in the caller's arena.  A page is at most STORE_PAGE_ROWS rows.
 *
 * Errors: ERR_STORE: the database cannot be used (its text says why and what to do);
 * ERR_NOT_FOUND, ERR_CONFLICT, ERR_LIMIT as said below; ERR_NO_MEMORY.
 */
#ifndef PROCTOR_HISTORY_STORE_H
#define PROCTOR_HISTORY_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "history/machine.h"
#include "history/revision.h"

/* An object in etcd has at most 1.5 MiB; its canonical template has no more. */
#define STORE_TEXT_BYTES (4UL * 1024UL * 1024UL)
#define STORE_PAGE_ROWS  1000U

struct store;

struct store_options {
    const char *url; /* a file's path or sqlite:PATH; postgres://... or postgresql://... */
    bool read_only;
    int64_t size_max_bytes; /* SQLite: writes past it fail, see store_retain; 0: the disk's */
    /* Who is to be told of events ("webhook", "kubernetes"): every new event is also put into
     * the outbox of each, in the same transaction.  Ends with NULL; NULL: none. */
    const char *const *sinks;
};

/* Opens, checks its integrity, migrates.  ERR_STORE names what to do: in use by another process,
 * read-only, corrupt, another program's, of a newer version, no such server, wrong password. */
NODISCARD int store_open(const struct store_options *options, struct store **ret_store,
                         struct err *reterr);
void store_close(struct store *store); /* NULL is fine */

/* Whether the database answers and (if not read-only) can be written: for /readyz. */
NODISCARD int store_check(struct store *store, struct err *reterr);

/* ---- The leader: who commits what the machines decided ---------------------------------- */

/* Becomes the leader, or sees that it still is; *ret_leads false: another replica is.  SQLite's
 * one process always leads.  After it turned true, load the machines again: another may have
 * written. */
NODISCARD int store_lead(struct store *store, bool *ret_leads, struct err *reterr);

/* Whether it leads as far as is known: false once the session to the server was lost. */
bool store_leads(struct store *store);

/* Lets another lead. */
void store_resign(struct store *store);

/* ---- Projects --------------------------------------------------------------------------- */

struct store_project_row {
    int64_t id;
    const char *namespace_, *name, *owner;
};

/* The project's id; made if it is new. */
NODISCARD int store_project(struct store *store, const char *namespace_, const char *name,
                            int64_t *ret_id, struct err *reterr);

/* The project of that name, not made; of that id.  ERR_NOT_FOUND. */
NODISCARD int store_project_find(struct store *store, struct arena *arena, const char *namespace_,
                                 const char *name, struct store_project_row *ret_row,
                                 struct err *reterr);
NODISCARD int store_project_get(struct store *store, struct arena *arena, int64_t id,
                                struct store_project_row *ret_row, struct err *reterr);

/* All of a namespace (NULL: of all), in the order of ids, from after `after_id` (0: the first). */
NODISCARD int store_projects(struct store *store, struct arena *arena, const char *namespace_,
                             int64_t after_id, size_t limit, struct store_project_row **ret_rows,
                             size_t *ret_count, struct err *reterr);

NODISCARD int store_project_owner(struct store *store, int64_t id, const char *owner,
                                  struct err *reterr);

/* ---- Intents ---------------------------------------------------------------------------- */

enum store_intent_state {
    STORE_INTENT_OPEN,
    STORE_INTENT_JOINED,        /* belongs to a revision */
    STORE_INTENT_NOT_PERSISTED, /* truth never showed it */
    STORE_INTENT_UNKNOWN        /* a gap: nobody can tell */
};

struct store_intent_row {
    struct machine_intent intent; /* without template_json */
    int64_t project;
    enum store_intent_state state;
    int64_t revision; /* 0: none */
};

/* An admission intent, with its template, on disk when it returns.  The project is made if it is
 * new.  ERR_STORE: not written; a full disk says so. */
NODISCARD int store_intent(struct store *store, const struct machine_intent *intent,
                           const char *project_namespace, const char *project_name, int64_t *ret_id,
                           struct err *reterr);

/* The same for several, which share a transaction if nothing is wrong with any: each has a code and
 * an error of its own, and an id if its code is 0.  At most STORE_INTENTS_MAX. */
#define STORE_INTENTS_MAX 64U
struct store_new_intent {
    const struct machine_intent *intent;
    const char *project_namespace, *project_name;
    int64_t id;
    int code;
    struct err err;
};
void store_intents(struct store *store, struct store_new_intent *intents, size_t count);

/* Intents that are still open, oldest first, from after `after_id`; project 0: all. */
NODISCARD int store_intents_open(struct store *store, struct arena *arena, int64_t project,
                                 int64_t after_id, size_t limit, struct store_intent_row **ret_rows,
                                 size_t *ret_count, struct err *reterr);

/* Those of one revision (two of one key are both kept), oldest first. */
NODISCARD int store_intents_of(struct store *store, struct arena *arena, int64_t revision,
                               struct store_intent_row **ret_rows, size_t *ret_count,
                               struct err *reterr);

/* Ends an intent that no revision took: by hand of those who do not go through the machine. */
NODISCARD int store_intent_end(struct store *store, int64_t id, enum store_intent_state state,
                               struct err *reterr);

/* Uses up an on-behalf-of nonce for `claim`: the API server asks again for one and the same change,
 * and that is fine.  ERR_CONFLICT: it was used for another one before. */
NODISCARD int store_nonce_use(struct store *store, const char *nonce, const char *claim,
                              int64_t now, struct err *reterr);

/* ---- The machine's effects -------------------------------------------------------------- */

struct store_template {
    const char *sha, *canonical_json;
};
struct store_cursor {
    const char *resource, *resource_version;
};

/* All effects of one machine step, with the templates (by SHA-256, compressed) they name, and the
 * watch cursor (NULL: none).  Revisions are found by their seq; ret_ids (NULL is fine) gets for
 * each effect the id of its revision, 0 if it has none.  An event whose key its revision has
 * already is not written again.  MACHINE_ROLL_BACK writes nothing.
 * ERR_CONFLICT: not the leader any more, or a seq to insert exists: load the machine again. */
NODISCARD int store_commit(struct store *store, int64_t project,
                           const struct machine_effect *effects, size_t count,
                           const struct store_template *templates, size_t template_count,
                           const struct store_cursor *cursor, int64_t *ret_ids, struct err *reterr);

/* From here to store_hurry_end, store_project and store_commit return before their rows are on
 * disk: for an import, which can be made again.  Nothing comes to be on disk before what was
 * written before it, and any other write takes all of it along; so a machine that loses its power
 * loses the newest of the import, and nothing else. */
void store_hurry(struct store *store);
/* All of it is on disk when this returns 0. */
NODISCARD int store_hurry_end(struct store *store, struct err *reterr);

/* The resourceVersion to go on from; *ret_version NULL: none yet. */
NODISCARD int store_cursor_get(struct store *store, struct arena *arena, const char *resource,
                               const char **ret_version, struct err *reterr);
NODISCARD int store_cursor_set(struct store *store, const struct store_cursor *cursor,
                               struct err *reterr);

/* ---- Revisions -------------------------------------------------------------------------- */

/* A project's revisions, newest first, from before `before_seq` (0: from the newest).  Project 0:
 * all projects' by id, and before_seq is an id. */
struct store_query {
    int64_t project;
    int64_t before_seq;
    int status;               /* enum revision_status, -1: any */
    int good;                 /* enum revision_good, -1: any */
    const char *actor;        /* NULL: any */
    const char *template_sha; /* NULL: any */
    bool brief;               /* last_applied and managed_fields are NULL: they are long */
    size_t limit;
};
NODISCARD int store_revisions(struct store *store, struct arena *arena,
                              const struct store_query *query, struct revision **ret_rows,
                              size_t *ret_count, struct err *reterr);

/* For machine_load, oldest first: those that have not ended, the current one, and the newest 200.
 * Of those that have ended and are not current, last_applied and managed_fields are NULL. */
NODISCARD int store_revisions_open(struct store *store, struct arena *arena, int64_t project,
                                   struct revision **ret_rows, size_t *ret_count,
                                   struct err *reterr);

/* One revision, by its id or by its number in the project.  ERR_NOT_FOUND. */
NODISCARD int store_revision(struct store *store, struct arena *arena, int64_t id,
                             struct revision *ret_row, struct err *reterr);
NODISCARD int store_revision_seq(struct store *store, struct arena *arena, int64_t project,
                                 int64_t seq, struct revision *ret_row, struct err *reterr);

/* Marked by a person; `reason` goes into an event.  ERR_NOT_FOUND. */
NODISCARD int store_revision_mark(struct store *store, int64_t id, enum revision_good good,
                                  const char *by, const char *reason, int64_t now,
                                  struct err *reterr);

/* A template's canonical JSON.  ERR_NOT_FOUND; ERR_STORE if its bytes are corrupt. */
NODISCARD int store_template_get(struct store *store, struct arena *arena, const char *sha,
                                 const char **ret_json, struct err *reterr);

/* ---- Service instances ------------------------------------------------------------------ */

/* A container of a pod of a revision; one row for each (revision, pod uid, container). */
struct store_instance {
    int64_t revision;
    const char *pod_uid, *pod, *node, *container, *image, *image_digest;
    const char *status; /* Running, Waiting, Terminated, or the pod's phase */
    const char *health; /* ready, not ready */
    int64_t restarts, exit_code;
    const char *reason, *message;           /* why it waits */
    const char *last_reason, *last_message; /* how it last ended: OOMKilled, Error, its words */
    int64_t started_at, ended_at;
};
NODISCARD int store_instances(struct store *store, struct arena *arena, int64_t revision,
                              struct store_instance **ret_rows, size_t *ret_count,
                              struct err *reterr);

/* ---- Events ----------------------------------------------------------------------------- */

/* The type of an Event of Kubernetes that is kept as evidence: it goes into no outbox. */
#define STORE_KUBERNETES_EVENT "kubernetes_event"

struct store_event {
    int64_t id;
    int64_t project;
    int64_t revision; /* 0: of the project, or of none */
    int64_t at;
    const char *type, *service, *message;
    const char *details; /* JSON, NULL: none */
    const char *key;     /* the same of one project and revision is written once; NULL: always */
};

/* Appends one (id is ignored).  *ret_id is 0 if its key was there already. */
NODISCARD int store_event(struct store *store, const struct store_event *event, int64_t *ret_id,
                          struct err *reterr);

/* In the order of ids, from after `after_id`; of a revision, of a project, or (both 0) all.  No
 * event of a smaller id appears later: a stream may go on from the last id that it saw. */
struct store_event_query {
    int64_t project, revision;
    int64_t after_id;
    size_t limit;
};
NODISCARD int store_events(struct store *store, struct arena *arena,
                           const struct store_event_query *query, struct store_event **ret_rows,
                           size_t *ret_count, struct err *reterr);

/* For those who look again and again whether there is news.  A count that grows whenever this
 * process wrote an event, a version or a hold of the project; others may share it. */
uint64_t store_written(struct store *store, int64_t project);
/* A number that is another one when anything was committed to a database that others write too.
 * SQLite's has one writer, and its number stays. */
NODISCARD int store_stamp(struct store *store, int64_t *ret_stamp, struct err *reterr);

/* The id of a project's newest event; 0: it has none. */
NODISCARD int store_event_last(struct store *store, int64_t project, int64_t *ret_id,
                               struct err *reterr);

/* ---- Configuration that a revision used: fingerprints, never values --------------------- */

struct store_config_ref {
    const char *kind, *name; /* ConfigMap, Secret */
    const char *fingerprint; /* content hash; resourceVersion of a Secret */
};
NODISCARD int store_config_refs_set(struct store *store, int64_t revision,
                                    const struct store_config_ref *refs, size_t count,
                                    struct err *reterr);
NODISCARD int store_config_refs(struct store *store, struct arena *arena, int64_t revision,
                                struct store_config_ref **ret_rows, size_t *ret_count,
                                struct err *reterr);

/* ---- What a Deployment is beside its template ------------------------------------------- */

/* The newest of a project, so that what was deleted can be made again: JSON with the members
 * metadata and spec, without status, managedFields, template and what the API server writes. */
struct store_frame {
    const char *uid;
    int64_t taken_at;
    const char *json;
};
NODISCARD int store_frame_set(struct store *store, int64_t project, const struct store_frame *frame,
                              struct err *reterr);
/* ERR_NOT_FOUND: none was ever seen. */
NODISCARD int store_frame_get(struct store *store, struct arena *arena, int64_t project,
                              struct store_frame *ret_frame, struct err *reterr);

/* ---- Holds: templates that may not come back -------------------------------------------- */

struct store_hold {
    int64_t project;
    const char *template_sha, *reason, *set_by;
    int64_t set_at, until; /* until 0: until it is lifted */
};

/* Sets or renews, with the event hold_set. */
NODISCARD int store_hold_set(struct store *store, const struct store_hold *hold,
                             struct err *reterr);

/* Lifts it, with the event hold_lifted.  ERR_NOT_FOUND: there is none. */
NODISCARD int store_hold_lift(struct store *store, int64_t project, const char *template_sha,
                              const char *by, int64_t now, struct err *reterr);

/* Those of a project that hold at `now`. */
NODISCARD int store_holds(struct store *store, struct arena *arena, int64_t project, int64_t now,
                          struct store_hold **ret_rows, size_t *ret_count, struct err *reterr);

/* The hold on one template, for the intent webhook: the project by name.  ERR_NOT_FOUND: free. */
NODISCARD int store_hold_find(struct store *store, struct arena *arena, const char *namespace_,
                              const char *name, const char *template_sha, int64_t now,
                              struct store_hold *ret_hold, struct err *reterr);

/* ---- Operations: rollback and everything else that the API does once -------------------- */

#define STORE_OP_STATE_TABLE(X)                                                                    \
    X(STORE_OP_CLAIMED, "claimed", false)                                                          \
    X(STORE_OP_PATCHED, "patched", false)                                                          \
    X(STORE_OP_DONE, "done", true)                                                                 \
    X(STORE_OP_FAILED, "failed", true)

#define STORE_ENUM(constant, name, ended) constant,
enum store_op_state { STORE_OP_STATE_TABLE(STORE_ENUM) STORE_OP_STATES };
#undef STORE_ENUM

struct store_op {
    int64_t id;
    int64_t project;
    const char *kind; /* rollback, cancel, deploy, restart, pause, resume, undelete, ... */
    bool automatic;
    int64_t revision;  /* what it goes away from; 0 */
    int64_t target;    /* what it goes back to; 0 */
    const char *actor; /* a key belongs to its actor: another's is another key */
    const char *key;   /* Idempotency-Key; NULL: none */
    const char *body_digest;
    int64_t expect_generation; /* 0: any */
    enum store_op_state state;
    int64_t result;     /* the revision that it led to; 0 */
    int http_status;    /* of the answer that was given; 0: not yet */
    const char *answer; /* its body, to be given again; or why it failed */
    int64_t created_at, updated_at;
};

/* Writes down what is about to be done, before it is done.  *ret_op is the row; *ret_repeated:
 * it is one of before, with this key and this body, in whatever state it is.
 * ERR_CONFLICT: the key was used with another body or for something else. */
NODISCARD int store_op_claim(struct store *store, struct arena *arena, const struct store_op *op,
                             struct store_op *ret_op, bool *ret_repeated, struct err *reterr);

/* Sets state, revision, target, result, http_status, answer and updated_at of op->id, if it is
 * still in state `from`; ERR_CONFLICT if not. */
NODISCARD int store_op_update(struct store *store, const struct store_op *op,
                              enum store_op_state from, struct err *reterr);
NODISCARD int store_op_get(struct store *store, struct arena *arena, int64_t id,
                           struct store_op *ret_op, struct err *reterr);

/* Those that have not ended, oldest first: to be finished at start-up. */
NODISCARD int store_ops_open(struct store *store, struct arena *arena, struct store_op **ret_rows,
                             size_t *ret_count, struct err *reterr);

/* How many automatic rollbacks of a project were begun since; and of them away from a revision
 * of that template (NULL: of any). */
NODISCARD int store_op_count(struct store *store, int64_t project, const char *template_sha,
                             int64_t since, int64_t *ret_count, struct err *reterr);

/* ---- Outbox: told at least once --------------------------------------------------------- */

struct store_letter {
    int64_t id; /* the receiver knows a repetition by it */
    const char *sink;
    struct store_event event; /* id 0: none */
    const char *body;         /* of store_outbox_push; NULL: the event says it all */
    int64_t attempts;
    int64_t created_at;
};

NODISCARD int store_outbox_push(struct store *store, const char *sink, const char *body,
                                int64_t now, int64_t *ret_id, struct err *reterr);

/* Takes letters of a sink that are due at `now`, oldest first, at most 100; whoever took them has
 * them alone
 * until `lease_until`, then they are due again. */
NODISCARD int store_outbox_take(struct store *store, struct arena *arena, const char *sink,
                                int64_t now, int64_t lease_until, size_t limit,
                                struct store_letter **ret_rows, size_t *ret_count,
                                struct err *reterr);

/* Delivered: it is deleted.  Not delivered: due again at `at`. */
NODISCARD int store_outbox_done(struct store *store, int64_t id, struct err *reterr);
NODISCARD int store_outbox_retry(struct store *store, int64_t id, int64_t at, struct err *reterr);

/* ---- Gaps of coverage ------------------------------------------------------------------- */

struct store_gap {
    int64_t id;
    const char *resource, *reason;
    int64_t from, to; /* to 0: still open */
};

/* Opens a gap of a resource from `from`; one that is open stays the one it is. */
NODISCARD int store_gap_open(struct store *store, const char *resource, const char *reason,
                             int64_t from, struct err *reterr);
/* Closes the open one, if there is one. */
NODISCARD int store_gap_close(struct store *store, const char *resource, int64_t to,
                              struct err *reterr);
/* The newest gaps that touch [from, to], newest first. */
NODISCARD int store_gaps(struct store *store, struct arena *arena, int64_t from, int64_t to,
                         struct store_gap **ret_rows, size_t *ret_count, struct err *reterr);

/* ---- Keeping house ---------------------------------------------------------------------- */

struct store_retention {
    int64_t before;     /* revisions that ended before it go; 0: none for their age */
    int64_t keep;       /* but a project's newest `keep` stay; at least 1 */
    int64_t keep_good;  /* and its newest `keep_good` good ones */
    int64_t size_bytes; /* SQLite: then the oldest go until it is no larger; 0: any size */
    int64_t now;
};

/* Deletes revisions, with their events, instances and intents, templates that nothing names any
 * more, and what else has had its time.  Never: a project's newest, one that has not ended, the
 * newest `keep` and the good ones to keep, what another revision or an open operation goes back
 * to or from.  In small transactions: others write between.  The databases then count again what
 * they have, by which they choose their indexes: worth a call a day. */
NODISCARD int store_retain(struct store *store, const struct store_retention *retention,
                           int64_t *ret_deleted, struct err *reterr);

struct store_figures {
    int64_t revisions, projects, intents_open, outbox, size_bytes;
};
NODISCARD int store_figures(struct store *store, struct store_figures *ret_figures,
                            struct err *reterr);

/* A copy of the whole store into a new SQLite file, checked and on disk when it returns; writers
 * go on.  ERR_CONFLICT: the file exists. */
NODISCARD int store_backup(struct store *store, const char *path, struct err *reterr);

/* The reverse: makes a new store at `url` from such a copy.  ERR_CONFLICT: there is something. */
NODISCARD int store_restore(const char *path, const char *url, struct err *reterr);

#endif
