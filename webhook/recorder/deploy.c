#include "recorder/deploy_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "history/view.h"
#include "net/live.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_TRIES 5

/* ---- its life ----------------------------------------------------------------------------- */

int deploy_new(const struct deploy_options *options, struct deploy **ret_deploy, struct err *reterr)
{
    const struct pool_options pool = {.client = {.field_manager = DEPLOY_MANAGER}};
    struct deploy *deploy = calloc(1, sizeof *deploy);
    if (deploy == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory for deploys");
    deploy->options = *options;
    pthread_mutex_init(&deploy->lock, NULL);
    pthread_cond_init(&deploy->wake, NULL);
    int rc = pool_new(options->kube, &pool, &deploy->pool, reterr);
    if (rc == 0 && pthread_create(&deploy->thread, NULL, deploy_follow_all, deploy) != 0)
        rc = err_set(reterr, ERR_NO_MEMORY, "no thread for deploys");
    deploy->started = rc == 0;
    if (rc < 0)
        deploy_free(deploy);
    else
        *ret_deploy = deploy;
    return rc;
}

void deploy_free(struct deploy *deploy)
{
    if (deploy == NULL)
        return;
    pthread_mutex_lock(&deploy->lock);
    deploy->stop = true;
    pthread_cond_signal(&deploy->wake);
    pthread_mutex_unlock(&deploy->lock);
    if (deploy->started)
        pthread_join(deploy->thread, NULL);
    deploy_follow_done(deploy);
    pool_free(deploy->pool);
    pthread_cond_destroy(&deploy->wake);
    pthread_mutex_destroy(&deploy->lock);
    free(deploy);
}

int deploy_finish(struct deploy *deploy, struct err *reterr)
{
    struct arena arena;
    struct store_op *rows = NULL;
    size_t count = 0;
    arena_init(&arena, 64 * LIMIT_MIB);
    int rc = store_ops_open(deploy->options.store, &arena, &rows, &count, reterr);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (strcmp(rows[i].kind, DEPLOY_OPERATION) == 0)
            rc = deploy_follow(deploy, rows[i].id, reterr);
    arena_done(&arena);
    return rc;
}

/* ---- what comes after the write ----------------------------------------------------------- */

/* The operation with the memo in its answer. */
static int note(struct deploy_run *run, struct store_op *op, enum store_op_state state,
                struct err *reterr)
{
    const enum store_op_state from = op->state;
    op->state = state;
    op->answer = deploy_memo_write(run->arena, &run->memo, op->answer);
    op->updated_at = clock_unix_us();
    return store_op_update(run->deploy->options.store, op, from, reterr);
}

static int tell(struct deploy_run *run, const struct store_op *op, struct err *reterr)
{
    const struct deploy_write *write = &run->writes[DEPLOY_DEPLOYMENT];
    const cJSON *now = json_path(write->stored, "spec", "template", NULL);
    const cJSON *before = json_path(write->live, "spec", "template", NULL);
    const struct operate_word word = {
        .uid = run->memo.uid,
        .template_sha = run->memo.template_sha,
        .template_json = now != NULL ? view_canonical_template(run->arena, now) : NULL,
        .old_template_sha = before != NULL ? view_template_sha(run->arena, before) : NULL,
        .generation = run->memo.generation};
    return operate_tell(run->deploy->options.operate, run->arena, op, run->memo.spec.project,
                        &run->memo.caller, &word, reterr);
}

/* What was answered, or would have been if the process had lived. */
static void accept(struct deploy_run *run, const struct store_op *op)
{
    run->answer.status = 202;
    run->answer.detail = run->changes ? "the Deployment is written and rolls out"
                                      : "the Deployment has all of it already";
    run->answer.operation = op->id;
    run->answer.project = op->project;
    run->answer.revision = op->revision;
}

int deploy_went(struct deploy_run *run, const struct store_op *given, struct err *reterr)
{
    struct store_op op = *given;
    struct err err;
    int rc = run->changes ? tell(run, &op, reterr) : 0;
    accept(run, &op);
    op.http_status = run->answer.status;
    op.answer = operate_write_answer(run->arena, &run->answer);
    if (rc == 0)
        rc = note(run, &op, STORE_OP_PATCHED, reterr);
    if (rc < 0)
        return rc;
    rc = deploy_write_rest(run, &err);
    if (rc == 0)
        return deploy_follow(run->deploy, op.id, reterr);
    op.answer = deploy_memo_write(run->arena, NULL, op.answer);
    return operate_end(run->deploy->options.operate, run->arena, &op, STORE_OP_FAILED, op.result,
                       arena_printf(run->arena,
                                    "the Deployment is written (generation %lld) and rolls out, "
                                    "but not all that belongs to it: %s",
                                    (long long)run->memo.generation, err.text),
                       reterr);
}

/* ---- the call ----------------------------------------------------------------------------- */

struct beginning {
    struct deploy *deploy;
    const struct deploy_spec *spec;
    const struct policy_set *set;
};

static int refuse(struct operate_call *call, const struct operate_answer *answer,
                  struct err *reterr)
{
    call->answer.generation = answer->generation;
    return operate_refuse(call, answer->status, answer->reason, answer->detail, answer->causes,
                          reterr);
}

/* The project, if it is known: a name that nobody ever deployed is not to become one by a refusal.
 */
static int find_project(struct operate_call *call, const struct deploy_run *run, struct err *reterr)
{
    const struct deploy_options *options = &run->deploy->options;
    const int rc = store_project_find(options->store, call->arena, options->namespace_,
                                      run->memo.spec.project, &call->project, reterr);
    return rc == -ERR_NOT_FOUND ? 0 : rc;
}

static int make_project(struct operate_call *call, const struct deploy_run *run, struct err *reterr)
{
    const struct deploy_options *options = &run->deploy->options;
    int64_t id;
    const int rc =
        store_project(options->store, options->namespace_, run->memo.spec.project, &id, reterr);
    return rc < 0 ? rc : store_project_get(options->store, call->arena, id, &call->project, reterr);
}

static int claim(struct operate_call *call, struct deploy_run *run, bool *ret_over,
                 struct err *reterr)
{
    struct revision newest = {.id = 0};
    int rc =
        operate_newest(call->operate, call->arena, call->project.id, NULL, NULL, &newest, reterr);
    if (rc == 0)
        rc = operate_claim(call, DEPLOY_OPERATION, newest.id, 0, ret_over, reterr);
    if (rc == 0 && !*ret_over && call->op.id != 0) {
        run->memo.history_id = operate_history_id(call->arena, &call->op);
        run->memo.on_behalf_of = operate_on_behalf_of(call);
    }
    return rc;
}

/* Prepared, claimed if that was not possible before, and the Deployment written.  Whoever changes
 * it at the same moment makes us look again, unless the caller named a generation. */
static int write_first(struct operate_call *call, struct deploy_run *run, bool *ret_over,
                       struct err *reterr)
{
    bool moved = true;
    for (int i = 0; i < WRITE_TRIES && moved; i++) {
        int rc = deploy_prepare(run, reterr);
        if (rc == 0 && run->answer.status == 0 && call->project.id == 0 &&
            !call->request->dry_run) {
            rc = make_project(call, run, reterr);
            if (rc == 0)
                rc = claim(call, run, ret_over, reterr);
        }
        if (rc < 0 || *ret_over || run->answer.status != 0 || call->request->dry_run)
            return rc;
        deploy_mark_first(run);
        rc = note(run, &call->op, STORE_OP_CLAIMED, reterr);
        if (rc == 0)
            rc = deploy_write_first(run, &moved, reterr);
        /* Without an answer it may be written all the same: it is found out. */
        call->written = rc == -ERR_UNREACHABLE;
        if (rc < 0)
            return rc;
    }
    if (moved)
        run->answer = (struct operate_answer){
            .status = 409,
            .reason = "GenerationMoved",
            .detail = "the Deployment is changed by somebody else all the time: repeat it later"};
    return 0;
}

/* What it came to is found out by the thread. */
static void follow_anyway(struct deploy *deploy, int64_t operation)
{
    struct err err;
    if (deploy_follow(deploy, operation, &err) < 0)
        log_event(LOG_ERROR, "a deploy is not followed", "error", err.text, NULL);
}

/* Whatever stood in the way: nothing is written, and nobody will look for it. */
static void note_undone(struct deploy *deploy, struct operate_call *call, int rc,
                        const struct err *why)
{
    struct store_op op = call->op;
    struct err err;
    const struct operate_answer answer = {.reason = "NotDone", .detail = why->text};
    op.http_status = err_http_status(rc);
    op.answer = operate_write_answer(call->arena, &answer);
    if (operate_end(call->operate, call->arena, &op, STORE_OP_FAILED, 0, NULL, &err) < 0)
        follow_anyway(deploy, op.id);
}

static int begin(struct operate_call *call, void *context, struct err *reterr)
{
    const struct beginning *beginning = context;
    struct deploy_run run = {.deploy = beginning->deploy,
                             .arena = call->arena,
                             .client = call->client,
                             .set = beginning->set,
                             .memo = {.spec = *beginning->spec,
                                      .caller = *call->request->caller,
                                      .resume = call->request->resume},
                             .expect_generation = call->request->expect_generation};
    const cJSON *causes = deploy_judge_project(call->arena, run.memo.spec.project);
    bool over = false;
    if (causes != NULL)
        return operate_refuse(call, 422, "Invalid", json_get_string(causes->child, "message"),
                              causes, reterr);
    int rc = find_project(call, &run, reterr);
    if (rc == 0 && call->project.id != 0)
        rc = claim(call, &run, &over, reterr);
    if (rc == 0 && !over)
        rc = write_first(call, &run, &over, reterr);
    if (rc < 0 && call->written)
        follow_anyway(run.deploy, call->op.id);
    else if (rc < 0 && call->op.id != 0)
        note_undone(run.deploy, call, rc, reterr);
    if (rc < 0 || over)
        return rc;
    if (run.answer.status != 0)
        return refuse(call, &run.answer, reterr);
    if (call->request->dry_run) {
        call->answer.warning = run.answer.warning;
        call->answer.generation = run.answer.generation;
        return operate_accept(call, STORE_OP_DONE, "nothing speaks against it; nothing is written",
                              reterr);
    }
    call->written = true;
    rc = deploy_went(&run, &call->op, reterr);
    if (rc < 0)
        follow_anyway(run.deploy, call->op.id);
    else
        call->answer = run.answer;
    return rc;
}

int deploy_begin(struct deploy *deploy, struct arena *arena, const struct operate_request *request,
                 const struct deploy_spec *spec, struct operate_answer *ret_answer,
                 struct err *reterr)
{
    struct live *live = live_ref();
    if (live == NULL)
        return err_set(reterr, ERR_POLICY, "no policies are loaded, so nothing can be deployed");
    struct beginning beginning = {.deploy = deploy, .spec = spec, .set = live->set};
    const int rc =
        operate_run(deploy->options.operate, arena, request, begin, &beginning, ret_answer, reterr);
    live_unref(live);
    return rc;
}
