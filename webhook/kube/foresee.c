#include "kube/foresee_internal.h"

#include "base/limits.h"
#include "kube/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIELD_TEXT_MAX 4000
#define VALUE_TEXT_MAX 300
/* Nobody reads more of one object. */
#define FORESEEN_MAX 100

/* ---- places ------------------------------------------------------------------------------- */

struct place place_member(const struct place *outer, const char *name)
{
    return (struct place){.outer = outer, .member = name, .out = outer->out};
}

struct place place_key(const struct place *outer, const char *key)
{
    return (struct place){.outer = outer, .key = key, .out = outer->out};
}

struct place place_element(const struct place *outer, size_t position)
{
    return (struct place){.outer = outer, .position = position, .out = outer->out};
}

static void write_place(struct buf *buf, const struct place *place)
{
    if (place->outer == NULL)
        return;
    write_place(buf, place->outer);
    if (place->member != NULL) {
        if (buf->length > 0)
            buf_add_char(buf, '.');
        buf_add_visible(buf, place->member, 100);
    } else if (place->key != NULL) {
        buf_add_char(buf, '[');
        buf_add_visible(buf, place->key, 100);
        buf_add_char(buf, ']');
    } else {
        buf_printf(buf, "[%zu]", place->position);
    }
}

static void note(const struct place *place, const char *text)
{
    const struct place root = {.out = place->out};
    struct foresight *out = place->out;
    struct buf field;
    if (out->count > FORESEEN_MAX)
        return;
    if (out->count == FORESEEN_MAX) {
        place = &root;
        text = "and more: these are the first 100";
    }
    buf_init(&field, out->arena, FIELD_TEXT_MAX);
    write_place(&field, place);
    struct foreseen *row = arena_alloc(out->arena, sizeof *row);
    row->field = arena_strdup(out->arena, field.length > 0 ? field.data : "");
    row->text = text;
    if (out->last != NULL)
        out->last->next = row;
    else
        out->first = row;
    out->last = row;
    out->count++;
}

void foresee_refuse(const struct place *place, const char *format, ...)
{
    char raw[VALUE_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    struct buf text;
    buf_init(&text, place->out->arena, 4 * sizeof raw);
    buf_add_visible(&text, raw, sizeof raw);
    note(place, text.data);
}

void foresee_refuse_member(const struct place *place, const char *name, const char *text)
{
    const struct place member = place_member(place, name);
    foresee_refuse(&member, "%s", text);
}

const char *foresee_short_name(const struct schema_object *schema)
{
    const char *dot = schema->name + strlen(schema->name);
    for (int dots = 0; dot > schema->name; dot--)
        if (*dot == '.' && ++dots == 3)
            return dot + 1;
    return schema->name;
}

/* ---- as written --------------------------------------------------------------------------- */

/* Digits where the API server's time.Parse wants them: 2006-01-02T15:04:05, and a zone. */
static bool is_time(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '0' ? !digit : text[i] != shape[i])
            return false;
    }
    return text[sizeof shape - 1] != '\0';
}

/* Go's int64; every other whole number of these kinds is an int32. */
static bool is_long(const char *name)
{
    static const char *const names[] = {"activeDeadlineSeconds",
                                        "deletionGracePeriodSeconds",
                                        "expirationSeconds",
                                        "fsGroup",
                                        "generation",
                                        "observedGeneration",
                                        "runAsGroup",
                                        "runAsUser",
                                        "seconds",
                                        "startingDeadlineSeconds",
                                        "supplementalGroups",
                                        "terminationGracePeriodSeconds",
                                        "tolerationSeconds",
                                        "uid",
                                        "gid",
                                        NULL};
    size_t i = 0;
    while (names[i] != NULL && strcmp(names[i], name) != 0)
        i++;
    return names[i] != NULL;
}

static bool is_too_large(const struct schema_node *schema, const cJSON *value,
                         const struct place *place)
{
    int64_t number;
    if ((schema->type != SCHEMA_INT && schema->type != SCHEMA_INT_STRING) ||
        !json_is_number(value) || !json_int64(value, &number) ||
        (number <= INT32_MAX && number >= INT32_MIN))
        return false;
    const char *name = place->member;
    if (name == NULL && place->outer != NULL)
        name = place->outer->member;
    return name == NULL || !is_long(name);
}

