#include "recorder/deploy_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/say.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)
/* So long the history may need to show what the API server has taken. */
#define SHOWN_US (180 * SECOND_US)
/* So long the word of a write of our own may come after what the watch shows of it. */
#define UNSAID_US (30 * SECOND_US)
#define SETTLE_US (2 * SECOND_US)
/* The policies' progressDeadlineSeconds. */
#define STARTS_US    (600 * SECOND_US)
#define WORDS        200U
#define NEWEST_ROWS  20U
#define MESSAGE_SIZE 2048U

/* ---- ends --------------------------------------------------------------------------------- */

void deploy_step_end(struct deploy_step *step, bool done, const char *message)
{
    step->op.answer = deploy_memo_write(step->arena, NULL, step->op.answer);
    const int rc =
        operate_end(step->deploy->options.operate, step->arena, &step->op,
                    done ? STORE_OP_DONE : STORE_OP_FAILED, step->revision.id, message, &step->err);
    /* Somebody else ended it: as good. */
    step->follower->over = rc == 0 || rc == -ERR_CONFLICT;
    if (!step->follower->over)
        log_event(LOG_WARN, "a deploy's end is not noted yet", "error", step->err.text, NULL);
}

static void end_sick(struct deploy_step *step, const char *what)
{
    deploy_step_end(step, false, arena_printf(step->arena, "%s; %s", step->follower->sick, what));
}

/* ---- evidence ----------------------------------------------------------------------------- */

static void add_words(struct buf *text, const char *front, const char *words)
{
    if (words == NULL || words[0] == '\0')
        return;
    buf_add_string(text, front);
    buf_add_visible(text, words, WORDS);
}

static void add_instance(struct buf *text, const struct store_instance *instance)
{
    buf_add_string(text, "; container ");
    buf_add_visible(text, instance->container, 63);
    add_words(text, " of pod ", instance->pod);
    add_words(text, ": ", instance->reason != NULL ? instance->reason : instance->last_reason);
    add_words(text, ", ", instance->message != NULL ? instance->message : instance->last_message);
    if (instance->restarts > 0)
        buf_printf(text, ", %lld restarts", (long long)instance->restarts);
    if (instance->exit_code != 0)
        buf_printf(text, ", exit code %lld", (long long)instance->exit_code);
}

/* Why this version is no good, in one line: the first container that says something. */
static const char *evidence(struct deploy_step *step, const char *front)
{
    struct store_instance *rows = NULL;
    size_t count = 0, at = 0;
    struct buf text;
    buf_init(&text, step->arena, MESSAGE_SIZE * 4);
    buf_printf(&text, "version %lld ", (long long)step->revision.seq);
    buf_add_string(&text, front);
    if (store_instances(step->deploy->options.store, step->arena, step->revision.id, &rows, &count,
                        &step->err) < 0)
        count = 0;
    while (at < count && rows[at].reason == NULL && rows[at].last_reason == NULL)
        at++;
    if (at < count)
        add_instance(&text, &rows[at]);
    return say_visible(step->arena, text.data, MESSAGE_SIZE);
}

/* ---- somebody else ------------------------------------------------------------------------- */

/* The first version of somebody else's that is stored by now. */
static bool is_superseded(struct deploy_step *step, struct revision *ret_newer)
{
    const struct store_query query = {
        .project = step->op.project, .status = -1, .good = -1, .limit = NEWEST_ROWS};
    struct revision *rows = NULL;
    size_t count = 0;
    bool found = false;
    if (store_revisions(step->deploy->options.store, step->arena, &query, &rows, &count,
                        &step->err) < 0)
        return false;
    for (size_t i = 0; i < count && rows[i].seq > step->revision.seq; i++) {
        if (rows[i].generation == 0 || rows[i].status == REVISION_NOT_PERSISTED ||
            rows[i].status == REVISION_PENDING)
            continue;
        *ret_newer = rows[i];
        found = true;
    }
    return found;
}

/* What the watch shows of a write of our own (a cancel, a way back) is a plain newer version until
 * operate's word of it has come. */
static bool is_settled(struct deploy_step *step, const struct revision *newer)
{
    struct deploy_follower *follower = step->follower;
    const char *self = operate_self(step->deploy->options.operate);
    const bool unsaid = newer->actor_user != NULL && strcmp(newer->actor_user, self) == 0 &&
                        newer->origin != REVISION_RECORDER;
    if (follower->overtaken_at == 0)
        follower->overtaken_at = step->now;
    return step->now - follower->overtaken_at >= (unsaid ? UNSAID_US : SETTLE_US);
}

