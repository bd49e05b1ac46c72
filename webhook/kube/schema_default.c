/* Two passes over the object: first out goes what the API server does not keep (decoding into Go
 * structs and writing them again), then in comes what it adds (pkg/apis/.../defaults.go). */
#include "kube/quantity.h"
#include "kube/schema.h"

#include <stdlib.h>
#include <string.h>

#define MILLI_EXPONENT (-3)
#define NANO_EXPONENT  (-9)
/* Enough for 17 digits that begin six places behind the point. */
#define PLACES_MAX      23
#define NANOS_PER_MILLI 1000000

/* A number as Go writes the float that kubectl made of it: 1e3 is 1000, 1.500 is 1.5.  Outside of
 * Go's range for plain notation it stays as it was written. */
static const char *plain_number(struct arena *arena, const cJSON *number)
{
    char digits[32];
    const char *written = json_number_text(number, digits);
    const double value = strtod(written, NULL), size = value < 0 ? -value : value;
    if (strpbrk(written, ".eE") == NULL || (size != 0 && (size < 1e-6 || size >= 1e21)))
        return arena_strdup(arena, written);
    const char *text = "0";
    for (int places = 0; places <= PLACES_MAX; places++) {
        text = arena_printf(arena, "%.*f", places, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

/* In a list of resources nothing finer than a milli is kept: SetDefaults_ResourceList. */
static void tidy_quantity(struct arena *arena, cJSON *value, bool is_resource)
{
    char text[QUANTITY_TEXT_MAX];
    const char *written = json_is_string(value) ? json_string(value) : plain_number(arena, value);
    struct quantity quantity;
    if (!quantity_parse(written, &quantity))
        return;
    if (is_resource && quantity.nanos % NANOS_PER_MILLI != 0) {
        const quantity_nanos up = quantity.nanos > 0 ? NANOS_PER_MILLI : -NANOS_PER_MILLI;
        quantity.nanos += up - quantity.nanos % NANOS_PER_MILLI;
    }
    quantity_write(&quantity, text);
    const char *kept =
        quantity_keeps_spelling(written, is_resource ? MILLI_EXPONENT : NANO_EXPONENT) ? written
                                                                                       : text;
    json_assign(arena, value, json_new_string(arena, kept));
}

/* 3.0 and 3e0 are 3: kubectl reads a file into floats and sends them without a fraction. */
static void tidy_int(struct arena *arena, cJSON *value)
{
    int64_t number;
    if (value->valuestring != NULL && json_int64(value, &number))
        json_assign(arena, value, json_new_int(arena, number));
}

/* What Go makes of null as an element or as a map's value. */
static void replace_null(struct arena *arena, const struct schema_node *schema, cJSON *value)
{
    switch (schema->type) {
    case SCHEMA_STRING:
        json_assign(arena, value, json_new_string(arena, ""));
        break;
    case SCHEMA_INT:
    case SCHEMA_NUMBER:
    case SCHEMA_INT_STRING:
        json_assign(arena, value, json_new_int(arena, 0));
        break;
    case SCHEMA_BOOL:
        json_assign(arena, value, json_new_bool(arena, false));
        break;
    case SCHEMA_QUANTITY:
        json_assign(arena, value, json_new_string(arena, "0"));
        break;
    case SCHEMA_OBJECT:
        json_assign(arena, value, json_new_object(arena));
        break;
    default: /* lists, maps and times stay null */
        break;
    }
}

static void tidy(struct arena *arena, const struct schema_node *schema, cJSON *value);

static void tidy_object(struct arena *arena, const struct schema_object *schema, cJSON *object)
{
    for (cJSON *next, *member = object->child; member != NULL; member = next) {
        next = member->next;
        const struct schema_field *field = schema_field_find(schema, member->string);
        if (field != NULL && !json_is_null(member))
            tidy(arena, &field->node, member);
        if (field == NULL || json_is_null(member) ||
            (field->zero_is_absent && schema_is_zero(member)))
            json_unlink(object, member);
    }
}

static void tidy_elements(struct arena *arena, const struct schema_node *schema, cJSON *list)
{
    for (cJSON *element = list->child; element != NULL; element = element->next) {
        if (json_is_null(element))
            replace_null(arena, schema->item, element);
        /* Every map of quantities in the API is a ResourceList. */
        if (schema->type == SCHEMA_MAP && schema->item->type == SCHEMA_QUANTITY)
            tidy_quantity(arena, element, true);
        else
            tidy(arena, schema->item, element);
    }
}

static void tidy(struct arena *arena, const struct schema_node *schema, cJSON *value)
{
    switch (schema->type) {
    case SCHEMA_INT:
    case SCHEMA_INT_STRING:
        if (json_is_number(value))
            tidy_int(arena, value);
        break;
    case SCHEMA_QUANTITY:
        tidy_quantity(arena, value, false);
        break;
    case SCHEMA_OBJECT:
        tidy_object(arena, schema->object, value);
        break;
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        tidy_elements(arena, schema, value);
        break;
    default:
        break;
    }
}

/* The table's defaults are numbers, booleans, {} and strings without escapes. */
static cJSON *read_default(struct arena *arena, const char *json)
{
    switch (json[0]) {
    case '{':
        return json_new_object(arena);
    case '"':
        return json_new_string(arena, arena_strndup(arena, json + 1, strlen(json) - 2));
    case 't':
    case 'f':
        return json_new_bool(arena, json[0] == 't');
    default:
        return json_new_number_text(arena, json);
    }
}

static void fill(struct arena *arena, const struct schema_node *schema, cJSON *value)
{
    if (schema->type == SCHEMA_LIST || schema->type == SCHEMA_MAP) {
        for (cJSON *element = value->child; element != NULL; element = element->next)
            fill(arena, schema->item, element);
        return;
    }
    if (schema->type != SCHEMA_OBJECT)
        return;
    const struct schema_object *object = schema->object;
    if (object->fill != NULL)
        object->fill(arena, value);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct schema_field *field = &object->fields[i];
        if (field->default_json != NULL && json_get(value, field->name) == NULL)
            json_add(arena, value, field->name, read_default(arena, field->default_json));
    }
    for (cJSON *member = value->child; member != NULL; member = member->next) {
        const struct schema_field *field = schema_field_find(object, member->string);
        if (field != NULL)
            fill(arena, &field->node, member);
    }
}

int schema_default(struct arena *arena, const struct schema_kind *kind, cJSON *object,
                   struct err *reterr)
{
    const int code = schema_check(kind, object, reterr);
    if (code < 0)
        return code;
    tidy(arena, &kind->root, object);
    fill(arena, &kind->root, object);
    return 0;
}
