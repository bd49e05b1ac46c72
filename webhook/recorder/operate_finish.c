/* Operations whose end is not known yet: written or not, and then how their version ended.
 *
 *     claimed --the object carries its history-id--> told, held, patched
 *             --it does not, for too long----------> failed: it was never written
 *     patched --its version ended------------------> done or failed
 */
#include "recorder/operate_internal.h"

#include "base/clock.h"
#include "history/view.h"

#include <string.h>

/* A call that is under way elsewhere (another replica) has given up by then. */
#define UNWRITTEN_US (INT64_C(120) * 1000000)
/* The leader alone does what nobody asked for, and another one's write would be fenced off. */
#define ADOPTED_US (INT64_C(5) * 1000000)
/* What was written shows as a version at once, if anybody watches at all. */
#define UNSEEN_US (INT64_C(30) * 60 * 1000000)

#define ROWS_AT_ONCE 50U

struct finishing {
    struct operate *operate;
    struct kube_client *client;
    struct arena *arena;
    const struct store_op *op;
    struct store_project_row project;
    struct operate_live live;
};

static bool is_kind(const struct store_op *op, const char *kind)
{
    return op->kind != NULL && strcmp(op->kind, kind) == 0;
}

static int end(const struct finishing *finishing, enum store_op_state state, int64_t result,
               const char *why, struct err *reterr)
{
    struct err err;
    const int rc =
        operate_end(finishing->operate, finishing->arena, finishing->op, state, result, why, &err);
    if (rc == 0 || rc == -ERR_CONFLICT) /* whoever works on it has ended it meanwhile */
        return 0;
    *reterr = err;
    return rc;
}

/* ---- Claimed: was it written? ----------------------------------------------------------- */

/* What the write must have stored; NULL: anything. */
static int expected_sha(const struct finishing *finishing, const char **ret_sha, struct err *reterr)
{
    struct revision target;
    *ret_sha = NULL;
    if (finishing->op->target == 0 || is_kind(finishing->op, "undelete"))
        return 0;
    const int rc = store_revision(finishing->operate->options.store, finishing->arena,
                                  finishing->op->target, &target, reterr);
    if (rc == 0)
        *ret_sha = target.template_sha;
    return rc;
}

/* The same that the call would have done after its write. */
static int take_up(const struct finishing *finishing, struct err *reterr)
{
    const struct store_op *op = finishing->op;
    const struct operate_live *live = &finishing->live;
    struct arena *arena = finishing->arena;
    const bool back = is_kind(op, "rollback") || is_kind(op, "cancel");
    const bool pauses = is_kind(op, "pause") || is_kind(op, "resume");
    const bool only_paused = is_kind(op, "cancel") && op->target == 0;
    const struct operate_word word = {
        .uid = live->uid,
        .template_sha = only_paused ? NULL : live->template_sha,
        .template_json =
            only_paused
                ? NULL
                : view_canonical_template(arena, json_path(live->object, "spec", "template", NULL)),
        .generation = live->generation,
        .rollback_of = back ? op->revision : 0,
        .source = op->target,
        .cancel = is_kind(op, "cancel"),
    };
    int rc = pauses ? 0
                    : operate_went(finishing->operate, arena, op, finishing->project.name, NULL,
                                   &word, reterr);
    if (rc < 0)
        return rc;
    struct store_op next = *op;
    const struct operate_answer answer = {
        .revision = op->revision, .target = op->target, .generation = live->generation};
    next.http_status = 202;
    next.answer = operate_write_answer(arena, &answer);
    next.state = pauses || only_paused ? STORE_OP_DONE : STORE_OP_PATCHED;
    next.updated_at = clock_unix_us();
    struct err err;
    rc = store_op_update(finishing->operate->options.store, &next, op->state, &err);
    if (rc == 0 || rc == -ERR_CONFLICT)
        return 0;
    *reterr = err;
    return rc;
}

/* A rollback that began without knowing where from: what was there before it is. */
static int find_from(struct finishing *finishing, struct store_op *op, struct err *reterr)
{
    struct store_query query = {
        .project = op->project, .status = -1, .good = -1, .brief = true, .limit = ROWS_AT_ONCE};
    struct revision *rows;
    size_t count;
    if (op->revision != 0 || !is_kind(op, "rollback"))
        return 0;
    const int rc = store_revisions(finishing->operate->options.store, finishing->arena, &query,
                                   &rows, &count, reterr);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (rows[i].started_at < op->created_at && rows[i].generation != 0 &&
            operate_same(rows[i].uid, finishing->live.uid) &&
            !operate_same(rows[i].template_sha, finishing->live.template_sha)) {
            op->revision = rows[i].id;
            break;
        }
    }
    return rc;
}

/* What the recorder wanted by itself it still wants; a person is told to ask again. */
static int finish_unwritten(const struct finishing *finishing, int64_t age_us, struct err *reterr)
{
    const struct store_op *op = finishing->op;
    if (op->automatic && is_kind(op, "rollback"))
        return age_us > ADOPTED_US ? operate_adopt(finishing->operate, finishing->arena, op, reterr)
                                   : 0;
    return age_us > UNWRITTEN_US
               ? end(finishing, STORE_OP_FAILED, 0,
                     "the recorder stopped, or lost the API server, before it was written", reterr)
               : 0;
}

