#include "admit/judge.h"

#include "base/limits.h"
#include "kube/pointer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- a review from a manifest ------------------------------------------------------------- */

struct names {
    const char *group, *version, *kind;
    const char *resource_group, *resource, *subresource;
    const struct schema_kind *schema; /* NULL: unknown */
};

static void split_version(struct arena *arena, const char *text, struct names *names)
{
    const char *slash = strchr(text, '/');
    names->group = slash == NULL ? "" : arena_strndup(arena, text, (size_t)(slash - text));
    names->version = slash == NULL ? text : slash + 1;
}

/* As apimachinery's UnsafeGuessKindToResource, for kinds that the table does not know. */
static const char *guess_resource(struct arena *arena, const char *kind)
{
    size_t length = strlen(kind);
    char *lower = arena_strdup(arena, kind);
    for (char *c = lower; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    if (length > 0 && lower[length - 1] == 's')
        return arena_printf(arena, "%ses", lower);
    if (length > 0 && lower[length - 1] == 'y')
        return arena_printf(arena, "%.*sies", (int)length - 1, lower);
    return arena_printf(arena, "%ss", lower);
}

/* The options' kinds of CONNECT, for a question that only names the subresource. */
static const char *connect_kind(const char *subresource)
{
    static const char *const kinds[][2] = {{"exec", "PodExecOptions"},
                                           {"attach", "PodAttachOptions"},
                                           {"portforward", "PodPortForwardOptions"},
                                           {"proxy", "PodProxyOptions"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i][0], subresource) == 0)
            return kinds[i][1];
    }
    return NULL;
}

static int find_kind(struct arena *arena, const struct judge_question *question,
                     const cJSON *main_object, struct names *names, struct err *reterr)
{
    const char *version = json_get_string(main_object, "apiVersion");
    const char *kind = json_get_string(main_object, "kind");
    names->subresource = question->subresource == NULL ? "" : question->subresource;
    if (kind == NULL && question->operation == OPERATION_CONNECT) {
        kind = connect_kind(names->subresource);
        version = "v1";
    }
    if (version == NULL || kind == NULL)
        return err_set(reterr, ERR_USAGE, "the object has no apiVersion or no kind");
    names->kind = kind;
    split_version(arena, version, names);
    names->schema = schema_kind_find(names->group, names->version, names->kind);
    return 0;
}

static void find_resource(struct arena *arena, const struct judge_question *question,
                          struct names *names)
{
    if (question->resource != NULL) {
        const char *dot = strchr(question->resource, '.');
        names->resource = dot == NULL ? question->resource
                                      : arena_strndup(arena, question->resource,
                                                      (size_t)(dot - question->resource));
        names->resource_group = dot == NULL ? "" : dot + 1;
    } else if (strcmp(names->kind, "Scale") == 0 && strcmp(names->group, "autoscaling") == 0) {
        /* A Scale is only ever a subresource; Deployments are what Proctor is for. */
        names->resource_group = "apps";
        names->resource = "deployments";
        names->subresource = "scale";
    } else {
        names->resource_group = names->group;
        names->resource = names->schema != NULL && names->schema->resource != NULL
                              ? names->schema->resource
                              : guess_resource(arena, names->kind);
    }
}

static cJSON *add_object(struct arena *arena, cJSON *parent, const char *key)
{
    cJSON *object = json_new_object(arena);
    json_add(arena, parent, key, object);
    return object;
}

static void add_text(struct arena *arena, cJSON *parent, const char *key, const char *text)
{
    json_add(arena, parent, key, json_new_string(arena, text));
}

static void add_null(cJSON *parent, struct arena *arena, const char *key)
{
    struct arena *before = arena_use(arena);
    cJSON *null = cJSON_CreateNull();
    arena_use(before);
    json_add(arena, parent, key, null);
}

static void add_kind(struct arena *arena, cJSON *request, const char *key,
                     const struct names *names)
{
    cJSON *kind = add_object(arena, request, key);
    add_text(arena, kind, "group", names->group);
    add_text(arena, kind, "version", names->version);
    add_text(arena, kind, "kind", names->kind);
}

static void add_resource(struct arena *arena, cJSON *request, const char *key,
                         const struct names *names)
{
    /* The version of a subresource's resource is not the object's (a Scale is autoscaling/v1). */
    bool same = strcmp(names->group, names->resource_group) == 0;
    cJSON *resource = add_object(arena, request, key);
    add_text(arena, resource, "group", names->resource_group);
    add_text(arena, resource, "version", same ? names->version : "v1");
    add_text(arena, resource, "resource", names->resource);
}

static void add_user(struct arena *arena, cJSON *request, const struct judge_question *question)
{
    cJSON *user = add_object(arena, request, "userInfo");
    add_text(arena, user, "username", question->user == NULL ? "" : question->user);
    cJSON *groups = json_new_array(arena);
    for (size_t i = 0; question->groups != NULL && question->groups[i] != NULL; i++)
        json_append(groups, json_new_string(arena, question->groups[i]));
    json_add(arena, user, "groups", groups);
}

/* The namespace that the API server would put in: the object's own, else the one asked for.  On
 * a Namespace it is its name (apiserver's create handler says so). */
