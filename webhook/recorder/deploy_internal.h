/* What the deploy's files share.
 *
 *   deploy_read.c     body -> struct deploy_spec, or causes
 *   deploy_objects.c  spec and what is there -> the objects as they are to be        (pure)
 *   deploy_patch.c    what is there and what is to be -> the smallest JSON Patch     (pure)
 *   deploy_judge.c    the policies, asked as the caller
 *   deploy_write.c    reads, dry runs and writes on the API server
 *   deploy_memo.c     what an operation has to know after a restart
 *   deploy_run.c      all objects of one deploy: prepared, written
 *   deploy_outcome.c  the rollout, the health, the way back
 *   deploy_follow.c   the thread that looks at all that are under way; what was begun goes on
 *   deploy.c          the operation: claimed, judged, written, followed
 */
#ifndef PROCTOR_RECORDER_DEPLOY_INTERNAL_H
#define PROCTOR_RECORDER_DEPLOY_INTERNAL_H

#include "base/buf.h"
#include "base/json.h"
#include "client/client.h"
#include "client/pool.h"
#include "policy/set.h"
#include "recorder/deploy.h"
#include "recorder/operate_internal.h"

#include <pthread.h>

/* The container of a Deployment that is made here. */
#define DEPLOY_CONTAINER "app"
#define DEPLOY_PORT      8000
#define DEPLOY_PUBLIC    80
/* Who the API server says owns the fields. */
#define DEPLOY_MANAGER "proctor-deploy"

/* ---- deploy_read.c ---------------------------------------------------------------------- */

/* {field, message, reason}; reasons are Kubernetes' causes. */
cJSON *deploy_cause(struct arena *arena, const char *field, const char *reason,
                    const char *message);

/* What a body has that says nothing. */
void deploy_spec_default(struct deploy_spec *spec);

/* NULL: the project can have that name; else causes. */
const cJSON *deploy_judge_project(struct arena *arena, const char *project);

/* ---- deploy_objects.c ------------------------------------------------------------------- */

enum deploy_kind { DEPLOY_DEPLOYMENT, DEPLOY_SERVICE, DEPLOY_INGRESS, DEPLOY_KINDS };

/* What tells a write of ours from others. */
struct deploy_marks {
    const char *change_cause, *on_behalf_of, *history_id; /* NULL: none */
};

/* The Deployment as it is to be: of what is there (NULL: nothing) with what the spec tells changed,
 * and nothing else.  NULL: it cannot be told; why is appended to `causes`. */
cJSON *deploy_make_deployment(struct arena *arena, const struct deploy_spec *spec,
                              const char *namespace_, const cJSON *live, cJSON *causes);

/* Puts the annotations in. */
void deploy_mark(struct arena *arena, cJSON *deployment, const struct deploy_marks *marks);

/* Whether the object carries that annotation proctor.dev/history-id. */
bool deploy_is_marked(const cJSON *object, const char *history_id);

/* The Service and the Ingress that belong to `deployment`. */
cJSON *deploy_make_service(struct arena *arena, const struct deploy_spec *spec,
                           const char *namespace_, const cJSON *deployment, const cJSON *live);
cJSON *deploy_make_ingress(struct arena *arena, const struct deploy_spec *spec,
                           const char *namespace_, const char *host_domain, const cJSON *live);

/* ---- deploy_patch.c --------------------------------------------------------------------- */

/* The operations that make `wanted` of `live`; lists of one length element by element, others
 * whole.  No operation: they are equal.  The Deployment is fenced by uid and generation, others by
 * uid and resourceVersion. */
cJSON *deploy_patch(struct arena *arena, enum deploy_kind kind, const cJSON *live,
                    const cJSON *wanted);

/* ---- deploy_judge.c --------------------------------------------------------------------- */

struct deploy_question {
    struct arena *arena;
    const struct policy_set *set;
    int64_t now; /* Unix time */
    const char *namespace_;
    const struct caller *caller;
    const struct deploy_spec *spec;
    cJSON *causes;        /* gets what they refuse */
    struct buf *warnings; /* and this what they change */
};

/* "Deployment". */
const char *deploy_kind_name(enum deploy_kind kind);

/* Appends a refusal's causes (NULL: none, then its message) with the kind before them. */
void deploy_add_causes(struct arena *arena, enum deploy_kind kind, const cJSON *causes,
                       const char *message, cJSON *all);

void deploy_warnings_begin(struct arena *arena, struct buf *warnings);

/* What would the policies say, if the caller made `wanted` of `live` (NULL: nothing)? */
NODISCARD int deploy_judge(const struct deploy_question *question, enum deploy_kind kind,
                           const cJSON *live, const cJSON *wanted, struct err *reterr);

/* ---- deploy_write.c --------------------------------------------------------------------- */

enum deploy_outcome {
    DEPLOY_WRITTEN,
    DEPLOY_MOVED,  /* somebody else has changed, made or deleted it since it was read */
    DEPLOY_HELD,   /* the recorder's own hold on that template */
    DEPLOY_QUOTA,  /* the namespace's quota */
    DEPLOY_REFUSED /* the policies, another webhook, or the API server itself */
};

/* One object on its way to the API server. */
struct deploy_write {
    struct arena *arena;
    enum deploy_kind kind;
    const char *namespace_, *name;
    const char *history_id; /* by which a write is known whose answer was lost; NULL: none */
    const cJSON *live;      /* NULL: to be made */
    cJSON *wanted;

