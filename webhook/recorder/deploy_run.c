#include "recorder/deploy_internal.h"

#include "base/clock.h"
#include "client/say.h"
#include "history/view.h"

#include <string.h>

/* ---- answers ----------------------------------------------------------------------------- */

static void refuse(struct deploy_run *run, int status, const char *reason, const char *detail,
                   const cJSON *causes)
{
    run->answer.status = status;
    run->answer.reason = reason;
    run->answer.detail = detail;
    run->answer.causes = causes;
}

static void refuse_by_causes(struct deploy_run *run, const char *reason, const cJSON *causes)
{
    const size_t count = json_count(causes);
    const char *message = json_get_string(causes->child, "message");
    const char *field = json_get_string(causes->child, "field");
    refuse(run, 422, reason,
           arena_printf(run->arena, "%s%s%s%s", field, field[0] != '\0' ? ": " : "", message,
                        count > 1 ? arena_printf(run->arena, " (and %zu more)", count - 1) : ""),
           causes);
}

/* What the API server said of one object. */
static void refuse_by_write(struct deploy_run *run, const struct deploy_write *write)
{
    cJSON *causes = json_new_array(run->arena);
    deploy_add_causes(run->arena, write->kind, write->causes, write->message, causes);
    if (write->outcome == DEPLOY_HELD)
        refuse(run, 409, "Held", write->message, causes);
    else if (write->outcome == DEPLOY_QUOTA)
        refuse(run, 422, "QuotaExceeded", write->message, causes);
    else
        refuse_by_causes(run, "PolicyRefused", causes);
}

static int64_t generation_of(const cJSON *object)
{
    int64_t generation = 0;
    (void)json_int64(json_path(object, "metadata", "generation", NULL), &generation);
    return generation;
}

/* ---- what is there ------------------------------------------------------------------------ */

static void judge_generation(struct deploy_run *run, const cJSON *live)
{
    const long long expected = (long long)run->expect_generation;
    if (run->expect_generation == 0)
        return;
    if (live == NULL)
        refuse(run, 409, "Deleted",
               arena_printf(run->arena,
                            "there is no Deployment %s, so it is not at generation %lld: leave "
                            "If-Match out to make it",
                            run->memo.spec.project, expected),
               NULL);
    else if (generation_of(live) != run->expect_generation)
        refuse(run, 409, "GenerationMoved",
               arena_printf(run->arena,
                            "the Deployment was changed meanwhile (generation %lld, not %lld): "
                            "look at it again, then repeat",
                            (long long)generation_of(live), expected),
               NULL);
}

static void judge_live(struct deploy_run *run, const cJSON *live)
{
    judge_generation(run, live);
    if (run->answer.status != 0 || live == NULL)
        return;
    run->answer.generation = generation_of(live);
    if (json_path(live, "metadata", "deletionTimestamp", NULL) != NULL)
        refuse(run, 409, "Deleted", "the Deployment is being deleted: repeat when it is gone",
               NULL);
    else if (json_is_true(json_path(live, "spec", "paused", NULL)) && !run->memo.resume)
        refuse(run, 409, "Paused",
               "the Deployment is paused, nothing would be rolled out: resume it first", NULL);
}

static int read_live(struct deploy_run *run, struct err *reterr)
{
    for (size_t i = 0; i < run->write_count; i++) {
        struct deploy_write *write = &run->writes[i];
        cJSON *live;
        *write = (struct deploy_write){.arena = run->arena,
                                       .kind = (enum deploy_kind)i,
                                       .namespace_ = run->deploy->options.namespace_,
                                       .name = run->memo.spec.project};
        const int rc = deploy_fetch(run->client, run->arena, write->kind, write->namespace_,
                                    write->name, &live, reterr);
        if (rc < 0)
            return rc;
        write->live = live;
    }
    return 0;
}

/* ---- what is to be ------------------------------------------------------------------------ */

static void unpause(cJSON *deployment)
{
    cJSON *spec = json_get(deployment, "spec"), *paused = json_find(spec, "paused");
    if (paused != NULL)
        json_unlink(spec, paused);
}

static bool differs(const struct deploy_write *write)
{
    return write->live == NULL ||
           !json_equal(json_get(write->live, "spec"), json_get(write->wanted, "spec"));
}