static const char *say_by(struct deploy_step *step, const struct revision *row)
{
    return row->actor_user != NULL ? arena_printf(step->arena, " by %s",
                                                  say_visible(step->arena, row->actor_user, WORDS))
                                   : "";
}

static const char *say_newer(struct deploy_step *step, const struct revision *newer)
{
    return arena_printf(step->arena, "%s version %lld%s",
                        newer->rollback_of == step->revision.id ? "rolled back by"
                                                                : "superseded by",
                        (long long)newer->seq, say_by(step, newer));
}

/* ---- the way back ------------------------------------------------------------------------- */

/* A version that failed by itself has its event already. */
static void tell_unhealthy(struct deploy_step *step, const char *why)
{
    const struct store_event event = {.project = step->op.project,
                                      .revision = step->revision.id,
                                      .at = clock_unix_us(),
                                      .type = "deployment_failed",
                                      .message = why,
                                      .key = "unhealthy"};
    int64_t id;
    if (step->revision.status == REVISION_COMPLETED &&
        store_event(step->deploy->options.store, &event, &id, &step->err) < 0)
        log_event(LOG_WARN, "an event is not written", "error", step->err.text, NULL);
}

static void note_sick(struct deploy_step *step, const char *why)
{
    if (step->follower->sick == NULL)
        tell_unhealthy(step, why);
    if (step->follower->sick == NULL)
        step->follower->sick = strdup(why);
    if (step->follower->sick == NULL)
        deploy_step_end(step, false, why);
}

/* Whether the version is still the one that is stored, and at which generation: whoever scaled or
 * annotated it meanwhile has not taken it away. */
static bool is_still_there(struct deploy_step *step, int64_t *ret_generation)
{
    const struct deploy_options *options = &step->deploy->options;
    struct operate_live live;
    struct revision newer;
    step->rc = operate_read(step->client, step->arena, options->namespace_, step->memo.spec.project,
                            &live, &step->err);
    if (step->rc < 0)
        return false; /* again at the next look */
    if (live.object == NULL || live.deleting) {
        end_sick(step, "the Deployment is gone by now");
        return false;
    }
    *ret_generation = live.generation;
    if (strcmp(live.uid, step->memo.uid) == 0 &&
        strcmp(live.template_sha, step->memo.template_sha) == 0)
        return true;
    /* Else the history shows it soon. */
    if (is_superseded(step, &newer) && is_settled(step, &newer))
        end_sick(step, say_newer(step, &newer));
    return false;
}

/* The key is the operation's own, so that a restart finds what was begun. */
static void go_back(struct deploy_step *step, const struct revision *good)
{
    struct operate *operate = step->deploy->options.operate;
    struct operate_request request = {
        .caller = &step->memo.caller,
        .body_digest = arena_printf(step->arena, "back to %lld", (long long)good->id),
        .reason = step->follower->sick};
    struct operate_answer answer = {.status = 0};
    if (!is_still_there(step, &request.expect_generation))
        return;
    request.key = arena_printf(step->arena, "deploy-%lld-%lld", (long long)step->op.id,
                               (long long)request.expect_generation);
    const int rc = operate_rollback(operate, step->arena, &request, good->id, &answer, &step->err);
    if (rc == -ERR_UNREACHABLE || rc == -ERR_BUSY || rc == -ERR_SERVER || rc == -ERR_STORE)
        return; /* again at the next look */
    if (rc < 0)
        end_sick(step, arena_printf(step->arena, "going back to version %lld failed: %s",
                                    (long long)good->seq, step->err.text));
    else if (answer.reason != NULL && strcmp(answer.reason, "GenerationMoved") == 0)
        return; /* in this very moment: the next look tells by whom */
    else if (answer.reason != NULL || answer.operation == 0)
        end_sick(step, arena_printf(step->arena, "not rolled back to version %lld: %s",
                                    (long long)good->seq,
                                    answer.detail != NULL ? answer.detail : answer.reason));
    else
        step->follower->rollback = answer.operation;
}