static const char *find_namespace(const struct judge_question *question, const struct names *names,
                                  const cJSON *main_object)
{
    const char *own = json_string(json_path(main_object, "metadata", "namespace", NULL));
    if (strcmp(names->resource, "namespaces") == 0 && names->resource_group[0] == '\0')
        return json_string(json_path(main_object, "metadata", "name", NULL));
    if (names->schema != NULL && !names->schema->namespaced)
        return NULL;
    return own != NULL && own[0] != '\0' ? own : question->name_space;
}

/* A copy of the manifest with its namespace filled in and defaulted. */
static int add_manifest(struct arena *arena, cJSON *request, const char *key, const cJSON *object,
                        const struct names *names, const char *name_space, struct err *reterr)
{
    if (object == NULL) {
        add_null(request, arena, key);
        return 0;
    }
    cJSON *copy = json_dup(arena, object);
    cJSON *metadata = json_get(copy, "metadata");
    bool namespaced = names->schema == NULL || names->schema->namespaced;
    if (json_is_object(metadata) && namespaced && name_space != NULL &&
        json_get(metadata, "namespace") == NULL) {
        cJSON *null = json_find(metadata, "namespace");
        if (null != NULL)
            json_unlink(metadata, null);
        add_text(arena, metadata, "namespace", name_space);
    }
    json_add(arena, request, key, copy);
    if (names->schema != NULL && schema_default(arena, names->schema, copy, reterr) < 0)
        return err_wrap(reterr, "%s", key);
    return 0;
}

static const char *operation_name(enum operation operation)
{
    switch (operation) {
    case OPERATION_CREATE:
        return "CREATE";
    case OPERATION_UPDATE:
        return "UPDATE";
    case OPERATION_DELETE:
        return "DELETE";
    case OPERATION_CONNECT:
        return "CONNECT";
    }
    return "CREATE";
}

static void add_names(struct arena *arena, cJSON *request, const struct names *names)
{
    add_text(arena, request, "uid", JUDGE_UID);
    add_kind(arena, request, "kind", names);
    add_resource(arena, request, "resource", names);
    if (names->subresource[0] != '\0')
        add_text(arena, request, "subResource", names->subresource);
    add_kind(arena, request, "requestKind", names);
    add_resource(arena, request, "requestResource", names);
    if (names->subresource[0] != '\0')
        add_text(arena, request, "requestSubResource", names->subresource);
}

/* DELETE has only an old object, CONNECT has its options as object. */
static void place_objects(struct judge_question *question)
{
    if (question->operation == 0)
        question->operation = question->old_object != NULL ? OPERATION_UPDATE : OPERATION_CREATE;
    if (question->operation == OPERATION_DELETE) {
        if (question->old_object == NULL)
            question->old_object = question->object;
        question->object = NULL;
    } else if (question->operation == OPERATION_CONNECT && question->object == NULL) {
        question->object = question->options;
        question->options = NULL;
    }
}

static int check_question(const struct judge_question *question, struct err *reterr)
{
    if (question->operation == OPERATION_UPDATE && question->old_object == NULL)
        return err_set(reterr, ERR_USAGE, "UPDATE needs the old object too");
    if (question->object == NULL && question->old_object == NULL)
        return err_set(reterr, ERR_USAGE, "there is no object to judge");
    return 0;
}

int judge_make_review(struct arena *arena, const struct judge_question *asked, cJSON **ret_review,
                      struct err *reterr)
{
    struct judge_question question = *asked;
    place_objects(&question);
    int r = check_question(&question, reterr);
    const cJSON *main_object = question.object != NULL ? question.object : question.old_object;
    struct names names = {
        .group = "", .version = "", .kind = "", .resource = "", .subresource = ""};
    if (r == 0)
        r = find_kind(arena, &question, main_object, &names, reterr);
    if (r < 0)
        return r;
    find_resource(arena, &question, &names);

    cJSON *review = json_new_object(arena);
    add_text(arena, review, "kind", "AdmissionReview");
    add_text(arena, review, "apiVersion", "admission.k8s.io/v1");
    cJSON *request = add_object(arena, review, "request");
    add_names(arena, request, &names);
    const char *name = question.name != NULL
                           ? question.name
                           : json_string(json_path(main_object, "metadata", "name", NULL));
    const char *name_space = find_namespace(&question, &names, main_object);
    if (name != NULL)
        add_text(arena, request, "name", name);
    if (name_space != NULL)
        add_text(arena, request, "namespace", name_space);
    add_text(arena, request, "operation", operation_name(question.operation));
    add_user(arena, request, &question);
    r = add_manifest(arena, request, "object", question.object, &names, name_space, reterr);
    if (r == 0)
        r = add_manifest(arena, request, "oldObject", question.old_object, &names, name_space,
                         reterr);
    if (r < 0)
        return r;
    json_add(arena, request, "dryRun", json_new_bool(arena, false));
    if (question.options != NULL)
        json_add(arena, request, "options", json_dup(arena, question.options));
    else
        add_null(request, arena, "options");
    *ret_review = review;
    return 0;
}

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
