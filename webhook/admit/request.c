#include "admit/internal.h"

#include "base/utf8.h"

#include <string.h>

static int wrong(struct err *reterr, const char *what)
{
    return err_set(reterr, ERR_REVIEW, "%s", what);
}

static const char *text_or(const cJSON *object, const char *key, const char *otherwise)
{
    const char *text = json_get_string(object, key);
    return text != NULL ? text : otherwise;
}

static int parse_operation(const char *text, enum operation *ret_operation)
{
    static const struct {
        const char *name;
        enum operation operation;
    } names[] = {{"CREATE", OPERATION_CREATE},
                 {"UPDATE", OPERATION_UPDATE},
                 {"DELETE", OPERATION_DELETE},
                 {"CONNECT", OPERATION_CONNECT}};
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            *ret_operation = names[i].operation;
            return 0;
        }
    return -1;
}

static int parse_identity(struct admit_request *out, struct arena *arena, struct err *reterr)
{
    const cJSON *request = out->request;
    const cJSON *kind = json_get(request, "kind"), *resource = json_get(request, "resource");
    out->kind = json_get_string(kind, "kind");
    out->version = json_get_string(kind, "version");
    out->group = text_or(kind, "group", "");
    if (out->kind == NULL || out->version == NULL)
        return wrong(reterr, "request.kind: group, version and kind are needed");
    out->resource = json_get_string(resource, "resource");
    out->resource_group = text_or(resource, "group", "");
    if (out->resource == NULL || *out->resource == '\0')
        return wrong(reterr, "request.resource: group, version and resource are needed");
    out->subresource = text_or(request, "subResource", "");
    struct buf text;
    buf_init(&text, arena, LIMIT_BODY_BYTES);
    buf_add_strings(&text, out->resource, *out->resource_group != '\0' ? "." : "",
                    out->resource_group, *out->subresource != '\0' ? "/" : "", out->subresource,
                    NULL);
    out->resource_text = text.data;
    if (parse_operation(json_get_string(request, "operation"), &out->operation) != 0)
        return wrong(reterr, "request.operation: CREATE, UPDATE, DELETE or CONNECT is needed");
    const cJSON *user = json_get(request, "userInfo");
    out->user = json_get_string(user, "username");
    if (out->user == NULL)
        return wrong(reterr, "request.userInfo.username is needed");
    out->groups = json_get(user, "groups");
    out->name = text_or(request, "name", "");
    out->name_space = json_get_string(request, "namespace");
    if (out->name_space != NULL && *out->name_space == '\0')
        out->name_space = NULL;
    out->dry_run = json_is_true(json_get(request, "dryRun"));
    return 0;
}

static int take_object(const cJSON *request, const char *key, bool needed, cJSON **ret_object,
                       struct err *reterr)
{
    cJSON *object = json_get(request, key);
    if (object == NULL && needed)
        return err_set(reterr, ERR_REVIEW, "request.%s is needed for this operation", key);
    if (object != NULL && !json_is_object(object))
        return err_set(reterr, ERR_TYPE, "request.%s: %s instead of an object", key,
                       json_type_name(object));
    *ret_object = object;
    return 0;
}

/* Kinds that the table lacks still have Kubernetes' metadata. */
static int check_metadata(const cJSON *object, struct err *reterr)
{
    static const char *const strings[] = {"name", "namespace", "generateName", NULL};
    static const char *const maps[] = {"labels", "annotations", NULL};
    const cJSON *metadata = json_get(object, "metadata");
    if (metadata != NULL && !json_is_object(metadata))
        return err_set(reterr, ERR_TYPE, "metadata: %s instead of an object",
                       json_type_name(metadata));
    for (size_t i = 0; strings[i] != NULL; i++) {
        const cJSON *member = json_get(metadata, strings[i]);
        if (member != NULL && !json_is_string(member))
            return err_set(reterr, ERR_TYPE, "metadata.%s: %s instead of a string", strings[i],
                           json_type_name(member));
    }
    for (size_t i = 0; maps[i] != NULL; i++) {
        const cJSON *member = json_get(metadata, maps[i]);
        if (member != NULL && !json_is_object(member))
            return err_set(reterr, ERR_TYPE, "metadata.%s: %s instead of an object", maps[i],
                           json_type_name(member));
    }
    return 0;
}

