/* What the files of operate share.
 *
 *     operate.c           the frame of a call: client, memory, claim, answer, what is told
 *     operate_rollback.c  rollback, cancel
 *     operate_patch.c     restart, pause, resume
 *     operate_undelete.c  undelete
 *     operate_mark.c      marks, holds
 *     operate_auto.c      the keeper's wishes, judged and done
 *     operate_finish.c    operations whose end is not known yet
 *     operate_thread.c    the thread: wishes, fingerprints, finishing
 *
 * An operation goes  claimed (on disk, nothing done) -> patched (the API server took it, the
 * machine was told) -> done or failed (its version ended).  By proctor.dev/history-id on the object
 * a write is recognised whose answer nobody lived to see.
 */
#ifndef PROCTOR_RECORDER_OPERATE_INTERNAL_H
#define PROCTOR_RECORDER_OPERATE_INTERNAL_H

#include "client/client.h"
#include "client/pool.h"
#include "recorder/operate.h"

#include <pthread.h>
#include <string.h>

#define OPERATE_HISTORY_ID   "proctor.dev/history-id"
#define OPERATE_ON_BEHALF_OF "proctor.dev/on-behalf-of"
#define OPERATE_RESTARTED_AT "kubectl.kubernetes.io/restartedAt"
#define OPERATE_AT_ONCE      64U
#define OPERATE_SHOWN        1000U

static inline bool operate_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

enum operate_task_kind { OPERATE_WISH, OPERATE_FINGERPRINT, OPERATE_START };

struct operate_task {
    struct operate_task *next;
    enum operate_task_kind kind;
    int64_t project, revision;
    int64_t due_us; /* monotonic */
    unsigned tries;
};

struct operate {
    struct operate_options options;
    struct client_pool *pool;
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stopping;
    struct keeper *keeper;
    struct operate_task *tasks;
    int64_t under_way[OPERATE_AT_ONCE]; /* operations that a thread works on right now; 0: free */
};

/* One call on its way; all lives in its own arena. */
struct operate_call {
    struct operate *operate;
    struct kube_client *client;
    struct arena *arena;
    const struct operate_request *request;
    struct store_project_row project;
    struct store_op op; /* id 0: none is claimed */
    bool written;       /* the API server has it: the operation is not to be called failed */
    struct operate_answer answer;
};

/* 0 and the call's answer, or an error; what is claimed and not written is noted as failed. */
typedef int operate_work(struct operate_call *call, void *context, struct err *reterr);

/* Runs work with a client and memory of its own, and copies the answer into `arena`. */
NODISCARD int operate_run(struct operate *operate, struct arena *arena,
                          const struct operate_request *request, operate_work *work, void *context,
                          struct operate_answer *ret_answer, struct err *reterr);

/* ---- Steps of a call -------------------------------------------------------------------- */

/* Writes down what is about to be done.  *ret_over: it was asked before with this key, or the key
 * with something else; the answer says so.  Does nothing for a dry run. */
NODISCARD int operate_claim(struct operate_call *call, const char *kind, int64_t revision,
                            int64_t target, bool *ret_over, struct err *reterr);

/* Ends the call with a refusal. */
NODISCARD int operate_refuse(struct operate_call *call, int status, const char *reason,
                             const char *detail, const cJSON *causes, struct err *reterr);

/* Ends the call with what was reached: state PATCHED is 202 and goes on, DONE is 200. */
NODISCARD int operate_accept(struct operate_call *call, enum store_op_state state,
                             const char *detail, struct err *reterr);

/* What was written, for the machine: before the operation is called patched. */
struct operate_word {
    const char *uid, *template_sha, *template_json, *old_template_sha;
    int64_t generation;
    int64_t rollback_of, source;
    bool cancel;
};
NODISCARD int operate_tell(struct operate *operate, struct arena *arena, const struct store_op *op,
                           const char *project, const struct caller *caller,
                           const struct operate_word *word, struct err *reterr);

/* ---- What several need ------------------------------------------------------------------ */

const char *operate_self(const struct operate *operate);

/* Unmistakable, also after a database was made anew; the same each time for one operation. */
const char *operate_history_id(struct arena *arena, const struct store_op *op);

/* "USER;NONCE"; NULL: the recorder acts for itself. */
const char *operate_on_behalf_of(const struct operate_call *call);

/* The Deployment as it is stored now; *ret_live.object NULL: it does not exist. */
struct operate_live {
    const cJSON *object;
    const char *uid, *template_sha, *history_id, *restarted_at;
    int64_t generation;
    bool paused, deleting;
};
NODISCARD int operate_read(struct kube_client *client, struct arena *arena, const char *namespace_,
                           const char *name, struct operate_live *ret_live, struct err *reterr);