static void decode(const struct schema_node *schema, const cJSON *value, const struct place *place);

static void decode_object(const struct schema_object *schema, const cJSON *object,
                          const struct place *place)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const struct schema_field *field = schema_field_find(schema, member->string);
        const struct place at = place_member(place, member->string);
        const char *near = field == NULL ? schema_suggest(schema, member->string) : NULL;
        if (field != NULL)
            decode(&field->node, member, &at);
        else if (near != NULL)
            foresee_refuse(&at, "unknown field, did you mean %s?", near);
        else
            foresee_refuse(&at, "unknown field");
    }
}

static void decode(const struct schema_node *schema, const cJSON *value, const struct place *place)
{
    if (json_is_null(value) || schema->type == SCHEMA_ANY)
        return;
    if (!schema_has_type(value, schema->type)) {
        place->out->undecodable = true;
        foresee_refuse(place, "is %s, must be %s", json_type_name(value),
                       schema_type_name(schema->type));
    } else if (is_too_large(schema, value, place)) {
        place->out->undecodable = true;
        foresee_refuse(place, "is too large, must be at most %d", INT32_MAX);
    } else if (schema->type == SCHEMA_TIME && !is_time(json_string(value))) {
        place->out->undecodable = true;
        foresee_refuse(place, "is no time such as 2026-11-21T12:00:00Z");
    } else if (schema->type == SCHEMA_OBJECT) {
        decode_object(schema->object, value, place);
    } else if (schema->type == SCHEMA_LIST || schema->type == SCHEMA_MAP) {
        size_t position = 0;
        for (const cJSON *item = value->child; item != NULL; item = item->next) {
            const struct place at = schema->type == SCHEMA_MAP ? place_key(place, item->string)
                                                               : place_element(place, position++);
            decode(schema->item, item, &at);
        }
    }
}

void foresee_kind(const char *group, const char *version, const char *kind, struct foresight *out)
{
    const struct place root = {.out = out};
    for (size_t i = 0; i < schema_kind_count; i++) {
        const struct schema_kind *row = &schema_kinds[i];
        if (strcmp(row->kind, kind) != 0 ||
            (strcmp(row->group, group) != 0 && strcmp(group, "extensions") != 0))
            continue;
        const struct place at = place_member(&root, "apiVersion");
        out->undecodable = true;
        foresee_refuse(&at, "no %s in version %s%s%s: it is %s%s%s", kind, group,
                       group[0] != '\0' ? "/" : "", version, row->group,
                       row->group[0] != '\0' ? "/" : "", row->version);
        return;
    }
}

void foresee_decoding(const struct schema_kind *kind, const cJSON *object, struct foresight *out)
{
    const struct place root = {.out = out};
    decode(&kind->root, object, &root);
}

/* ---- as stored ---------------------------------------------------------------------------- */

static void check_enum(const struct schema_node *schema, const cJSON *value,
                       const struct place *place)
{
    const char *text = json_string(value);
    struct buf words;
    buf_init(&words, place->out->arena, VALUE_TEXT_MAX);
    for (size_t i = 0; schema->values[i] != NULL; i++) {
        if (strcmp(schema->values[i], text) == 0)
            return;
        buf_printf(&words, "%s\"%s\"", i == 0 ? "" : ", ", schema->values[i]);
    }
    foresee_refuse(place, "Unsupported value: \"%.60s\": supported values: %s", text, words.data);
}

/* At most one of the members that exclude each other. */
static void check_unions(const struct schema_object *schema, const cJSON *object,
                         const struct place *place)
{
    const char *first[8] = {NULL};
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const struct schema_field *field = schema_field_find(schema, member->string);
        const size_t group = field == NULL ? 0 : field->union_group;
        if (group == 0 || group >= sizeof first / sizeof first[0] || json_is_null(member) ||
            (json_is_string(member) && json_string(member)[0] == '\0'))
            continue;
        if (first[group] != NULL)
            foresee_refuse(place, "Forbidden: %s and %s exclude each other", first[group],
                           member->string);
        else
            first[group] = member->string;
    }
}

