/* The write that goes back to an earlier version: the same object, its pod template of then, so
 * that the next `kubectl apply` finds nothing odd, client-side and server-side.
 *
 *     read -> judge -> the patch as a dry run -> the patch -> who owns which fields
 *
 * One JSON Patch, fenced by uid and generation (not resourceVersion: status writes move it all the
 * time): /spec/template whole, and single annotations: last-applied as it was then, change-cause,
 * proctor.dev/history-id.  Replicas stay.  Then a second patch, fenced by uid and resourceVersion,
 * gives the template's fields back to the managers that owned them then, and takes our own entry
 * out: a server-side apply would conflict with it otherwise.
 *
 * Whether to roll back, and to what, is decided elsewhere; nothing is stored here.
 */
#ifndef PROCTOR_HISTORY_ROLLBACK_H
#define PROCTOR_HISTORY_ROLLBACK_H

#include "base/arena.h"
#include "base/err.h"
#include "client/client.h"

/*      constant, name, HTTP status */
#define ROLLBACK_OUTCOME_TABLE(X)                                                                  \
    X(ROLLBACK_DONE, "Done", 200)                                                                  \
    X(ROLLBACK_ALREADY, "AlreadyAtRevision", 409)                                                  \
    X(ROLLBACK_PAUSED, "Paused", 409)                                                              \
    X(ROLLBACK_GENERATION_MOVED, "GenerationMoved", 409)                                           \
    X(ROLLBACK_HELD, "Held", 409)                                                                  \
    X(ROLLBACK_DELETED, "Deleted", 409)                                                            \
    X(ROLLBACK_POLICY_REFUSED, "PolicyRefused", 422)

#define ROLLBACK_ENUM(constant, name, http) constant,
enum rollback_outcome { ROLLBACK_OUTCOME_TABLE(ROLLBACK_ENUM) ROLLBACK_OUTCOMES };
#undef ROLLBACK_ENUM

struct rollback_request {
    const char *namespace_, *name;
    const char *uid;           /* NULL: whichever has that name */
    int64_t expect_generation; /* If-Match; 0: the one that is read */
    bool resume;               /* a paused one: unpaused by the same patch */
    bool dry_run;              /* only find out whether it would be refused today */
    const char *on_behalf_of;  /* "USER;NONCE" (intent.h); NULL: of nobody */
    const char *history_id;    /* of the operation: by it a write that was cut off is recognised */

    /* The version to go back to. */
    const char *template_json;  /* canonical, as stored */
    const char *last_applied;   /* NULL: not known */
    const char *change_cause;   /* NULL: it had none */
    const char *managed_fields; /* JSON list, of the object then; NULL: not known */
};

struct rollback_result {
    enum rollback_outcome outcome;
    const char *message;        /* for a person: what to do, or what policy says; NULL if done */
    const cJSON *causes;        /* PolicyRefused and Held: details.causes; NULL: none */
    int64_t generation;         /* as stored, or as read */
    const char *uid;            /* likewise */
    const char *template_sha;   /* as stored: policy may have changed the template of then */
    bool fields_restored;       /* no trace of us in managedFields */
    const char *fields_message; /* why not; NULL */
};

/* Does it.  0 and the outcome; or the client's errors: ERR_UNREACHABLE after the patch was sent and
 * neither an answer nor the object came back (look for history_id later), ERR_FORBIDDEN: the
 * right to patch is missing, ERR_JSON: template_json is none.  All lives in `arena`. */
NODISCARD int rollback_write(struct kube_client *client, struct arena *arena,
                             const struct rollback_request *request,
                             struct rollback_result *ret_result, struct err *reterr);

/* "GenerationMoved"; and its HTTP status. */
const char *rollback_outcome_name(enum rollback_outcome outcome);
int rollback_outcome_status(enum rollback_outcome outcome);

#endif
