/* POST /api/review: what the policies would do to a manifest, if the caller applied it. */
#include "admit/judge.h"
#include "base/clock.h"
#include "net/live.h"
#include "recorder/api_internal.h"

#include <string.h>

static void add_changes(struct buf *out, const struct verdict *verdict)
{
    size_t index = 0;
    buf_add_string(out, ",\"changes\":[");
    for (const struct edit *edit = verdict->edits; edit != NULL; edit = edit->next) {
        buf_add_string(out, index++ > 0 ? ",{\"path\":" : "{\"path\":");
        buf_add_json_string(out, edit->field != NULL ? edit->field : "");
        buf_add_string(out, ",\"before\":");
        if (edit->before != NULL)
            json_write(out, edit->before);
        else
            buf_add_string(out, "null");
        buf_add_string(out, ",\"after\":");
        if (edit->after != NULL)
            json_write(out, edit->after);
        else
            buf_add_string(out, "null");
        api_add_text(out, "rule", edit->rule != NULL ? edit->rule->full_id : NULL);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void add_causes(struct buf *out, const struct verdict *verdict)
{
    size_t index = 0;
    buf_add_string(out, ",\"causes\":[");
    for (const struct violation *at = verdict->violations; at != NULL; at = at->next) {
        if (judge_effect_of(at) != JUDGE_DENIES)
            continue;
        buf_add_string(out, index++ > 0 ? ",{\"field\":" : "{\"field\":");
        buf_add_json_string(out, at->field != NULL ? at->field : "");
        api_add_text(out, "message", at->why);
        api_add_text(out, "reason", at->rule->full_id);
        api_add_text(out, "fix", at->fix != NULL && at->fix[0] != '\0' ? at->fix : NULL);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static void write_judgement(struct buf *out, const struct judgement *judgement)
{
    const struct verdict *last = judgement->last;
    const bool allowed = judgement->outcome != VERDICT_DENIED;
    buf_add_strings(out, "{\"allowed\":", allowed ? "true" : "false", NULL);
    api_add_text(out, "outcome", judge_outcome_name(judgement->outcome));
    api_add_text(out, "message", allowed ? NULL : last->message);
    add_changes(out, &judgement->mutation);
    add_causes(out, last);
    buf_add_string(out, ",\"warnings\":[");
    for (size_t i = 0; i < judgement->warning_count; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        buf_add_json_string(out, judgement->warnings[i]);
    }
    buf_add_string(out, "],\"object\":");
    if (judgement->after != NULL)
        json_write(out, judgement->after);
    else
        buf_add_string(out, "null");
    buf_add_string(out, "}\n");
}

static bool read_manifest(struct api_call *call, const cJSON **ret_object)
{
    cJSON *root;
    if (json_parse(&call->arena, call->body, call->body_length, &json_limits_review, &root,
                   &call->err) != 0) {
        api_problem(call, 400, "BadJson",
                    arena_printf(&call->arena, "The body cannot be read: %s", call->err.text));
        return false;
    }
    const char *version = json_get_string(root, "apiVersion"),
               *kind = json_get_string(root, "kind");
    const char *namespace_ = json_string(json_path(root, "metadata", "namespace", NULL));
    if (version == NULL || strcmp(version, "apps/v1") != 0)
        api_cause(call, "apiVersion", "FieldValueNotSupported", "must be \"apps/v1\"");
    if (kind == NULL || strcmp(kind, "Deployment") != 0)
        api_cause(call, "kind", "FieldValueNotSupported", "must be \"Deployment\"");
    if (!json_is_object(json_get(root, "metadata")))
        api_cause(call, "metadata", "FieldValueRequired", "must be an object with a name");
    if (!json_is_object(json_get(root, "spec")))
        api_cause(call, "spec", "FieldValueRequired", "must be an object");
    if (namespace_ != NULL && strcmp(namespace_, call->api->options.namespace_) != 0)
        api_cause(call, "metadata.namespace", "FieldValueNotSupported",
                  arena_printf(&call->arena, "must be \"%s\"", call->api->options.namespace_));
    *ret_object = root;
    return api_problem_none(call, "The body is no Deployment of this namespace.");
}

static int judge(struct api_call *call, struct policy_set *set, const cJSON *object,
                 struct judgement *ret_judgement)
{
    const struct judge_question question = {.object = object,
                                            .name_space = call->api->options.namespace_,
                                            .user = call->caller.user,
                                            .groups = call->caller.groups};
    const struct judge_settings settings = {set, clock_unix(), JUDGE_BOTH};
    cJSON *review;
    const int r = judge_make_review(&call->arena, &question, &review, &call->err);
    return r != 0 ? r : judge_review(&call->arena, &settings, review, ret_judgement, &call->err);
}

/* The policies are held through the judging, which may run out of memory: a piece of its own. */
struct judging {
    struct api_call *call;
    struct live *live;
    const cJSON *object;
    int code;
};

static void run_judging(void *context)
{
    struct judging *judging = context;
    struct api_call *call = judging->call;
    struct judgement judgement = {0};
    judging->code = judge(call, judging->live->set, judging->object, &judgement);
    if (judging->code == 0)
        write_judgement(&call->out, &judgement);
}

void api_post_review(struct api_call *call)
{
    struct judging judging = {.call = call};
    if (!read_manifest(call, &judging.object))
        return;
    judging.live = live_ref();
    if (judging.live == NULL) {
        api_problem(call, 503, "NoPolicies", "This recorder has no policies loaded.");
        return;
    }
    if (!arena_try(&call->arena, run_judging, &judging))
        judging.code = err_set(&call->err, ERR_LIMIT, "the manifest is too large to be judged");
    live_unref(judging.live);
    if (judging.code == -(int)ERR_TYPE || judging.code == -(int)ERR_USAGE ||
        judging.code == -(int)ERR_REVIEW)
        api_problem(call, 422, "BadManifest", call->err.text);
    else if (judging.code != 0)
        api_fail(call, judging.code);
}
