#include "admit/judge_internal.h"

#include "base/limits.h"
#include "kube/pointer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- the road ----------------------------------------------------------------------------- */

/* The review goes through bytes, so that each phase has trees of its own and the request is
 * parsed as the webhook parses it. */
static int run_phase(struct arena *arena, const struct judge_settings *settings,
                     const cJSON *review, enum admit_phase phase, struct admit_request *ret_request,
                     struct verdict *ret_verdict, struct err *reterr)
{
    struct buf bytes;
    buf_init(&bytes, arena, LIMIT_INPUT_FILE_BYTES);
    json_write(&bytes, review);
    if (bytes.failed || bytes.length > LIMIT_BODY_BYTES)
        return err_set(reterr, ERR_TOO_LARGE, "larger than the API server accepts");
    int r = admit_request_parse(arena, bytes.data, bytes.length, phase, ret_request, reterr);
    if (r < 0)
        return r;
    return admit_review(settings->set, ret_request, settings->now, arena, ret_verdict, reterr);
}

static int apply_patch(struct arena *arena, const struct schema_kind *schema, cJSON *review,
                       struct judgement *judgement, struct err *reterr)
{
    cJSON *request = json_get(review, "request");
    cJSON *patch = NULL;
    cJSON *after = json_dup(arena, json_get(request, "object"));
    static const struct json_limits limits = {LIMIT_JSON_DEPTH, LIMIT_JSON_NODES};
    int r = json_parse(arena, judgement->mutation.patch, judgement->mutation.patch_length, &limits,
                       &patch, reterr);
    if (r == 0)
        r = patch_apply(arena, &after, patch, reterr);
    if (r < 0) {
        char text[sizeof reterr->text];
        snprintf(text, sizeof text, "%s", reterr->text);
        return err_set(reterr, ERR_INTERNAL, "the patch does not apply: %.400s", text);
    }
    if (schema != NULL && schema_default(arena, schema, after, reterr) < 0)
        return err_wrap(reterr, "the object after the patch");
    json_unlink(request, json_find(request, "object"));
    json_add(arena, request, "object", after);
    judgement->patch = patch;
    judgement->after = after;
    return 0;
}

static int run_mutation(struct arena *arena, const struct judge_settings *settings, cJSON *review,
                        struct judgement *judgement, struct err *reterr)
{
    struct admit_request request;
    int r =
        run_phase(arena, settings, review, ADMIT_MUTATE, &request, &judgement->mutation, reterr);
    if (r < 0)
        return r;
    judgement->mutated = true;
    judgement->last = &judgement->mutation;
    if (judgement->mutation.patch == NULL)
        return 0;
    const struct schema_kind *schema = request.schema;
    r = apply_patch(arena, schema, review, judgement, reterr);
    if (r < 0)
        return r;
    struct verdict second = {0};
    r = run_phase(arena, settings, review, ADMIT_MUTATE, &request, &second, reterr);
    if (r == 0)
        judgement->second_patch = second.patch;
    return r;
}

static void add_warnings(struct judgement *judgement, const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->warning_count; i++) {
        size_t seen = 0;
        while (seen < judgement->warning_count &&
               strcmp(judgement->warnings[seen], verdict->warnings[i]) != 0)
            seen++;
        if (seen == judgement->warning_count)
            judgement->warnings[judgement->warning_count++] = verdict->warnings[i];
    }
}

static void conclude(struct arena *arena, struct judgement *judgement)
{
    const struct verdict *mutation = &judgement->mutation;
    const struct verdict *last = judgement->last;
    bool judged = (judgement->mutated && mutation->outcome != VERDICT_NOT_JUDGED) ||
                  (judgement->validated && last->outcome != VERDICT_NOT_JUDGED);
    if (!last->allowed || last->violation_count > 0)
        judgement->outcome = VERDICT_DENIED;
    else if (judgement->patch != NULL)
        judgement->outcome = VERDICT_PATCHED;
    else
        judgement->outcome = judged ? VERDICT_ALLOWED : VERDICT_NOT_JUDGED;
    judgement->warnings =
        arena_array(arena, mutation->warning_count + judgement->validation.warning_count + 1,
                    sizeof *judgement->warnings);
    add_warnings(judgement, mutation);
    add_warnings(judgement, &judgement->validation);
}

static const char *shown_name(struct arena *arena, const cJSON *request, const cJSON *object)
{
    const char *name = json_get_string(request, "name");
    if (name == NULL || name[0] == '\0')
        name = json_string(json_path(object, "metadata", "name", NULL));
    const char *prefix = json_string(json_path(object, "metadata", "generateName", NULL));
    if (name != NULL && name[0] != '\0')
        return name;
    return prefix != NULL ? arena_printf(arena, "%s*", prefix) : "";
}

static void describe(struct arena *arena, const cJSON *request, struct judgement *judgement)
{
    const cJSON *object = json_get(request, "object");
    if (object == NULL)
        object = json_get(request, "oldObject");
    const char *group = json_string(json_path(request, "kind", "group", NULL));
    const char *version = json_string(json_path(request, "kind", "version", NULL));
    const char *kind = json_string(json_path(request, "kind", "kind", NULL));
    judgement->kind = kind != NULL ? kind : "";
    judgement->api_version =
        group != NULL && group[0] != '\0' ? arena_printf(arena, "%s/%s", group, version) : version;
    judgement->name = shown_name(arena, request, object);
    judgement->name_space = json_get_string(request, "namespace");
    judgement->user = json_string(json_path(request, "userInfo", "username", NULL));
}