static void visit(const struct schema_node *schema, const cJSON *value, const struct place *place);

/* A status is Kubernetes' own, and not taken from whoever writes the rest; metadata is looked at
 * where it stands. */
static void visit_object(const struct schema_object *schema, const cJSON *object,
                         const struct place *place)
{
    check_unions(schema, object, place);
    foresee_rules(schema, object, place);
    foresee_fit(schema, object, place);
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        const struct schema_field *field = schema_field_find(schema, member->string);
        if (field == NULL || strcmp(member->string, "status") == 0 ||
            strcmp(member->string, "managedFields") == 0)
            continue;
        const struct place at = place_member(place, member->string);
        visit(&field->node, member, &at);
    }
}

static void visit(const struct schema_node *schema, const cJSON *value, const struct place *place)
{
    if (json_is_null(value))
        return;
    if (schema->type == SCHEMA_OBJECT) {
        visit_object(schema->object, value, place);
    } else if (schema->type == SCHEMA_LIST || schema->type == SCHEMA_MAP) {
        size_t position = 0;
        for (const cJSON *item = value->child; item != NULL; item = item->next) {
            const struct place at = schema->type == SCHEMA_MAP ? place_key(place, item->string)
                                                               : place_element(place, position++);
            visit(schema->item, item, &at);
        }
    } else if (schema->values != NULL && json_is_string(value)) {
        check_enum(schema, value, place);
    }
}

/* A kind whose names have no dots; a Service's begin with a letter until 1.34. */
static void check_name(const struct schema_kind *kind, const cJSON *object,
                       const struct place *root)
{
    const bool dots = strcmp(kind->kind, "Namespace") != 0 && strcmp(kind->kind, "Service") != 0;
    const cJSON *metadata = json_get(object, "metadata");
    const char *name = json_get_string(metadata, "name");
    const char *prefix = json_get_string(metadata, "generateName");
    const struct place at = place_member(root, "metadata");
    const bool named = name != NULL && name[0] != '\0';
    if (!named && (prefix == NULL || prefix[0] == '\0'))
        foresee_refuse_member(&at, "name", "Required value: name or generateName is required");
    else if (named && !foresee_is_dns(name, dots ? 253 : 63, dots))
        foresee_refuse_member(&at, "name",
                              dots ? "Invalid value: must be lower-case letters, digits, - and ., "
                                     "at most 253, with a letter or digit at both ends"
                                   : "Invalid value: must be lower-case letters, digits and -, at "
                                     "most 63, with a letter or digit at both ends");
}

/* ---- changes ------------------------------------------------------------------------------ */

/* What stays as it was made; `unless` names the members of a whole that may change. */
struct fixed {
    const char *kind;
    const char *path[3];
    const char *const *unless;
};

static const char *const stateful_set_free[] = {"replicas",
                                                "ordinals",
                                                "template",
                                                "updateStrategy",
                                                "revisionHistoryLimit",
                                                "persistentVolumeClaimRetentionPolicy",
                                                "minReadySeconds",
                                                NULL};
static const char *const claim_free[] = {"resources", "volumeAttributesClassName", "volumeName",
                                         NULL};

static const struct fixed fixed[] = {
    {"Deployment", {"spec", "selector"}, NULL},      {"ReplicaSet", {"spec", "selector"}, NULL},
    {"DaemonSet", {"spec", "selector"}, NULL},       {"StatefulSet", {"spec"}, stateful_set_free},
    {"Job", {"spec", "completionMode"}, NULL},       {"Job", {"spec", "podFailurePolicy"}, NULL},
    {"Job", {"spec", "backoffLimitPerIndex"}, NULL}, {"Job", {"spec", "managedBy"}, NULL},
    {"PersistentVolumeClaim", {"spec"}, claim_free}, {"Secret", {"type"}, NULL},
    {"EndpointSlice", {"addressType"}, NULL},
};

