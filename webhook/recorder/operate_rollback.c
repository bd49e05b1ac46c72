/* Back to a version: by a person, by the recorder itself, as a cancel. */
#include "recorder/operate_internal.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "client/say.h"
#include "history/rollback.h"
#include "recorder/fingerprint.h"
#include "recorder/metrics.h"

#include <string.h>

/* ---- Before the write ------------------------------------------------------------------- */

static const char *held_words(struct arena *arena, const struct store_hold *hold, int64_t number)
{
    char until[CLOCK_TEXT_BYTES];
    return arena_printf(
        arena,
        "version %lld is on hold%s%s, set by %s, because: %s. Choose another version, or lift the "
        "hold: DELETE .../holds?template=%s",
        (long long)number, hold->until != 0 ? " until " : "",
        hold->until != 0 ? clock_format_seconds(hold->until / 1000000, until) : "",
        hold->set_by != NULL ? say_visible(arena, hold->set_by, OPERATE_SHOWN) : "the recorder",
        hold->reason != NULL ? say_visible(arena, hold->reason, OPERATE_SHOWN)
                             : "no reason was given",
        hold->template_sha);
}

/* The API server would refuse it as well, if our webhook is registered; here it is sure. */
int operate_judge_hold(struct operate_call *call, const struct revision *target, bool *ret_over,
                       struct err *reterr)
{
    struct store_hold hold;
    struct err err;
    const int rc = store_hold_find(call->operate->options.store, call->arena,
                                   call->operate->options.namespace_, call->project.name,
                                   target->template_sha, clock_unix_us(), &hold, &err);
    *ret_over = rc == 0;
    if (rc == 0)
        return operate_refuse(call, 409, "Held", held_words(call->arena, &hold, target->seq), NULL,
                              reterr);
    if (rc == -ERR_NOT_FOUND)
        return 0;
    *reterr = err;
    return rc;
}

/* What cannot be compared is not warned of. */
static const char *configuration_warning(struct operate_call *call, const struct revision *target,
                                         const char *template_json)
{
    struct operate *operate = call->operate;
    struct store_config_ref *then, *now;
    size_t then_count, now_count;
    cJSON *pod_template;
    struct err ignored;
    if (store_config_refs(operate->options.store, call->arena, target->id, &then, &then_count,
                          &ignored) < 0 ||
        then_count == 0 ||
        json_parse(call->arena, template_json, strlen(template_json), &json_limits_review,
                   &pod_template, &ignored) < 0 ||
        fingerprint_take(call->client, call->arena, operate->options.namespace_, pod_template,
                         operate->options.secrets, &now, &now_count, &ignored) < 0)
        return NULL;
    return fingerprint_warning(call->arena, target->seq, then, then_count, now, now_count);
}

/* ---- After it --------------------------------------------------------------------------- */

static int hold_failed(struct operate *operate, struct arena *arena, const struct store_op *op,
                       struct err *reterr)
{
    struct revision failed;
    const int64_t now = clock_unix_us();
    int rc = store_revision(operate->options.store, arena, op->revision, &failed, reterr);
    if (rc < 0 || failed.template_sha == NULL)
        return rc;
    const struct store_hold hold = {
        .project = op->project,
        .template_sha = failed.template_sha,
        .reason = arena_printf(
            arena, "version %lld failed (%s) and was rolled back automatically%s%s",
            (long long)failed.seq, failed.reason != NULL ? failed.reason : "no reason",
            failed.message != NULL ? ": " : "",
            failed.message != NULL ? say_visible(arena, failed.message, OPERATE_SHOWN) : ""),
        .set_by = operate_self(operate),
        .set_at = now,
        .until = operate->options.hold_us > 0 ? now + operate->options.hold_us : 0,
    };
    return store_hold_set(operate->options.store, &hold, reterr);
}

int operate_went(struct operate *operate, struct arena *arena, const struct store_op *op,
                 const char *project, const struct caller *caller, const struct operate_word *word,
                 struct err *reterr)
{
    int rc = operate_tell(operate, arena, op, project, caller, word, reterr);
    if (rc < 0 || !op->automatic)
        return rc;
    metrics_add(METRICS_ROLLBACKS_AUTOMATIC, 1);
    log_event(LOG_INFO, "rolled back automatically", "project", project, "operation",
              operate_history_id(arena, op), NULL);
    return op->revision != 0 ? hold_failed(operate, arena, op, reterr) : 0;
}

static int end_done(struct operate_call *call, const struct operate_way *way,
                    const struct rollback_result *result, const char *template_json,
                    struct err *reterr)
{
    struct arena *arena = call->arena;
    const bool as_it_was = strcmp(result->template_sha, way->target.template_sha) == 0;
    const struct operate_word word = {
        .uid = result->uid,
        .template_sha = result->template_sha,
        .template_json = as_it_was ? template_json : NULL,
        .old_template_sha = way->from.template_sha,
        .generation = result->generation,
        .rollback_of = way->from.id,
        .source = way->target.id,
        .cancel = way->cancel,
    };
    call->written = true;
    call->op.revision = call->answer.revision = way->from.id;
    int rc = operate_went(call->operate, arena, &call->op, call->project.name,
                          call->request->caller, &word, reterr);
    if (rc < 0)
        return rc;
    return operate_accept(
        call, STORE_OP_PATCHED,
        result->fields_restored
            ? NULL
            : arena_printf(arena,
                           "the field managers could not be put back (%s): a server-side apply "
                           "may report a conflict with proctor-rollback",
                           result->fields_message != NULL ? result->fields_message : "unknown"),
        reterr);
}