int judge_review(struct arena *arena, const struct judge_settings *settings, const cJSON *given,
                 struct judgement *ret_judgement, struct err *reterr)
{
    struct judgement judgement = {0};
    cJSON *review = json_dup(arena, given);
    cJSON *request = json_get(review, "request");
    const cJSON *object = json_get(json_get(given, "request"), "object");
    judgement.before = object != NULL ? json_dup(arena, object) : NULL;
    judgement.after = judgement.before;
    int r = 0;
    if (settings->road != JUDGE_VALIDATE)
        r = run_mutation(arena, settings, review, &judgement, reterr);
    if (r < 0)
        return r;
    bool refused = judgement.mutated && !judgement.mutation.allowed;
    if (settings->road != JUDGE_MUTATE && !refused) {
        struct admit_request parsed;
        r = run_phase(arena, settings, review, ADMIT_VALIDATE, &parsed, &judgement.validation,
                      reterr);
        if (r < 0)
            return r;
        judgement.validated = true;
    }
    describe(arena, request, &judgement);
    *ret_judgement = judgement;
    ret_judgement->last =
        judgement.validated ? &ret_judgement->validation : &ret_judgement->mutation;
    conclude(arena, ret_judgement);
    return 0;
}

/* ---- a manifest --------------------------------------------------------------------------- */

/* Nobody was asked: the verdict that binds is none of the policies'. */
static void judge_undecodable(struct arena *arena, const struct judge_asked *asked,
                              struct judgement *ret_judgement)
{
    ret_judgement->api_version = json_get_string(asked->object, "apiVersion");
    ret_judgement->kind = asked->kind;
    ret_judgement->name = shown_name(arena, NULL, asked->object);
    ret_judgement->name_space = asked->name_space;
    ret_judgement->user = asked->question.user;
    ret_judgement->outcome = VERDICT_DENIED;
    ret_judgement->last = &ret_judgement->mutation;
}

int judge_manifest(struct arena *arena, const struct judge_settings *settings,
                   const struct judge_question *question, struct judgement *ret_judgement,
                   struct err *reterr)
{
    struct foresight foresight = {.arena = arena};
    struct judge_asked asked;
    int r = judge_ask(arena, question, &asked, reterr);
    if (r < 0)
        return r;
    bool foresees = settings->road == JUDGE_BOTH && asked.question.object != NULL &&
                    asked.question.operation != OPERATION_CONNECT;
    if (foresees && asked.schema == NULL)
        foresee_kind(asked.group, asked.version, asked.kind, &foresight);
    foresees = foresees && asked.schema != NULL;
    if (foresees)
        foresee_decoding(asked.schema, asked.object, &foresight);
    if (foresight.undecodable) {
        *ret_judgement = (struct judgement){.foresight = foresight};
        judge_undecodable(arena, &asked, ret_judgement);
        return 0;
    }
    cJSON *review;
    r = judge_asked_review(arena, &asked, &review, reterr);
    if (r == 0)
        r = judge_review(arena, settings, review, ret_judgement, reterr);
    if (r < 0 || !foresees)
        return r;
    foresee_storing(asked.schema, ret_judgement->after,
                    json_path(review, "request", "oldObject", NULL), &foresight);
    ret_judgement->foresight = foresight;
    if (foresight.count > 0)
        ret_judgement->outcome = VERDICT_DENIED;
    return 0;
}

enum judge_effect judge_effect_of(const struct violation *violation)
{
    if (violation->mode == POLICY_AUDIT)
        return JUDGE_AUDITS;
    bool excepted = violation->exception != NULL && !violation->exception_expired;
    if (violation->mode == POLICY_WARN || violation->ratcheted || excepted)
        return JUDGE_WARNS;
    return JUDGE_DENIES;
}

const char *judge_outcome_name(enum verdict_outcome outcome)
{
    static const char *const names[] = {[VERDICT_ALLOWED] = "allowed",
                                        [VERDICT_PATCHED] = "patched",
                                        [VERDICT_DENIED] = "denied",
                                        [VERDICT_NOT_JUDGED] = "not-judged"};
    return names[outcome];
}

/* ---- time --------------------------------------------------------------------------------- */

static bool parse_offset(const char *text, int64_t *ret_seconds)
{
    struct tm tm = {0};
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret_seconds = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || strlen(text) != strlen("+00:00") ||
        strptime(text + 1, "%H:%M", &tm) != text + strlen("+00:00"))
        return false;
    *ret_seconds = (text[0] == '-' ? -60 : 60) * (int64_t)(tm.tm_hour * 60 + tm.tm_min);
    return true;
}

/* Whether timegm would not have to carry: 2026-02-30 is no date. */
static bool is_real(const struct tm *given, int64_t *ret_time)
{
    struct tm copy = *given;
    time_t at = timegm(&copy);
    *ret_time = at;
    return copy.tm_year == given->tm_year && copy.tm_mon == given->tm_mon &&
           copy.tm_mday == given->tm_mday && copy.tm_hour == given->tm_hour &&
           copy.tm_min == given->tm_min && copy.tm_sec == given->tm_sec;
}

int judge_parse_time(const char *text, int64_t *ret_time, struct err *reterr)
{
    struct tm tm = {0};
    int64_t offset = 0, at;
    const char *rest = strptime(text, "%Y-%m-%d", &tm);
    bool fine = rest == text + 10;
    if (fine && *rest != '\0') {
        fine = *rest == 'T' || *rest == 't';
        rest = fine ? strptime(rest + 1, "%H:%M:%S", &tm) : NULL;
        fine = rest == text + 19;
        if (fine && *rest == '.')
            rest += 1 + strspn(rest + 1, "0123456789");
        fine = fine && parse_offset(rest, &offset);
    }
    if (!fine || !is_real(&tm, &at))
        return err_set(reterr, ERR_USAGE,
                       "\"%.60s\" is no time such as 2026-11-21T12:00:00Z or 2026-11-21", text);
    *ret_time = at - offset;
    return 0;
}
