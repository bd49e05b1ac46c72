/* What people, pipelines and the recorder itself do to a project: go back, cancel, restart, pause,
 * resume, undelete, mark, hold; each written down before it is done (store_op), done once, and
 * finished at the next start if the process died between.
 *
 * Who may do it was decided before (access.h).  Answers are the API's: an HTTP status and, for what
 * was refused, a reason of the API's list (AlreadyAtRevision, Paused, GenerationMoved, Held,
 * Deleted, NoGoodRevision, PolicyRefused, ...) with words that say what to do.
 */
#ifndef PROCTOR_RECORDER_OPERATE_H
#define PROCTOR_RECORDER_OPERATE_H

#include "base/json.h"
#include "history/store.h"
#include "recorder/access.h"
#include "recorder/keeper.h"

struct operate;

struct operate_options {
    const struct kube_config *kube;
    struct store *store;
    const char *namespace_;
    bool automatic; /* roll back by itself where a project does not say (proctor.dev/auto-rollback)
                     */
    bool managed_too; /* also what Argo CD, Flux or Helm manage */
    bool secrets;     /* fingerprints of Secrets too, by their resourceVersion */
    const char *self; /* our own account, the actor of what happens by itself; NULL: the default */
    int64_t hold_us;  /* how long a template that failed by itself is held; 0: until lifted */
};

/* The keeper comes later: it calls operate_wish. */
NODISCARD int operate_new(const struct operate_options *options, struct operate **ret_operate,
                          struct err *reterr);
void operate_free(struct operate *operate);
void operate_use(struct operate *operate, struct keeper *keeper);

struct operate_request {
    const struct caller *caller;
    const char *key;           /* Idempotency-Key; NULL: none */
    const char *body_digest;   /* SHA-256 of method, path and body, hexadecimal */
    int64_t expect_generation; /* If-Match; 0: any */
    const char *reason;        /* the person's words; NULL: none */
    bool resume;               /* rollback of a paused one: unpause it */
    bool dry_run;
};

struct operate_answer {
    int status;          /* 200, 202; 409, 422, ... */
    const char *reason;  /* of a refusal: "NoGoodRevision"; NULL: it is done or accepted */
    const char *detail;  /* for a person */
    const cJSON *causes; /* details.causes of a policy's refusal; NULL */
    int64_t operation;   /* its id; 0: none */
    int64_t project, revision, target;
    int64_t generation;  /* of the Deployment as stored */
    const char *warning; /* "V1's image would run with V3's configuration": NULL: none */
    bool repeated;       /* the answer of before, to the same Idempotency-Key */
};

/* The errors of all: ERR_NOT_FOUND, ERR_STORE, and the client's (ERR_UNREACHABLE: it may have been
 * done, and is found out; ERR_FORBIDDEN: the recorder's own right is missing).  All lives in
 * `arena`.  From any thread. */
NODISCARD int operate_rollback(struct operate *operate, struct arena *arena,
                               const struct operate_request *request, int64_t target_revision,
                               struct operate_answer *ret_answer, struct err *reterr);
/* Goes back to the last good version from `revision`, which is still under way. */
NODISCARD int operate_cancel(struct operate *operate, struct arena *arena,
                             const struct operate_request *request, int64_t revision,
                             struct operate_answer *ret_answer, struct err *reterr);
NODISCARD int operate_restart(struct operate *operate, struct arena *arena,
                              const struct operate_request *request, int64_t project,
                              struct operate_answer *ret_answer, struct err *reterr);
NODISCARD int operate_pause(struct operate *operate, struct arena *arena,
                            const struct operate_request *request, int64_t project, bool paused,
                            struct operate_answer *ret_answer, struct err *reterr);
/* `revision` 0: the newest good one. */
NODISCARD int operate_undelete(struct operate *operate, struct arena *arena,
                               const struct operate_request *request, int64_t project,
                               int64_t revision, struct operate_answer *ret_answer,
                               struct err *reterr);
NODISCARD int operate_mark(struct operate *operate, struct arena *arena,
                           const struct operate_request *request, int64_t revision,
                           enum revision_good good, struct operate_answer *ret_answer,
                           struct err *reterr);
NODISCARD int operate_lift_hold(struct operate *operate, struct arena *arena,
                                const struct operate_request *request, int64_t project,
                                const char *template_sha, struct operate_answer *ret_answer,
                                struct err *reterr);

/* Of an operation as the store has it: why it failed, or what was answered; NULL: nothing.  (Its
 * `answer` is the whole answer, to be given again.)  Lives in `arena`. */
const char *operate_message(struct arena *arena, const struct store_op *op);

/* The keeper's wish: judged by all guards, done by a thread of operate's own; returns at once.
 * Refused guards are an event of the revision, each with its name. */
void operate_wish(struct operate *operate, int64_t project, int64_t revision);

/* A new revision: its configuration's fingerprint is taken (ConfigMaps by content, Secrets never)
 * by the same thread; returns at once. */
void operate_fingerprint(struct operate *operate, int64_t revision);

/* At start, and when this replica begins to lead: what was begun and not finished is, by the same
 * thread; returns at once. */
NODISCARD int operate_finish(struct operate *operate, struct err *reterr);

#endif