void operate_live_of(struct arena *arena, const cJSON *object, struct operate_live *ret_live);

/* The newest version that was ever stored, of that uid and template (NULL: any), without its long
 * texts; id 0: none. */
NODISCARD int operate_newest(struct operate *operate, struct arena *arena, int64_t project,
                             const char *uid, const char *template_sha,
                             struct revision *ret_revision, struct err *reterr);

/* The newest good version before one, of its uid, with another template that is not under hold;
 * not one that somebody went back from.  id 0: none. */
NODISCARD int operate_good(struct operate *operate, struct arena *arena,
                           const struct revision *before, struct revision *ret_revision,
                           struct err *reterr);

/* Ends an operation, whoever began it; `why` NULL: as it was answered. */
NODISCARD int operate_end(struct operate *operate, struct arena *arena, const struct store_op *op,
                          enum store_op_state state, int64_t result, const char *why,
                          struct err *reterr);

/* The answer's JSON, and back. */
const char *operate_write_answer(struct arena *arena, const struct operate_answer *answer);
void operate_read_answer(struct arena *arena, const struct store_op *op,
                         struct operate_answer *ret_answer);

bool operate_is_under_way(struct operate *operate, int64_t op);
struct keeper *operate_keeper(struct operate *operate);

/* ---- operate_rollback.c, operate_auto.c ------------------------------------------------- */

struct operate_way {
    struct revision from, target; /* from.id 0: not known */
    bool automatic, cancel, resume;
    int64_t expect_generation;
    const char *uid;
};

/* The write of a rollback that is claimed; ends the call. */
NODISCARD int operate_go(struct operate_call *call, const struct operate_way *way,
                         struct err *reterr);

/* Whether a version may come back at all; *ret_over: it is held, the call has ended. */
NODISCARD int operate_judge_hold(struct operate_call *call, const struct revision *target,
                                 bool *ret_over, struct err *reterr);

/* What follows an accepted write that goes back: told, held (automatic), noted; may be repeated. */
NODISCARD int operate_went(struct operate *operate, struct arena *arena, const struct store_op *op,
                           const char *project, const struct caller *caller,
                           const struct operate_word *word, struct err *reterr);

NODISCARD int operate_judge_wish(struct operate *operate, struct arena *arena, int64_t project,
                                 int64_t revision, struct err *reterr);

/* An automatic rollback that was claimed and never written: judged anew, and done. */
NODISCARD int operate_adopt(struct operate *operate, struct arena *arena, const struct store_op *op,
                            struct err *reterr);

/* ---- operate_patch.c -------------------------------------------------------------------- */

/* A fenced JSON Patch of what was read.  *ret_over: refused, the answer says why.  The object as it
 * is stored then stands in *live. */
NODISCARD int operate_patch(struct operate_call *call, cJSON *operations, struct operate_live *live,
                            bool *ret_over, struct err *reterr);
cJSON *operate_patch_new(struct operate_call *call, const struct operate_live *live);

/* Reads the Deployment that a call is about: refused with Deleted if there is none, or with
 * GenerationMoved; *ret_over: that. */
NODISCARD int operate_read_expected(struct operate_call *call, struct operate_live *ret_live,
                                    bool *ret_over, struct err *reterr);

/* A pause as a cancel without a good version. */
NODISCARD int operate_cancel_by_pause(struct operate_call *call, const struct revision *revision,
                                      struct operate_live *live, struct err *reterr);

/* ---- operate_undelete.c ----------------------------------------------------------------- */

/* What of a Deployment is kept beside its template. */
const char *operate_frame_of(struct arena *arena, const cJSON *deployment);

/* ---- operate_finish.c, operate_thread.c ------------------------------------------------- */

/* Looks at all operations that have not ended; *ret_open how many there are still. */
NODISCARD int operate_watch(struct operate *operate, struct kube_client *client,
                            struct arena *arena, size_t *ret_open, struct err *reterr);

/* Versions that failed while nobody listened become wishes. */
NODISCARD int operate_find_wishes(struct operate *operate, struct arena *arena, struct err *reterr);

NODISCARD int operate_take_fingerprint(struct operate *operate, struct kube_client *client,
                                       struct arena *arena, int64_t revision, struct err *reterr);

void operate_push(struct operate *operate, enum operate_task_kind kind, int64_t project,
                  int64_t revision);
NODISCARD int operate_thread_start(struct operate *operate, struct err *reterr);
void operate_thread_stop(struct operate *operate);

#endif
