/* What changes something: handed to operate and deploy, and their answers told. */
#include "recorder/api_internal.h"

#include <stdio.h>
#include <string.h>

static struct operate_request request_of(const struct api_call *call)
{
    return (struct operate_request){.caller = &call->caller,
                                    .key = call->key,
                                    .body_digest = call->body_digest,
                                    .expect_generation = call->expect_generation,
                                    .reason = json_get_string(call->input, "reason"),
                                    .resume = json_is_true(json_get(call->input, "resume")),
                                    .dry_run = json_is_true(json_get(call->input, "dryRun"))};
}

static int write_operation(struct api_call *call, const struct operate_answer *answer)
{
    struct store_op op;
    struct store_project_row project;
    if (answer->operation == 0) {
        buf_add_string(&call->out, "null");
        return 0;
    }
    int r =
        store_op_get(call->api->options.store, &call->arena, answer->operation, &op, &call->err);
    if (r == 0)
        r = store_project_get(call->api->options.store, &call->arena, op.project, &project,
                              &call->err);
    if (r != 0)
        return r;
    api_write_operation(&call->arena, &call->out, project.name, &op);
    snprintf(call->location, sizeof call->location, "/api/operations/%lld",
             (long long)answer->operation);
    return 0;
}

/* {"operation":..,"warning":..} and what else is known. */
static void tell(struct api_call *call, int code, const struct operate_answer *answer)
{
    if (code != 0) {
        api_fail(call, code);
        return;
    }
    if (answer->reason != NULL || answer->status >= 400) {
        api_problem_causes(call, answer->status >= 400 ? (unsigned)answer->status : 409,
                           answer->reason != NULL ? answer->reason : "Refused", answer->detail,
                           answer->causes);
        return;
    }
    call->status = answer->status >= 200 ? (unsigned)answer->status : 202;
    buf_add_string(&call->out, "{\"operation\":");
    const int r = write_operation(call, answer);
    if (r != 0) {
        api_fail(call, r);
        return;
    }
    api_add_text(&call->out, "warning", answer->warning);
    api_add_text(&call->out, "detail", answer->detail);
    api_add_id(&call->out, "generation", answer->generation);
    api_add_bool(&call->out, "repeated", answer->repeated);
    buf_add_string(&call->out, "}\n");
}

void api_post_rollback(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    tell(call,
         operate_rollback(call->api->options.operate, &call->arena, &request, call->id, &answer,
                          &call->err),
         &answer);
}

void api_post_cancel(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    tell(call,
         operate_cancel(call->api->options.operate, &call->arena, &request, call->id, &answer,
                        &call->err),
         &answer);
}

void api_post_mark(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    const char *word = json_get_string(call->input, "good");
    const enum revision_good good = strcmp(word, "yes") == 0  ? REVISION_GOOD_YES
                                    : strcmp(word, "no") == 0 ? REVISION_GOOD_NO
                                                              : REVISION_GOOD_UNKNOWN;
    struct operate_answer answer = {0};
    tell(call,
         operate_mark(call->api->options.operate, &call->arena, &request, call->id, good, &answer,
                      &call->err),
         &answer);
}

void api_post_restart(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    tell(call,
         operate_restart(call->api->options.operate, &call->arena, &request, call->project.id,
                         &answer, &call->err),
         &answer);
}

static void pause_or_resume(struct api_call *call, bool paused)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    tell(call,
         operate_pause(call->api->options.operate, &call->arena, &request, call->project.id, paused,
                       &answer, &call->err),
         &answer);
}

void api_post_pause(struct api_call *call)
{
    pause_or_resume(call, true);
}

void api_post_resume(struct api_call *call)
{
    pause_or_resume(call, false);
}

void api_post_undelete(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    const cJSON *number = json_get(call->input, "deployment");
    struct operate_answer answer = {0};
    int64_t revision = 0;
    if (number != NULL && !json_int64(number, &revision))
        revision = 0;
    tell(call,
         operate_undelete(call->api->options.operate, &call->arena, &request, call->project.id,
                          revision, &answer, &call->err),
         &answer);
}

void api_delete_hold(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    tell(call,
         operate_lift_hold(call->api->options.operate, &call->arena, &request, call->project.id,
                           api_query(call, "template"), &answer, &call->err),
         &answer);
}

void api_post_deploy(struct api_call *call)
{
    const struct operate_request request = request_of(call);
    struct operate_answer answer = {0};
    struct deploy_spec spec;
    const cJSON *causes = NULL;
    int r = deploy_read(&call->arena, call->body, call->body_length, &spec, &causes, &call->err);
    if (r == -(int)ERR_REFUSED) {
        api_problem_causes(call, 400, "BadRequest", "Some of what was sent cannot be used.",
                           causes);
        return;
    }
    if (r == -(int)ERR_JSON || r == -(int)ERR_LIMIT) {
        api_problem(call, 400, "BadJson",
                    arena_printf(&call->arena, "The body cannot be read: %s", call->err.text));
        return;
    }
    if (r != 0) {
        api_fail(call, r);
        return;
    }
    spec.project = call->project_name;
    r = deploy_begin(call->api->options.deploy, &call->arena, &request, &spec, &answer, &call->err);
    tell(call, r, &answer);
}