static void fail(struct deploy_step *step, const char *why)
{
    struct revision good = {.id = 0};
    note_sick(step, why);
    if (step->follower->over)
        return;
    if (!step->memo.new_template) {
        end_sick(step, "it is the version that was there before, so nothing was rolled back");
        return;
    }
    if (!step->memo.spec.rollback_on_failure) {
        end_sick(step, "it was not to be rolled back");
        return;
    }
    if (operate_good(step->deploy->options.operate, step->arena, &step->revision, &good,
                     &step->err) < 0)
        return;
    if (good.id == 0)
        end_sick(step, "there is no earlier version that is known to be good, so nothing was "
                       "rolled back");
    else
        go_back(step, &good);
}

static void watch_rollback(struct deploy_step *step)
{
    struct store_op back;
    struct revision result = {.id = 0};
    const char *message;
    if (store_op_get(step->deploy->options.store, step->arena, step->follower->rollback, &back,
                     &step->err) < 0)
        return;
    if (back.state == STORE_OP_CLAIMED || back.state == STORE_OP_PATCHED)
        return;
    message = operate_message(step->arena, &back);
    if (back.state == STORE_OP_FAILED) {
        end_sick(step, arena_printf(step->arena, "going back (operation %lld) failed: %s",
                                    (long long)back.id, message != NULL ? message : "unknown"));
        return;
    }
    if (store_revision(step->deploy->options.store, step->arena, back.target, &result, &step->err) <
        0)
        return;
    end_sick(step, arena_printf(step->arena, "rolled back to version %lld (operation %lld)",
                                (long long)result.seq, (long long)back.id));
}

/* ---- health ------------------------------------------------------------------------------- */

static int64_t restarts_of(struct deploy_step *step)
{
    struct store_instance *rows = NULL;
    size_t count = 0;
    int64_t restarts = 0;
    if (store_instances(step->deploy->options.store, step->arena, step->revision.id, &rows, &count,
                        &step->err) < 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        restarts += rows[i].restarts;
    return restarts;
}

static int64_t status_of(const cJSON *object, const char *key)
{
    int64_t number = 0;
    (void)json_int64(json_path(object, "status", key, NULL), &number);
    return number;
}

/* Whether the Deployment serves what its spec wants; *ret_known false: the API server is silent. */
static bool is_available(struct deploy_step *step, bool *ret_known)
{
    const struct deploy_options *options = &step->deploy->options;
    cJSON *object;
    int64_t replicas = 0;
    step->rc = deploy_fetch(step->client, step->arena, DEPLOY_DEPLOYMENT, options->namespace_,
                            step->memo.spec.project, &object, &step->err);
    *ret_known = step->rc == 0;
    if (step->rc < 0 || object == NULL)
        return false;
    (void)json_int64(json_path(object, "spec", "replicas", NULL), &replicas);
    return replicas == 0 || (status_of(object, "updatedReplicas") >= replicas &&
                             status_of(object, "availableReplicas") >= replicas);
}

static void plan_look(struct deploy_step *step, int64_t seconds)
{
    step->follower->healthy_at = step->now + seconds * SECOND_US;
}

static void end_healthy(struct deploy_step *step)
{
    const struct deploy_spec *spec = &step->memo.spec;
    deploy_step_end(
        step, true,
        spec->health_retries == 0
            ? arena_printf(step->arena, "version %lld is completed", (long long)step->revision.seq)
            : arena_printf(step->arena, "version %lld is completed and healthy after %lld looks",
                           (long long)step->revision.seq, (long long)spec->health_retries));
}

/* A version that had completed before and was started again is not completed once more. */
static bool still_starts(const struct deploy_step *step)
{
    return !step->memo.new_template && step->follower->looks == 0 &&
           step->now - step->follower->seen_at < STARTS_US;
}

static void look_at_health(struct deploy_step *step)
{
    struct deploy_follower *follower = step->follower;
    const struct deploy_spec *spec = &step->memo.spec;
    const int64_t restarts = restarts_of(step);
    bool known;
    if (follower->healthy_at == 0) {
        follower->restarts = restarts;
        plan_look(step, spec->health_delay_seconds);
    }
    if (restarts > follower->restarts) {
        fail(step, evidence(step, "was rolled out and is not healthy: it restarted"));
        return;
    }
    if (spec->health_retries == 0) {
        end_healthy(step);
        return;
    }
    if (step->now < follower->healthy_at)
        return;
    const bool available = is_available(step, &known);
    if (!known || (!available && still_starts(step)))
        return;
    if (++follower->looks < spec->health_retries)
        plan_look(step, spec->health_interval_seconds);
    else if (available)
        end_healthy(step);
    else
        fail(step, evidence(step, "was rolled out and is not healthy: it is not available"));
}

/* ---- the version -------------------------------------------------------------------------- */

static bool is_of_write(const struct deploy_step *step, const struct revision *row)
{
    return row->uid != NULL && step->memo.uid != NULL && strcmp(row->uid, step->memo.uid) == 0 &&
           row->template_sha != NULL && strcmp(row->template_sha, step->memo.template_sha) == 0 &&
           (!step->memo.new_template || row->generation == step->memo.generation);
}

/* The version that this deploy led to: noted, or found by what was written. */
static bool find_revision(struct deploy_step *step)
{
    struct store *store = step->deploy->options.store;
    const struct store_query query = {
        .project = step->op.project, .status = -1, .good = -1, .limit = NEWEST_ROWS};
    struct revision *rows = NULL;
    size_t count = 0;
    if (step->op.result != 0)
        return store_revision(store, step->arena, step->op.result, &step->revision, &step->err) ==
               0;
    if (store_revisions(store, step->arena, &query, &rows, &count, &step->err) < 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_of_write(step, &rows[i]))
            continue;
        step->revision = rows[i];
        step->op.result = rows[i].id;
        step->op.updated_at = clock_unix_us();
        return store_op_update(store, &step->op, STORE_OP_PATCHED, &step->err) == 0;
    }
    if (step->now - step->follower->seen_at > SHOWN_US)
        deploy_step_end(
            step, false,
            "the API server took it, but the history does not show its version: look at the "
            "project");
    return false;
}