static int finish_claimed(struct finishing *finishing, struct err *reterr)
{
    struct store_op *op = arena_alloc(finishing->arena, sizeof *op);
    *op = *finishing->op;
    finishing->op = op;
    const int64_t age_us = clock_unix_us() - op->created_at;
    const char *wanted = NULL;
    int rc = store_project_get(finishing->operate->options.store, finishing->arena, op->project,
                               &finishing->project, reterr);
    if (rc == 0)
        rc = operate_read(finishing->client, finishing->arena,
                          finishing->operate->options.namespace_, finishing->project.name,
                          &finishing->live, reterr);
    if (rc == 0)
        rc = expected_sha(finishing, &wanted, reterr);
    if (rc < 0)
        return rc;
    if (!operate_same(finishing->live.history_id, operate_history_id(finishing->arena, op)))
        return finish_unwritten(finishing, age_us, reterr);
    if (wanted != NULL && !operate_same(wanted, finishing->live.template_sha))
        return end(finishing, STORE_OP_FAILED, 0,
                   "it was written, and another version was stored before the recorder saw it",
                   reterr);
    rc = find_from(finishing, op, reterr);
    return rc < 0 ? rc : take_up(finishing, reterr);
}

/* ---- Patched: how did its version end? -------------------------------------------------- */

/* The version that it made: of those since, the newest that goes back from the same, or that this
 * account's word made. */
static int find_result(const struct finishing *finishing, struct revision *ret_result,
                       struct err *reterr)
{
    const struct store_op *op = finishing->op;
    const struct store_query query = {
        .project = op->project, .status = -1, .good = -1, .brief = true, .limit = ROWS_AT_ONCE};
    const bool back = is_kind(op, "rollback") || is_kind(op, "cancel");
    struct revision *rows;
    size_t count;
    *ret_result = (struct revision){.id = 0};
    const int rc = store_revisions(finishing->operate->options.store, finishing->arena, &query,
                                   &rows, &count, reterr);
    for (size_t i = 0; rc == 0 && i < count && rows[i].started_at >= op->created_at; i++) {
        if (rows[i].origin == REVISION_RECORDER &&
            (back && op->revision != 0 ? rows[i].rollback_of == op->revision
                                       : operate_same(rows[i].actor_user, op->actor)))
            *ret_result = rows[i]; /* the oldest since: a later one is another operation's */
    }
    return rc;
}

static int finish_patched(struct finishing *finishing, struct err *reterr)
{
    const struct store_op *op = finishing->op;
    struct revision result;
    struct err err;
    int rc = find_result(finishing, &result, reterr);
    if (rc < 0)
        return rc;
    if (result.id == 0)
        return clock_unix_us() - op->created_at > UNSEEN_US
                   ? end(finishing, STORE_OP_FAILED, 0,
                         "it was written, and no version of it was ever seen", reterr)
                   : 0;
    if (revision_ended(result.status) || result.status == REVISION_ROLLING_BACK) {
        const bool done = result.status == REVISION_COMPLETED;
        const char *why =
            arena_printf(finishing->arena, "version %lld ended as %s%s%s", (long long)result.seq,
                         revision_status_name(result.status), result.message != NULL ? ": " : "",
                         result.message != NULL ? result.message : "");
        return end(finishing, done ? STORE_OP_DONE : STORE_OP_FAILED, result.id, done ? NULL : why,
                   reterr);
    }
    if (op->result == result.id)
        return 0;
    rc = operate_end(finishing->operate, finishing->arena, op, STORE_OP_PATCHED, result.id, NULL,
                     &err);
    if (rc == 0 || rc == -ERR_CONFLICT)
        return 0;
    *reterr = err;
    return rc;
}

/* ---- All of them ------------------------------------------------------------------------ */

/* Deploys are finished by those who do them. */
static bool is_ours(const struct store_op *op)
{
    static const char *const kinds[] = {"rollback", "cancel",   "restart", "pause",
                                        "resume",   "undelete", "mark",    "lift"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (is_kind(op, kinds[i]))
            return true;
    return false;
}

int operate_watch(struct operate *operate, struct kube_client *client, struct arena *arena,
                  size_t *ret_open, struct err *reterr)
{
    struct store_op *ops;
    size_t count, open = 0;
    int rc = store_ops_open(operate->options.store, arena, &ops, &count, reterr);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct finishing finishing = {
            .operate = operate, .client = client, .arena = arena, .op = &ops[i]};
        if (!is_ours(&ops[i]) || operate_is_under_way(operate, ops[i].id))
            continue;
        open++;
        rc = ops[i].state == STORE_OP_CLAIMED ? finish_claimed(&finishing, reterr)
                                              : finish_patched(&finishing, reterr);
    }
    if (rc == 0)
        *ret_open = open;
    return rc;
}
