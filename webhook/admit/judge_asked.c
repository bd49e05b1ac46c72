#include "admit/judge_internal.h"

#include <ctype.h>
#include <string.h>

static void split_version(struct arena *arena, const char *text, struct judge_asked *asked)
{
    const char *slash = strchr(text, '/');
    asked->group = slash == NULL ? "" : arena_strndup(arena, text, (size_t)(slash - text));
    asked->version = slash == NULL ? text : slash + 1;
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

static int find_kind(struct arena *arena, struct judge_asked *asked, struct err *reterr)
{
    const struct judge_question *question = &asked->question;
    const char *version = json_get_string(asked->object, "apiVersion");
    const char *kind = json_get_string(asked->object, "kind");
    asked->subresource = question->subresource == NULL ? "" : question->subresource;
    if (kind == NULL && question->operation == OPERATION_CONNECT) {
        kind = connect_kind(asked->subresource);
        version = "v1";
    }
    if (version == NULL || kind == NULL)
        return err_set(reterr, ERR_USAGE, "the object has no apiVersion or no kind");
    asked->kind = kind;
    split_version(arena, version, asked);
    asked->schema = schema_kind_find(asked->group, asked->version, asked->kind);
    return 0;
}

static void find_resource(struct arena *arena, struct judge_asked *asked)
{
    const struct judge_question *question = &asked->question;
    if (question->resource != NULL) {
        const char *dot = strchr(question->resource, '.');
        asked->resource = dot == NULL ? question->resource
                                      : arena_strndup(arena, question->resource,
                                                      (size_t)(dot - question->resource));
        asked->resource_group = dot == NULL ? "" : dot + 1;
    } else if (strcmp(asked->kind, "Scale") == 0 && strcmp(asked->group, "autoscaling") == 0) {
        /* A Scale is only ever a subresource; Deployments are what Proctor is for. */
        asked->resource_group = "apps";
        asked->resource = "deployments";
        asked->subresource = "scale";
    } else {
        asked->resource_group = asked->group;
        asked->resource = asked->schema != NULL && asked->schema->resource != NULL
                              ? asked->schema->resource
                              : guess_resource(arena, asked->kind);
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
                     const struct judge_asked *asked)
{
    cJSON *kind = add_object(arena, request, key);
    add_text(arena, kind, "group", asked->group);
    add_text(arena, kind, "version", asked->version);
    add_text(arena, kind, "kind", asked->kind);
}

static void add_resource(struct arena *arena, cJSON *request, const char *key,
                         const struct judge_asked *asked)
{
    /* The version of a subresource's resource is not the object's (a Scale is autoscaling/v1). */
    bool same = strcmp(asked->group, asked->resource_group) == 0;
    cJSON *resource = add_object(arena, request, key);
    add_text(arena, resource, "group", asked->resource_group);
    add_text(arena, resource, "version", same ? asked->version : "v1");
    add_text(arena, resource, "resource", asked->resource);
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
static const char *find_namespace(const struct judge_asked *asked)
{
    const char *own = json_string(json_path(asked->object, "metadata", "namespace", NULL));
    if (strcmp(asked->resource, "namespaces") == 0 && asked->resource_group[0] == '\0')
        return json_string(json_path(asked->object, "metadata", "name", NULL));
    if (asked->schema != NULL && !asked->schema->namespaced)
        return NULL;
    return own != NULL && own[0] != '\0' ? own : asked->question.name_space;
}

/* A copy of the manifest with its namespace filled in and defaulted. */
static int add_manifest(struct arena *arena, cJSON *request, const char *key, const cJSON *object,
                        const struct judge_asked *asked, struct err *reterr)
{
    if (object == NULL) {
        add_null(request, arena, key);
        return 0;
    }
    cJSON *copy = json_dup(arena, object);
    cJSON *metadata = json_get(copy, "metadata");
    bool namespaced = asked->schema == NULL || asked->schema->namespaced;
    if (json_is_object(metadata) && namespaced && asked->name_space != NULL &&
        json_get(metadata, "namespace") == NULL) {
        cJSON *null = json_find(metadata, "namespace");
        if (null != NULL)
            json_unlink(metadata, null);
        add_text(arena, metadata, "namespace", asked->name_space);
    }
    json_add(arena, request, key, copy);
    if (asked->schema != NULL && schema_default(arena, asked->schema, copy, reterr) < 0)
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

static void add_names(struct arena *arena, cJSON *request, const struct judge_asked *asked)
{
    add_text(arena, request, "uid", JUDGE_UID);
    add_kind(arena, request, "kind", asked);
    add_resource(arena, request, "resource", asked);
    if (asked->subresource[0] != '\0')
        add_text(arena, request, "subResource", asked->subresource);
    add_kind(arena, request, "requestKind", asked);
    add_resource(arena, request, "requestResource", asked);
    if (asked->subresource[0] != '\0')
        add_text(arena, request, "requestSubResource", asked->subresource);
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

int judge_ask(struct arena *arena, const struct judge_question *question,
              struct judge_asked *ret_asked, struct err *reterr)
{
    struct judge_asked asked = {.question = *question,
                                .group = "",
                                .version = "",
                                .kind = "",
                                .resource = "",
                                .subresource = ""};
    place_objects(&asked.question);
    int r = check_question(&asked.question, reterr);
    if (r < 0)
        return r;
    asked.object =
        asked.question.object != NULL ? asked.question.object : asked.question.old_object;
    r = find_kind(arena, &asked, reterr);
    if (r < 0)
        return r;
    find_resource(arena, &asked);
    asked.name_space = find_namespace(&asked);
    *ret_asked = asked;
    return 0;
}

int judge_asked_review(struct arena *arena, const struct judge_asked *asked, cJSON **ret_review,
                       struct err *reterr)
{
    const struct judge_question *question = &asked->question;
    cJSON *review = json_new_object(arena);
    add_text(arena, review, "kind", "AdmissionReview");
    add_text(arena, review, "apiVersion", "admission.k8s.io/v1");
    cJSON *request = add_object(arena, review, "request");
    add_names(arena, request, asked);
    const char *name = question->name != NULL
                           ? question->name
                           : json_string(json_path(asked->object, "metadata", "name", NULL));
    if (name != NULL)
        add_text(arena, request, "name", name);
    if (asked->name_space != NULL)
        add_text(arena, request, "namespace", asked->name_space);
    add_text(arena, request, "operation", operation_name(question->operation));
    add_user(arena, request, question);
    int r = add_manifest(arena, request, "object", question->object, asked, reterr);
    if (r == 0)
        r = add_manifest(arena, request, "oldObject", question->old_object, asked, reterr);
    if (r < 0)
        return r;
    json_add(arena, request, "dryRun", json_new_bool(arena, false));
    if (question->options != NULL)
        json_add(arena, request, "options", json_dup(arena, question->options));
    else
        add_null(request, arena, "options");
    *ret_review = review;
    return 0;
}

int judge_make_review(struct arena *arena, const struct judge_question *question,
                      cJSON **ret_review, struct err *reterr)
{
    struct judge_asked asked;
    int r = judge_ask(arena, question, &asked, reterr);
    return r < 0 ? r : judge_asked_review(arena, &asked, ret_review, reterr);
}