/* The marks alone would be a new generation of nothing new. */
void deploy_mark_first(struct deploy_run *run)
{
    struct deploy_write *write = &run->writes[DEPLOY_DEPLOYMENT];
    const struct deploy_memo *memo = &run->memo;
    const char *cause = memo->spec.change_cause;
    const struct deploy_marks marks = {
        .change_cause =
            cause != NULL ? cause : arena_printf(run->arena, "deploy %s", memo->spec.image),
        .on_behalf_of = memo->on_behalf_of,
        .history_id = memo->history_id};
    write->history_id = memo->history_id;
    if (run->changes)
        deploy_mark(run->arena, write->wanted, &marks);
}

static void make_objects(struct deploy_run *run)
{
    const struct deploy_spec *spec = &run->memo.spec;
    const struct deploy_options *options = &run->deploy->options;
    struct deploy_write *writes = run->writes;
    cJSON *causes = json_new_array(run->arena);
    cJSON *deployment = deploy_make_deployment(run->arena, spec, options->namespace_,
                                               writes[DEPLOY_DEPLOYMENT].live, causes);
    if (deployment == NULL) {
        refuse_by_causes(run, "Invalid", causes);
        return;
    }
    if (run->memo.resume)
        unpause(deployment);
    writes[DEPLOY_DEPLOYMENT].wanted = deployment;
    run->changes = differs(&writes[DEPLOY_DEPLOYMENT]);
    if (!spec->expose)
        return;
    writes[DEPLOY_SERVICE].wanted = deploy_make_service(run->arena, spec, options->namespace_,
                                                        deployment, writes[DEPLOY_SERVICE].live);
    writes[DEPLOY_INGRESS].wanted = deploy_make_ingress(
        run->arena, spec, options->namespace_, options->host_domain, writes[DEPLOY_INGRESS].live);
}

/* ---- who may say no ----------------------------------------------------------------------- */

/* The policies, as the caller: the API server will ask them as the recorder. */
static int ask_policies(struct deploy_run *run, struct err *reterr)
{
    cJSON *causes = json_new_array(run->arena);
    struct buf warnings;
    const struct deploy_question question = {.arena = run->arena,
                                             .set = run->set,
                                             .now = clock_unix(),
                                             .namespace_ = run->deploy->options.namespace_,
                                             .caller = &run->memo.caller,
                                             .spec = &run->memo.spec,
                                             .causes = causes,
                                             .warnings = &warnings};
    deploy_warnings_begin(run->arena, &warnings);
    for (size_t i = 0; i < run->write_count; i++) {
        const struct deploy_write *write = &run->writes[i];
        const int rc = deploy_judge(&question, write->kind, write->live, write->wanted, reterr);
        if (rc < 0)
            return rc;
    }
    if (causes->child != NULL)
        refuse_by_causes(run, "PolicyRefused", causes);
    else if (warnings.length > 0)
        run->answer.warning = warnings.data;
    return 0;
}

/* All three before the first is written, so that a deploy is seldom done by half. */
static int dry_run(struct deploy_run *run, struct err *reterr)
{
    for (size_t i = 0; i < run->write_count; i++) {
        struct deploy_write *write = &run->writes[i];
        const int rc = deploy_send(run->client, write, true, reterr);
        if (rc < 0)
            return err_wrap(reterr, "the %s, tried", deploy_kind_name(write->kind));
        if (write->outcome != DEPLOY_WRITTEN && write->outcome != DEPLOY_MOVED) {
            refuse_by_write(run, write);
            return 0;
        }
    }
    return 0;
}

static const char *template_of(struct arena *arena, const cJSON *object)
{
    const cJSON *pod_template = json_path(object, "spec", "template", NULL);
    return pod_template != NULL ? view_template_sha(arena, pod_template) : "";
}

static void take_object(struct deploy_run *run, const cJSON *object)
{
    struct deploy_memo *memo = &run->memo;
    memo->uid = json_string(json_path(object, "metadata", "uid", NULL));
    memo->generation = generation_of(object);
    memo->template_sha = object != NULL ? template_of(run->arena, object) : NULL;
    run->answer.generation = memo->generation;
}

/* The API server would refuse it as well, if our webhook is registered; here it is sure.  What the
 * dry run stored is the template after all that mutates it. */
