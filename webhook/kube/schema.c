#include "kube/schema.h"

#include "kube/names.h"
#include "kube/quantity.h"
#include "kube/schema_table.h"

#include <stdlib.h>
#include <string.h>

/* Of a path in an error; the rest is cut. */
#define PATH_TEXT_MAX 200

const struct schema_kind *schema_kind_find(const char *group, const char *version, const char *kind)
{
    for (size_t i = 0; i < schema_kind_count; i++) {
        const struct schema_kind *row = &schema_kinds[i];
        if (strcmp(row->kind, kind) == 0 && strcmp(row->group, group) == 0 &&
            strcmp(row->version, version) == 0)
            return row;
    }
    return NULL;
}

struct resource_key {
    const char *group, *resource, *subresource;
};

static int compare_resource(const void *key_pointer, const void *row_pointer)
{
    const struct resource_key *key = key_pointer;
    const struct schema_resource *row = row_pointer;
    int order = strcmp(key->group, row->group);
    if (order == 0)
        order = strcmp(key->resource, row->resource);
    return order != 0 ? order : strcmp(key->subresource, row->subresource);
}

const struct schema_kind *schema_kind_of_resource(const char *group, const char *resource,
                                                  const char *subresource, bool *ret_known_resource)
{
    const struct resource_key key = {group, resource, subresource};
    const struct schema_resource *row =
        bsearch(&key, schema_resources, schema_resource_count, sizeof(*row), compare_resource);
    *ret_known_resource = row != NULL;
    return row == NULL ? NULL : row->kind;
}

struct schema_resource_name schema_resource_split(struct arena *arena, const char *text)
{
    const size_t name = strcspn(text, "./"), head = strcspn(text, "/");
    return (struct schema_resource_name){
        text[name] == '.' ? arena_strndup(arena, text + name + 1, head - name - 1) : "",
        arena_strndup(arena, text, name), text[head] == '/' ? text + head + 1 : ""};
}

bool schema_resource_at(size_t index, struct schema_resource_name *ret_name)
{
    if (index >= schema_resource_count)
        return false;
    const struct schema_resource *row = &schema_resources[index];
    *ret_name = (struct schema_resource_name){row->group, row->resource, row->subresource};
    return true;
}

/* Names are ASCII; their first letters mostly decide. */
static int compare_names(const char *a, const char *b)
{
    const int order = (unsigned char)a[0] - (unsigned char)b[0];
    return order != 0 ? order : strcmp(a, b);
}