int operate_go(struct operate_call *call, const struct operate_way *way, struct err *reterr)
{
    struct arena *arena = call->arena;
    const struct revision *target = &way->target;
    struct rollback_result result;
    const char *template_json;
    bool over = false;
    int rc = operate_judge_hold(call, target, &over, reterr);
    if (rc < 0 || over)
        return rc;
    rc = store_template_get(call->operate->options.store, arena, target->template_sha,
                            &template_json, reterr);
    if (rc < 0)
        return rc;
    call->answer.warning = configuration_warning(call, target, template_json);
    const bool dry = call->request->dry_run;
    const struct rollback_request request = {
        .namespace_ = call->operate->options.namespace_,
        .name = call->project.name,
        .uid = way->uid,
        .expect_generation = way->expect_generation,
        .resume = way->resume,
        .dry_run = dry,
        .on_behalf_of = dry ? NULL : operate_on_behalf_of(call),
        .history_id = dry ? NULL : operate_history_id(arena, &call->op),
        .template_json = template_json,
        .last_applied = target->last_applied,
        .change_cause = target->change_cause,
        .managed_fields = target->managed_fields,
    };
    rc = rollback_write(call->client, arena, &request, &result, reterr);
    if (rc < 0)
        return rc;
    call->answer.generation = result.generation;
    if (result.outcome != ROLLBACK_DONE)
        return operate_refuse(call, rollback_outcome_status(result.outcome),
                              rollback_outcome_name(result.outcome), result.message, result.causes,
                              reterr);
    return dry ? operate_accept(call, STORE_OP_DONE, "it would be accepted", reterr)
               : end_done(call, way, &result, template_json, reterr);
}

/* ---- By a person ------------------------------------------------------------------------ */

static int load_target(struct operate_call *call, int64_t id, struct revision *ret_target,
                       struct err *reterr)
{
    struct store *store = call->operate->options.store;
    int rc = store_revision(store, call->arena, id, ret_target, reterr);
    if (rc == 0 && ret_target->template_sha == NULL)
        rc = err_set(reterr, ERR_NOT_FOUND, "nothing is kept of what this version was");
    if (rc == 0)
        rc = store_project_get(store, call->arena, ret_target->project_id, &call->project, reterr);
    return rc;
}

static int roll_back(struct operate_call *call, void *context, struct err *reterr)
{
    const int64_t *target = context;
    struct operate_way way = {.resume = call->request->resume};
    struct operate_live live;
    bool over = false;
    int rc = load_target(call, *target, &way.target, reterr);
    if (rc == 0)
        rc = operate_claim(call, "rollback", 0, *target, &over, reterr);
    if (rc < 0 || over)
        return rc;
    rc = operate_read_expected(call, &live, &over, reterr);
    if (rc < 0 || over)
        return rc;
    rc = operate_newest(call->operate, call->arena, call->project.id, live.uid, live.template_sha,
                        &way.from, reterr);
    if (rc == 0 && way.from.id == 0) /* the watch is behind: what it last saw */
        rc = operate_newest(call->operate, call->arena, call->project.id, live.uid, NULL, &way.from,
                            reterr);
    if (rc < 0)
        return rc;
    way.uid = live.uid;
    way.expect_generation = live.generation;
    call->answer.revision = way.from.id;
    return operate_go(call, &way, reterr);
}

int operate_rollback(struct operate *operate, struct arena *arena,
                     const struct operate_request *request, int64_t target_revision,
                     struct operate_answer *ret_answer, struct err *reterr)
{
    return operate_run(operate, arena, request, roll_back, &target_revision, ret_answer, reterr);
}

/* ---- As a cancel ------------------------------------------------------------------------ */

static bool is_under_way(const struct revision *revision)
{
    return revision->status == REVISION_PENDING || revision->status == REVISION_IN_PROGRESS;
}

static int cancel(struct operate_call *call, void *context, struct err *reterr)
{
    const int64_t *id = context;
    struct operate_way way = {.cancel = true, .resume = true};
    struct operate_live live;
    bool over = false;
    int rc = load_target(call, *id, &way.from, reterr);
    if (rc == 0)
        rc = operate_claim(call, "cancel", *id, 0, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (!is_under_way(&way.from))
        return operate_refuse(call, 409, "NotInProgress",
                              arena_printf(call->arena,
                                           "version %lld is %s: there is nothing to cancel; to "
                                           "leave it, roll back to another version",
                                           (long long)way.from.seq,
                                           revision_status_name(way.from.status)),
                              NULL, reterr);
    rc = operate_read_expected(call, &live, &over, reterr);
    if (rc < 0 || over)
        return rc;
    if (!operate_same(live.uid, way.from.uid) ||
        !operate_same(live.template_sha, way.from.template_sha))
        return operate_refuse(call, 409, "GenerationMoved",
                              "another version is stored by now: look at it again, then cancel "
                              "that one",
                              NULL, reterr);
    rc = operate_good(call->operate, call->arena, &way.from, &way.target, reterr);
    if (rc < 0)
        return rc;
    way.uid = live.uid;
    way.expect_generation = live.generation;
    call->answer.target = way.target.id;
    call->op.target = way.target.id;
    return way.target.id != 0 ? operate_go(call, &way, reterr)
                              : operate_cancel_by_pause(call, &way.from, &live, reterr);
}

int operate_cancel(struct operate *operate, struct arena *arena,
                   const struct operate_request *request, int64_t revision,
                   struct operate_answer *ret_answer, struct err *reterr)
{
    return operate_run(operate, arena, request, cancel, &revision, ret_answer, reterr);
}