static int ask_holds(struct deploy_run *run, struct err *reterr)
{
    const struct deploy_options *options = &run->deploy->options;
    const struct deploy_write *write = &run->writes[DEPLOY_DEPLOYMENT];
    const char *sha = template_of(run->arena, write->stored);
    struct store_hold hold;
    struct err err;
    if (write->live != NULL && strcmp(template_of(run->arena, write->live), sha) == 0)
        return 0;
    const int rc = store_hold_find(options->store, run->arena, options->namespace_,
                                   run->memo.spec.project, sha, clock_unix_us(), &hold, &err);
    if (rc == -ERR_NOT_FOUND)
        return 0;
    if (rc < 0) {
        *reterr = err;
        return rc;
    }
    refuse(run, 409, "Held",
           arena_printf(run->arena,
                        "this version (template %.12s) is on hold, set by %s, because: %s. Deploy "
                        "another version, or lift the hold: DELETE /api/projects/%s/holds"
                        "?template=%s",
                        sha, say_visible(run->arena, hold.set_by != NULL ? hold.set_by : "?", 200),
                        say_visible(run->arena, hold.reason != NULL ? hold.reason : "?", 500),
                        run->memo.spec.project, sha),
           NULL);
    return 0;
}

int deploy_prepare(struct deploy_run *run, struct err *reterr)
{
    run->answer = (struct operate_answer){.status = 0};
    run->write_count = run->memo.spec.expose ? DEPLOY_KINDS : 1;
    int rc = read_live(run, reterr);
    if (rc < 0)
        return rc;
    judge_live(run, run->writes[DEPLOY_DEPLOYMENT].live);
    if (run->answer.status == 0)
        make_objects(run);
    if (run->answer.status == 0)
        rc = ask_policies(run, reterr);
    if (rc == 0 && run->answer.status == 0)
        rc = dry_run(run, reterr);
    if (rc == 0 && run->answer.status == 0 && run->writes[DEPLOY_DEPLOYMENT].stored != NULL)
        rc = ask_holds(run, reterr);
    take_object(run, run->writes[DEPLOY_DEPLOYMENT].live);
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------ */

void deploy_take_stored(struct deploy_run *run, const char *template_before)
{
    const cJSON *stored = run->writes[DEPLOY_DEPLOYMENT].stored;
    take_object(run, stored);
    run->memo.new_template =
        template_before == NULL || strcmp(template_before, template_of(run->arena, stored)) != 0;
}

int deploy_write_first(struct deploy_run *run, bool *ret_moved, struct err *reterr)
{
    struct deploy_write *write = &run->writes[DEPLOY_DEPLOYMENT];
    int rc = 0;
    *ret_moved = false;
    if (run->changes) {
        rc = deploy_send(run->client, write, false, reterr);
    } else {
        write->outcome = DEPLOY_WRITTEN;
        write->stored = write->live;
    }
    if (rc < 0)
        return err_wrap(reterr, "the Deployment");
    if (write->outcome == DEPLOY_MOVED) {
        *ret_moved = true;
        return 0;
    }
    if (write->outcome != DEPLOY_WRITTEN) {
        refuse_by_write(run, write);
        return 0;
    }
    deploy_take_stored(run, run->memo.template_sha);
    return 0;
}

/* Somebody else may have written it since it was read. */
static int write_again(struct deploy_run *run, struct deploy_write *write, struct err *reterr)
{
    const struct deploy_options *options = &run->deploy->options;
    const struct deploy_spec *spec = &run->memo.spec;
    cJSON *live;
    const int rc = deploy_fetch(run->client, run->arena, write->kind, write->namespace_,
                                write->name, &live, reterr);
    if (rc < 0)
        return rc;
    write->live = live;
    write->wanted = write->kind == DEPLOY_SERVICE
                        ? deploy_make_service(run->arena, spec, options->namespace_,
                                              run->writes[DEPLOY_DEPLOYMENT].stored, live)
                        : deploy_make_ingress(run->arena, spec, options->namespace_,
                                              options->host_domain, live);
    return deploy_send(run->client, write, false, reterr);
}

int deploy_write_rest(struct deploy_run *run, struct err *reterr)
{
    for (size_t i = DEPLOY_SERVICE; i < run->write_count; i++) {
        struct deploy_write *write = &run->writes[i];
        int rc = deploy_send(run->client, write, false, reterr);
        if (rc == 0 && write->outcome == DEPLOY_MOVED)
            rc = write_again(run, write, reterr);
        if (rc == 0 && write->outcome != DEPLOY_WRITTEN)
            rc = say_fail(run->arena, reterr, ERR_REFUSED, "%s", write->message);
        if (rc < 0)
            return err_wrap(reterr, "the %s", deploy_kind_name(write->kind));
    }
    return 0;
}
