#include "recorder/deploy_internal.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "net/live.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES (128 * LIMIT_MIB)
#define LOOK_NS     (250L * 1000 * 1000)
#define SECOND_US   INT64_C(1000000)
/* Another replica may be at work on what is only claimed. */
#define CLAIMED_US (30 * SECOND_US)
/* A deploy that the recorder was killed in is begun again, unless that would surprise by now. */
#define BEGIN_AGAIN_US (15 * 60 * SECOND_US)

/* ---- what was claimed and not finished ---------------------------------------------------- */

/* Written before the recorder was killed: the object carries the mark. */
static int take_written(struct deploy_run *run, struct deploy_step *step)
{
    struct deploy_write *write = &run->writes[DEPLOY_DEPLOYMENT];
    run->expect_generation = 0;
    const int rc = deploy_prepare(run, &step->err);
    if (rc < 0 || run->answer.status != 0)
        return rc;
    write->stored = write->live;
    deploy_take_stored(run, step->memo.template_sha);
    run->changes = true;
    return deploy_went(run, &step->op, &step->err);
}

static bool is_as_it_was(const struct deploy_step *step, const cJSON *live)
{
    const cJSON *metadata = json_get(live, "metadata");
    const char *uid = json_get_string(metadata, "uid");
    int64_t generation = 0;
    (void)json_int64(json_get(metadata, "generation"), &generation);
    if (uid == NULL || step->memo.uid == NULL)
        return uid == NULL && step->memo.uid == NULL;
    return strcmp(uid, step->memo.uid) == 0 && generation == step->memo.generation;
}

static int write_now(struct deploy_run *run, struct deploy_step *step, bool *ret_moved)
{
    int rc = deploy_prepare(run, &step->err);
    if (rc < 0 || run->answer.status != 0)
        return rc;
    deploy_mark_first(run);
    rc = deploy_write_first(run, ret_moved, &step->err);
    if (rc < 0 || *ret_moved || run->answer.status != 0)
        return rc;
    return deploy_went(run, &step->op, &step->err);
}

static void begin_again(struct deploy_step *step, struct deploy_run *run)
{
    const char *namespace_ = step->deploy->options.namespace_;
    const char *project = step->memo.spec.project;
    bool moved = false;
    cJSON *live;
    step->rc = deploy_fetch(step->client, step->arena, DEPLOY_DEPLOYMENT, namespace_, project,
                            &live, &step->err);
    if (step->rc < 0)
        return;
    if (step->memo.history_id != NULL && deploy_is_marked(live, step->memo.history_id))
        step->rc = take_written(run, step);
    else if (is_as_it_was(step, live))
        step->rc = write_now(run, step, &moved);
    else
        moved = true;
    if (moved)
        deploy_step_end(step, false,
                        "the Deployment was changed while the recorder was stopped: look at it "
                        "again, then repeat");
    else if (step->rc == 0 && run->answer.reason != NULL)
        deploy_step_end(step, false, run->answer.detail);
    else if (step->rc == -ERR_FORBIDDEN || step->rc == -ERR_UNAUTHORIZED)
        deploy_step_end(step, false, arena_strdup(step->arena, step->err.text));
}

static void finish_claimed(struct deploy_step *step)
{
    const int64_t age = clock_unix_us() - step->op.created_at;
    struct live *live;
    if ((age >= 0 && age < CLAIMED_US) ||
        operate_is_under_way(step->deploy->options.operate, step->op.id))
        return;
    if (age > BEGIN_AGAIN_US) {
        deploy_step_end(step, false, "the recorder was stopped before it was written: repeat it");
        return;
    }
    live = live_ref();
    if (live == NULL)
        return;
    struct deploy_run run = {.deploy = step->deploy,
                             .arena = step->arena,
                             .client = step->client,
                             .set = live->set,
                             .memo = step->memo,
                             .expect_generation = step->op.expect_generation};
    begin_again(step, &run);
    live_unref(live);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void look(void *context)
{
    struct deploy_step *step = context;
    int rc = store_op_get(step->deploy->options.store, step->arena, step->follower->operation,
                          &step->op, &step->err);
    if (rc == -ERR_NOT_FOUND ||
        (rc == 0 && step->op.state != STORE_OP_CLAIMED && step->op.state != STORE_OP_PATCHED)) {
        step->follower->over = true;
        return;
    }
    if (rc < 0)
        return;
    rc = deploy_memo_read(step->arena, step->op.answer, &step->memo, &step->err);
    if (rc < 0)
        deploy_step_end(step, false, "the recorder was stopped before it was begun: repeat it");
    else if (step->op.state == STORE_OP_CLAIMED)
        finish_claimed(step);
    else
        deploy_judge_outcome(step);
}

static void look_once(struct deploy *deploy, struct deploy_follower *follower)
{
    struct arena arena;
    struct deploy_step step = {
        .deploy = deploy, .follower = follower, .arena = &arena, .now = clock_monotonic_us()};
    if (pool_take(deploy->pool, &step.client, &step.err) < 0)
        return;
    arena_init(&arena, ARENA_BYTES);
    if (!arena_try(&arena, look, &step))
        log_event(LOG_WARN, "a look at a deploy needs too much memory", NULL);
    arena_done(&arena);
    pool_give(deploy->pool, step.client, step.rc);
}

static void forget(struct deploy_follower *follower)
{
    free(follower->sick);
    free(follower);
}

/* Under the lock: the followers that are over go. */
static void drop_over(struct deploy *deploy)
{
    for (struct deploy_follower **at = &deploy->followers; *at != NULL;) {
        struct deploy_follower *follower = *at;
        if (!follower->over) {
            at = &follower->next;
            continue;
        }
        *at = follower->next;
        forget(follower);
    }
}

/* Waits under the lock; false: it is time to stop. */
static bool wait_for_work(struct deploy *deploy)
{
    struct timespec until;
    if (!deploy->stop && deploy->followers == NULL) {
        pthread_cond_wait(&deploy->wake, &deploy->lock);
    } else if (!deploy->stop) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&deploy->wake, &deploy->lock, &until);
    }
    return !deploy->stop;
}

/* New ones are put in front, so what is looked at stays where it is. */
void *deploy_follow_all(void *context)
{
    struct deploy *deploy = context;
    pthread_mutex_lock(&deploy->lock);
    while (wait_for_work(deploy)) {
        struct deploy_follower *follower = deploy->followers;
        for (; follower != NULL && !deploy->stop; follower = follower->next) {
            pthread_mutex_unlock(&deploy->lock);
            look_once(deploy, follower);
            pthread_mutex_lock(&deploy->lock);
        }
        drop_over(deploy);
    }
    pthread_mutex_unlock(&deploy->lock);
    return NULL;
}

int deploy_follow(struct deploy *deploy, int64_t operation, struct err *reterr)
{
    struct deploy_follower *follower = calloc(1, sizeof *follower);
    if (follower == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "no memory to follow a deploy");
    follower->operation = operation;
    follower->seen_at = clock_monotonic_us();
    pthread_mutex_lock(&deploy->lock);
    for (const struct deploy_follower *one = deploy->followers; one != NULL; one = one->next)
        follower->over = follower->over || one->operation == operation;
    if (follower->over) {
        free(follower);
    } else {
        follower->next = deploy->followers;
        deploy->followers = follower;
        pthread_cond_signal(&deploy->wake);
    }
    pthread_mutex_unlock(&deploy->lock);
    return 0;
}

void deploy_follow_done(struct deploy *deploy)
{
    while (deploy->followers != NULL) {
        struct deploy_follower *follower = deploy->followers;
        deploy->followers = follower->next;
        forget(follower);
    }
}