const struct schema_field *schema_field_find(const struct schema_object *object, const char *name)
{
    size_t low = 0, high = object->field_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_names(name, object->fields[middle].name);
        if (order == 0)
            return &object->fields[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct schema_node *schema_member(const struct schema_node *node, const char *name)
{
    if (node == NULL)
        return NULL;
    if (node->type == SCHEMA_MAP)
        return node->item;
    if (node->type != SCHEMA_OBJECT)
        return NULL;
    const struct schema_field *field = schema_field_find(node->object, name);
    return field == NULL ? NULL : &field->node;
}

const char *schema_suggest(const struct schema_object *object, const char *name)
{
    const char *names[128]; /* the largest object, PodSpec, has some 45 members */
    size_t count = 0;
    for (; count < object->field_count && count + 1 < sizeof(names) / sizeof(names[0]); count++)
        names[count] = object->fields[count].name;
    names[count] = NULL;
    return name_nearest(name, names);
}

const char *schema_type_name(enum schema_type type)
{
    static const char *const names[] = {
        [SCHEMA_ANY] = "any value",
        [SCHEMA_STRING] = "string",
        [SCHEMA_BOOL] = "boolean",
        [SCHEMA_INT] = "whole number",
        [SCHEMA_NUMBER] = "number",
        [SCHEMA_QUANTITY] = "quantity",
        [SCHEMA_INT_STRING] = "whole number or string",
        [SCHEMA_TIME] = "time",
        [SCHEMA_DURATION] = "duration",
        [SCHEMA_OBJECT] = "object",
        [SCHEMA_LIST] = "list",
        [SCHEMA_MAP] = "map",
    };
    return names[type];
}

bool schema_is_zero(const cJSON *value)
{
    if (json_is_null(value))
        return true;
    if (json_is_bool(value))
        return !json_is_true(value);
    if (json_is_string(value))
        return json_string(value)[0] == '\0';
    if (json_is_number(value))
        return value->valuedouble == 0.0;
    return value->child == NULL;
}

/* The way to the member that is being checked: one step a level, on the stack. */
struct step {
    const struct step *outer;
    const cJSON *node;
    size_t position; /* in a list */
    bool in_list;
};

static void add_path(struct buf *path, const struct step *step)
{
    if (step == NULL || step->outer == NULL)
        return;
    add_path(path, step->outer);
    if (step->in_list) {
        buf_printf(path, "[%zu]", step->position);
        return;
    }
    if (path->length > 0)
        buf_add_char(path, '.');
    buf_add_visible(path, step->node->string, 60);
}

static int type_error(const struct step *step, enum schema_type wanted, struct err *reterr)
{
    struct buf path;
    buf_init(&path, NULL, PATH_TEXT_MAX);
    add_path(&path, step);
    const int code = err_set(reterr, ERR_TYPE, "%s is %s, must be %s",
                             path.length > 0 ? path.data : "the object", json_type_name(step->node),
                             schema_type_name(wanted));
    buf_done(&path);
    return code;
}

static bool is_whole(const cJSON *value)
{
    int64_t ignored;
    return json_is_number(value) && json_int64(value, &ignored);
}

static bool is_quantity(const cJSON *value)
{
    char digits[32];
    struct quantity quantity;
    if (json_is_number(value))
        return quantity_parse(json_number_text(value, digits), &quantity);
    return json_is_string(value) && quantity_parse(json_string(value), &quantity);
}

bool schema_has_type(const cJSON *value, enum schema_type type)
{
    switch (type) {
    case SCHEMA_ANY:
        return true;
    case SCHEMA_STRING:
    case SCHEMA_TIME:
    case SCHEMA_DURATION:
        return json_is_string(value);
    case SCHEMA_BOOL:
        return json_is_bool(value);
    case SCHEMA_INT:
        return is_whole(value);
    case SCHEMA_NUMBER:
        return json_is_number(value);
    case SCHEMA_QUANTITY:
        return is_quantity(value);
    case SCHEMA_INT_STRING:
        return json_is_string(value) || is_whole(value);
    case SCHEMA_LIST:
        return json_is_array(value);
    case SCHEMA_OBJECT:
    case SCHEMA_MAP:
        return json_is_object(value);
    }
    return false;
}

static int check_node(const struct schema_node *schema, const struct step *step, struct err *reterr)
{
    if (json_is_null(step->node) || schema->type == SCHEMA_ANY)
        return 0;
    if (!schema_has_type(step->node, schema->type))
        return type_error(step, schema->type, reterr);
    if (!json_is_object(step->node) && !json_is_array(step->node))
        return 0;
    size_t position = 0;
    for (const cJSON *child = step->node->child; child != NULL; child = child->next) {
        const bool in_list = schema->type == SCHEMA_LIST;
        const struct step inner = {step, child, position++, in_list};
        const struct schema_node *member =
            in_list ? schema->item : schema_member(schema, child->string);
        const int code = member == NULL ? 0 : check_node(member, &inner, reterr);
        if (code < 0)
            return code;
    }
    return 0;
}

int schema_check(const struct schema_kind *kind, const cJSON *object, struct err *reterr)
{
    const struct step root = {NULL, object, 0, false};
    if (!json_is_object(object))
        return type_error(&root, SCHEMA_OBJECT, reterr);
    return check_node(&kind->root, &root, reterr);
}