static cJSON *follow(const cJSON *object, const char *const path[3])
{
    return path[1] == NULL ? json_get(object, path[0]) : json_path(object, path[0], path[1], NULL);
}

static bool is_free(const char *const *unless, const char *name)
{
    for (; *unless != NULL; unless++)
        if (strcmp(*unless, name) == 0)
            return true;
    return false;
}

/* Whether a member that is written is another than before: what is left out the API server may
 * take over from the old object. */
static bool has_changed(const cJSON *now, const cJSON *before, const char *const *unless)
{
    if (now == NULL || before == NULL)
        return now != before && unless == NULL;
    if (unless == NULL)
        return !json_equal(now, before);
    for (const cJSON *member = now->child; member != NULL; member = member->next) {
        const cJSON *old = json_get(before, member->string);
        if (!is_free(unless, member->string) && (old == NULL || !json_equal(member, old)))
            return true;
    }
    return false;
}

static void check_fixed(const struct schema_kind *kind, const cJSON *object, const cJSON *old,
                        const struct place *root)
{
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        const struct fixed *row = &fixed[i];
        if (strcmp(row->kind, kind->kind) != 0 ||
            !has_changed(follow(object, row->path), follow(old, row->path), row->unless))
            continue;
        const struct place outer = place_member(root, row->path[0]);
        struct place inner = outer;
        if (row->path[1] != NULL)
            inner = place_member(&outer, row->path[1]);
        foresee_refuse(&inner, "Forbidden: it cannot be changed");
    }
}

/* ConfigMaps and Secrets that were declared immutable stay so, with all that is in them. */
static void check_frozen(const cJSON *object, const cJSON *old, const struct place *root)
{
    static const char *const members[] = {"data", "binaryData"};
    if (!json_is_true(json_get(old, "immutable")))
        return;
    if (!json_is_true(json_get(object, "immutable")))
        foresee_refuse_member(root, "immutable", "Forbidden: it cannot be taken back");
    for (size_t i = 0; i < 2; i++)
        if (has_changed(json_get(object, members[i]), json_get(old, members[i]), NULL))
            foresee_refuse_member(root, members[i], "Forbidden: immutable is true");
}

/* A Job's pods are made from one template; while it is suspended some of it may still change. */
static void check_job_template(const struct schema_kind *kind, const cJSON *object,
                               const cJSON *old, const struct place *root)
{
    const cJSON *now = json_path(object, "spec", "template", "spec", "containers", NULL);
    const cJSON *before = json_path(old, "spec", "template", "spec", "containers", NULL);
    if (strcmp(kind->kind, "Job") != 0 || json_count(now) != json_count(before))
        return;
    const cJSON *one = now == NULL ? NULL : now->child;
    const cJSON *other = before == NULL ? NULL : before->child;
    for (; one != NULL && other != NULL; one = one->next, other = other->next) {
        const char *image = json_get_string(one, "image"), *was = json_get_string(other, "image");
        if (image == NULL || was == NULL || strcmp(image, was) == 0)
            continue;
        const struct place spec = place_member(root, "spec");
        foresee_refuse_member(&spec, "template", "Invalid value: it cannot be changed");
        return;
    }
}

void foresee_storing(const struct schema_kind *kind, const cJSON *object, const cJSON *old,
                     struct foresight *out)
{
    const struct place root = {.out = out};
    out->creates = old == NULL;
    check_name(kind, object, &root);
    visit(&kind->root, object, &root);
    if (old == NULL)
        return;
    check_fixed(kind, object, old, &root);
    check_frozen(object, old, &root);
    check_job_template(kind, object, old, &root);
}

/* ---- words -------------------------------------------------------------------------------- */

const char *foresight_message(const struct foresight *foresight)
{
    if (foresight->count == 0)
        return NULL;
    struct buf text;
    buf_init(&text, foresight->arena, LIMIT_MIB);
    buf_add_string(&text, "Kubernetes would refuse it, whatever the policies say:");
    for (const struct foreseen *row = foresight->first; row != NULL; row = row->next)
        buf_printf(&text, "\n* %s%s%s", row->field, row->field[0] != '\0' ? ": " : "", row->text);
    return text.data;
}