    enum deploy_outcome outcome;
    const cJSON *stored; /* DEPLOY_WRITTEN */
    const cJSON *causes; /* of a refusal; NULL: none */
    const char *message;
};

/* *ret_object is NULL if there is none. */
NODISCARD int deploy_fetch(struct kube_client *client, struct arena *arena, enum deploy_kind kind,
                           const char *namespace_, const char *name, cJSON **ret_object,
                           struct err *reterr);

/* Makes or patches it, or only asks whether that would be refused.  0 and the outcome; or the
 * client's errors (ERR_FORBIDDEN: the recorder's own right is missing). */
NODISCARD int deploy_send(struct kube_client *client, struct deploy_write *write, bool dry,
                          struct err *reterr);

/* ---- deploy_memo.c ---------------------------------------------------------------------- */

/* What an operation has to know after a restart: it stands in the operation's answer while it has
 * none.  `uid` and `generation` are those of the Deployment as it was read (claimed; uid NULL:
 * there was none), then as it was written (patched). */
struct deploy_memo {
    struct deploy_spec spec;
    struct caller caller;
    const char *history_id, *on_behalf_of;
    const char *uid, *template_sha;
    int64_t generation;
    bool resume;
    bool new_template; /* patched: there will be a revision of that generation */
};

/* The body that says the same. */
cJSON *deploy_spec_body(struct arena *arena, const struct deploy_spec *spec);

/* An answer (NULL: none yet) with the memo in it (NULL: without: what is over needs none, and there
 * are values in it), and back.  ERR_JSON: there is none in it. */
const char *deploy_memo_write(struct arena *arena, const struct deploy_memo *memo,
                              const char *answer);
NODISCARD int deploy_memo_read(struct arena *arena, const char *answer,
                               struct deploy_memo *ret_memo, struct err *reterr);

/* ---- deploy_run.c ----------------------------------------------------------------------- */

/* One deploy on its way to the API server, in an arena of its own. */
struct deploy_run {
    struct deploy *deploy;
    struct arena *arena;
    struct kube_client *client;
    const struct policy_set *set;
    struct deploy_memo memo;
    int64_t expect_generation; /* If-Match; 0: any */

    struct deploy_write writes[DEPLOY_KINDS];
    size_t write_count;           /* without expose only the Deployment */
    bool changes;                 /* something is to be written */
    struct operate_answer answer; /* status 0: nothing speaks against it */
};

/* Reads what is there, makes what is to be, asks the policies as the caller, and the API server
 * for a dry run of each object.  0 and, of a refusal, the answer; or the client's errors. */
NODISCARD int deploy_prepare(struct deploy_run *run, struct err *reterr);

/* Puts the marks on what is to be written, once the operation is known. */
void deploy_mark_first(struct deploy_run *run);

/* Writes the Deployment.  Also 0: *ret_moved: it was changed meanwhile, nothing is written; prepare
 * again. */
NODISCARD int deploy_write_first(struct deploy_run *run, bool *ret_moved, struct err *reterr);

/* Notes in the memo what is stored now; `template_before` NULL: there was none. */
void deploy_take_stored(struct deploy_run *run, const char *template_before);

/* Then Service and Ingress; ERR_REFUSED: what was refused of them. */
NODISCARD int deploy_write_rest(struct deploy_run *run, struct err *reterr);

/* ---- deploy_follow.c -------------------------------------------------------------------- */

/* What of a followed operation is not worth keeping over a restart. */
struct deploy_follower {
    struct deploy_follower *next;
    int64_t operation;
    int64_t seen_at;    /* monotonic: since when it is followed */
    int64_t healthy_at; /* monotonic: the next look at its health; 0: none is planned */
    int64_t looks, restarts;
    int64_t overtaken_at; /* monotonic: when a newer version was seen first; 0: none */
    int64_t rollback;     /* the operation that goes back; 0: none */
    char *sick;           /* heap; why it goes back */
    bool over;
};

/* One look at one operation. */
struct deploy_step {
    struct deploy *deploy;
    struct deploy_follower *follower;
    struct arena *arena;
    struct kube_client *client;
    struct store_op op;
    struct deploy_memo memo;
    struct revision revision;
    int64_t now; /* monotonic */
    int rc;      /* of the last call of the client */
    struct err err;
};

struct deploy {
    struct deploy_options options;
    struct client_pool *pool;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool started, stop;
    struct deploy_follower *followers;
};

/* ERR_NO_MEMORY. */
NODISCARD int deploy_follow(struct deploy *deploy, int64_t operation, struct err *reterr);
void *deploy_follow_all(void *context);
void deploy_follow_done(struct deploy *deploy);

/* ---- deploy_outcome.c ------------------------------------------------------------------- */

/* What has become of what was written; ends the operation when that is known. */
void deploy_judge_outcome(struct deploy_step *step);

/* Ends it: done, or failed with what a person should know. */
void deploy_step_end(struct deploy_step *step, bool done, const char *message);

/* ---- deploy.c --------------------------------------------------------------------------- */

#define DEPLOY_OPERATION "deploy"

/* What comes after the Deployment is written: the history is told who did it, the operation is
 * noted as patched, Service and Ingress are written; the operation has failed if one is refused. */
NODISCARD int deploy_went(struct deploy_run *run, const struct store_op *op, struct err *reterr);

#endif
