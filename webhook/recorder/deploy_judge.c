#include "recorder/deploy_internal.h"

#include "admit/judge.h"
#include "base/limits.h"
#include "client/say.h"

#include <string.h>

#define WARNINGS_BYTES 4096U
#define WARNING_RUNES  400U

static const char *const kind_names[] = {"Deployment", "Service", "Ingress"};

const char *deploy_kind_name(enum deploy_kind kind)
{
    return kind_names[kind];
}

/* The fields of the Service and the Ingress would be taken for the Deployment's. */
void deploy_add_causes(struct arena *arena, enum deploy_kind kind, const cJSON *causes,
                       const char *message, cJSON *all)
{
    const char *front =
        kind == DEPLOY_DEPLOYMENT ? "" : arena_printf(arena, "%s: ", kind_names[kind]);
    if (!json_is_array(causes) || causes->child == NULL) {
        json_append(all, deploy_cause(arena, "", "PolicyRefused",
                                      arena_printf(arena, "%s%s", front, message)));
        return;
    }
    for (const cJSON *cause = causes->child; cause != NULL; cause = cause->next) {
        const char *field = json_get_string(cause, "field");
        const char *words = json_get_string(cause, "message");
        const char *reason = json_get_string(cause, "reason");
        json_append(all,
                    deploy_cause(arena, field != NULL ? field : "",
                                 reason != NULL ? reason : "FieldValueInvalid",
                                 arena_printf(arena, "%s%s", front, words != NULL ? words : "")));
    }
}

/* ---- what was asked for and is not given ------------------------------------------------- */

/* A policy that sets the field says why. */
static const char *why_changed(const struct deploy_question *question,
                               const struct judgement *judgement, const char *field)
{
    for (const struct edit *edit = judgement->mutation.edits; edit != NULL; edit = edit->next) {
        const char *why = policy_text_in(&edit->rule->why, question->set->language);
        if (edit->field != NULL && strcmp(edit->field, field) == 0 && why[0] != '\0')
            return arena_printf(question->arena, " (%s)", why);
    }
    return "";
}

/* With kubectl a warning would say so; who asks for a strategy by its name means it. */
static void judge_strategy(const struct deploy_question *question,
                           const struct judgement *judgement)
{
    const char *wanted = question->spec->strategy;
    const char *is = json_string(json_path(judgement->after, "spec", "strategy", "type", NULL));
    if (wanted == NULL || is == NULL || strcmp(is, wanted) == 0)
        return;
    json_append(
        question->causes,
        deploy_cause(question->arena, "strategy", "FieldValueNotSupported",
                     arena_printf(question->arena, "the policies do not allow %s here, only %s%s",
                                  wanted, is,
                                  why_changed(question, judgement, "spec.strategy.type"))));
}

static void keep_warnings(const struct deploy_question *question, const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->warning_count; i++) {
        struct buf *text = question->warnings;
        if (text->length + WARNING_RUNES * 4 + 8 > WARNINGS_BYTES)
            return;
        if (text->length > 0)
            buf_add_string(text, "; ");
        buf_add_visible(text, judgement->warnings[i], WARNING_RUNES);
    }
}

/* ---- the question ------------------------------------------------------------------------ */

int deploy_judge(const struct deploy_question *question, enum deploy_kind kind, const cJSON *live,
                 const cJSON *wanted, struct err *reterr)
{
    const struct judge_settings settings = {
        .set = question->set, .now = question->now, .road = JUDGE_BOTH};
    const struct judge_question asked = {.object = wanted,
                                         .old_object = live,
                                         .name_space = question->namespace_,
                                         .user = question->caller->user,
                                         .groups = question->caller->groups};
    struct judgement judgement = {.outcome = VERDICT_NOT_JUDGED};
    cJSON *review;
    int rc = judge_make_review(question->arena, &asked, &review, reterr);
    if (rc == 0)
        rc = judge_review(question->arena, &settings, review, &judgement, reterr);
    if (rc < 0)
        return err_wrap(reterr, "what the policies say of the %s", kind_names[kind]);
    if (judgement.outcome == VERDICT_DENIED)
        deploy_add_causes(question->arena, kind, json_get(judgement.last->details, "causes"),
                          judgement.last->message, question->causes);
    if (kind == DEPLOY_DEPLOYMENT)
        judge_strategy(question, &judgement);
    keep_warnings(question, &judgement);
    return 0;
}

void deploy_warnings_begin(struct arena *arena, struct buf *warnings)
{
    buf_init(warnings, arena, WARNINGS_BYTES);
}