static int check_types(const struct admit_request *out, struct err *reterr)
{
    const cJSON *const objects[] = {out->object, out->old_object};
    for (size_t i = 0; i < 2; i++) {
        if (objects[i] == NULL)
            continue;
        int rc = out->schema != NULL ? schema_check(out->schema, objects[i], reterr)
                                     : check_metadata(objects[i], reterr);
        if (rc != 0)
            return err_wrap(reterr, "request.%s", i == 0 ? "object" : "oldObject");
    }
    return 0;
}

/* Rules are bound to the kinds that a resource is known to carry.  Another one, as a version that
 * came after this table, would pass all of them by. */
static int check_kind(const struct admit_request *out, struct err *reterr)
{
    bool known;
    const struct schema_kind *usual =
        schema_kind_of_resource(out->resource_group, out->resource, out->subresource, &known);
    if (usual == NULL || (out->schema != NULL && strcmp(out->schema->kind, usual->kind) == 0))
        return 0;
    return err_set(reterr, ERR_REVIEW, "request.kind: %s does not come as %s %s, as far as known",
                   out->resource_text, out->version, out->kind);
}

static int parse_objects(struct admit_request *out, struct err *reterr)
{
    const bool writes = out->operation == OPERATION_CREATE || out->operation == OPERATION_UPDATE;
    const bool had = out->operation == OPERATION_UPDATE || out->operation == OPERATION_DELETE;
    int rc = take_object(out->request, "object", writes, &out->object, reterr);
    if (rc == 0)
        rc = take_object(out->request, "oldObject", had, &out->old_object, reterr);
    if (rc == 0)
        rc = take_object(out->request, "options", false, &out->options, reterr);
    if (rc != 0)
        return rc;
    if (out->operation == OPERATION_DELETE)
        out->object = NULL;
    out->schema = schema_kind_find(out->group, out->version, out->kind);
    rc = check_kind(out, reterr);
    return rc != 0 ? rc : check_types(out, reterr);
}

int admit_request_parse(struct arena *arena, const char *body, size_t length,
                        enum admit_phase phase, struct admit_request *ret_request,
                        struct err *reterr)
{
    cJSON *root;
    *ret_request = (struct admit_request){.phase = phase, .uid = ""};
    int rc = json_parse(arena, body, length, &json_limits_review, &root, reterr);
    if (rc != 0)
        return rc;
    const char *kind = json_get_string(root, "kind");
    const char *version = json_get_string(root, "apiVersion");
    if (kind == NULL || strcmp(kind, "AdmissionReview") != 0)
        return wrong(reterr, "kind: AdmissionReview is needed");
    if (version == NULL || strcmp(version, "admission.k8s.io/v1") != 0)
        return wrong(reterr, "apiVersion: admission.k8s.io/v1 is needed");
    ret_request->request = json_get(root, "request");
    if (!json_is_object(ret_request->request))
        return wrong(reterr, "request: an object is needed");
    const char *uid = json_get_string(ret_request->request, "uid");
    if (uid == NULL || *uid == '\0' || strlen(uid) > 256)
        return wrong(reterr, "request.uid: a text of 1 to 256 bytes is needed");
    ret_request->uid = uid;
    rc = parse_identity(ret_request, arena, reterr);
    return rc != 0 ? rc : parse_objects(ret_request, reterr);
}

/* The API server appends five characters to the prefix, of which it keeps at most 58. */
const char *admit_effective_name(struct arena *arena, const struct admit_request *request)
{
    const cJSON *metadata =
        json_get(request->object != NULL ? request->object : request->old_object, "metadata");
    const char *name = request->name;
    if (*name == '\0')
        name = text_or(metadata, "name", "");
    const char *prefix = json_get_string(metadata, "generateName");
    if (prefix == NULL || *prefix == '\0' || request->operation != OPERATION_CREATE)
        return name;
    if (*name == '\0')
        return prefix;
    const size_t kept = strlen(prefix) < 58 ? strlen(prefix) : 58;
    if (strncmp(name, prefix, kept) == 0 && strlen(name) == kept + 5)
        return arena_strndup(arena, name, kept);
    return name;
}