static void end_superseded(struct deploy_step *step)
{
    struct revision newer = {.id = 0};
    const bool known = is_superseded(step, &newer);
    if (!is_settled(step, &newer))
        return;
    if (!known)
        deploy_step_end(step, false, "superseded: a newer version was stored meanwhile");
    else if (newer.rollback_of == step->revision.id)
        deploy_step_end(step, false,
                        arena_printf(step->arena, "%s; %s", evidence(step, "was given up"),
                                     say_newer(step, &newer)));
    else
        deploy_step_end(step, false, say_newer(step, &newer));
}

static void end_as(struct deploy_step *step, const char *front)
{
    struct buf text;
    buf_init(&text, step->arena, MESSAGE_SIZE * 4);
    buf_printf(&text, "version %lld ", (long long)step->revision.seq);
    buf_add_string(&text, front);
    add_words(&text, ": ", step->revision.message);
    deploy_step_end(step, false, text.data);
}

static void judge_failed(struct deploy_step *step)
{
    struct buf text;
    buf_init(&text, step->arena, MESSAGE_SIZE * 4);
    buf_add_string(&text, "failed");
    add_words(&text, ": ", step->revision.reason);
    add_words(&text, ", ", step->revision.message);
    fail(step, evidence(step, text.data));
}

/* A stopped project has nothing that could complete. */
static bool is_stopped(const struct deploy_step *step)
{
    const enum revision_status status = step->revision.status;
    return (status == REVISION_IN_PROGRESS && step->revision.replicas == 0) ||
           ((status == REVISION_IN_PROGRESS || status == REVISION_COMPLETED) &&
            step->memo.spec.replicas == 0);
}

static void judge_revision(struct deploy_step *step)
{
    struct revision newer;
    if (is_stopped(step)) {
        deploy_step_end(step, true,
                        "stored; the project is stopped (replicas 0), so nothing was started");
        return;
    }
    switch (step->revision.status) {
    case REVISION_COMPLETED:
        if (is_superseded(step, &newer))
            end_superseded(step);
        else
            look_at_health(step);
        return;
    case REVISION_FAILED:
        judge_failed(step);
        return;
    case REVISION_ROLLED_BACK:
    case REVISION_SUPERSEDED:
        end_superseded(step);
        return;
    case REVISION_CANCELLED:
        end_as(step, "was cancelled");
        return;
    case REVISION_NOT_PERSISTED:
        end_as(step, "was never stored");
        return;
    case REVISION_DELETED:
        end_as(step, "was deleted");
        return;
    case REVISION_UNKNOWN:
        end_as(step, "got lost: the recorder did not see what became of it");
        return;
    default:
        return;
    }
}

void deploy_judge_outcome(struct deploy_step *step)
{
    if (!find_revision(step))
        return;
    if (step->follower->rollback != 0)
        watch_rollback(step);
    else
        judge_revision(step);
}
