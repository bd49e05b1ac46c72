#include "policy/value.h"

#include "base/utf8.h"
#include "kube/image.h"
#include "kube/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- types ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum value_type type;
} type_names[] = {
    {"auto", VALUE_AUTO},         {"quantity", VALUE_QUANTITY},
    {"int", VALUE_INT},           {"intOrPercent", VALUE_INT_OR_PERCENT},
    {"duration", VALUE_DURATION}, {"string", VALUE_STRING},
    {"bool", VALUE_BOOL},
};

bool value_type_parse(const char *name, enum value_type *ret_type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (strcmp(name, type_names[i].name) == 0) {
            *ret_type = type_names[i].type;
            return true;
        }
    return false;
}

enum value_type value_type_at(enum value_type type, const struct schema_node *node)
{
    if (type != VALUE_AUTO || node == NULL)
        return type;
    switch (node->type) {
    case SCHEMA_QUANTITY:
        return VALUE_QUANTITY;
    case SCHEMA_INT:
        return VALUE_INT;
    case SCHEMA_INT_STRING:
        return VALUE_INT_OR_PERCENT;
    case SCHEMA_DURATION:
        return VALUE_DURATION;
    case SCHEMA_STRING:
    case SCHEMA_TIME:
        return VALUE_STRING;
    case SCHEMA_BOOL:
        return VALUE_BOOL;
    default:
        return VALUE_AUTO;
    }
}

/* ---- comparing scalars ------------------------------------------------------------------ */

static bool read_quantity(const cJSON *value, struct quantity *ret_quantity)
{
    char scratch[32];
    if (json_is_string(value))
        return quantity_parse(value->valuestring, ret_quantity);
    return json_is_number(value) && quantity_parse(json_number_text(value, scratch), ret_quantity);
}

static enum value_order compare_quantities(const cJSON *a, const cJSON *b)
{
    struct quantity x, y;
    if (!read_quantity(a, &x))
        return VALUE_INCOMPARABLE;
    /* After a default both are mostly the same text. */
    if (json_is_string(a) && json_is_string(b) && strcmp(a->valuestring, b->valuestring) == 0)
        return VALUE_SAME;
    if (!read_quantity(b, &y))
        return VALUE_INCOMPARABLE;
    return (enum value_order)quantity_compare(&x, &y);
}

static enum value_order compare_numbers(const cJSON *a, const cJSON *b)
{
    int64_t x, y;
    if (!json_is_number(a) || !json_is_number(b))
        return VALUE_INCOMPARABLE;
    if (json_int64(a, &x) && json_int64(b, &y))
        return x < y ? VALUE_LESS : x > y ? VALUE_MORE : VALUE_SAME;
    return compare_quantities(a, b);
}

bool value_read_int(const cJSON *value, int64_t *ret_number)
{
    if (!json_is_string(value))
        return json_int64(value, ret_number);
    const char *digits = value->valuestring + (*value->valuestring == '-');
    const size_t length = strlen(digits);
    if (length == 0 || length > 18 || strspn(digits, "0123456789") != length)
        return false;
    *ret_number = strtoll(value->valuestring, NULL, 10);
    return true;
}

static enum value_order compare_ints(const cJSON *a, const cJSON *b)
{
    int64_t x, y;
    if (!value_read_int(a, &x) || !value_read_int(b, &y))
        return compare_numbers(a, b);
    return x < y ? VALUE_LESS : x > y ? VALUE_MORE : VALUE_SAME;
}

/* "25%" -> 25 */
static bool read_percent(const cJSON *value, int64_t *ret_percent)
{
    if (!json_is_string(value) || *value->valuestring < '0' || *value->valuestring > '9')
        return false;
    char *end;
    errno = 0;
    const long long percent = strtoll(value->valuestring, &end, 10);
    if (strcmp(end, "%") != 0 || errno != 0)
        return false;
    *ret_percent = percent;
    return true;
}

static enum value_order compare_strings(const cJSON *a, const cJSON *b)
{
    const bool same =
        json_is_string(a) && json_is_string(b) && strcmp(a->valuestring, b->valuestring) == 0;
    return same ? VALUE_SAME : VALUE_INCOMPARABLE;
}

static const char *text_of(const cJSON *value, char scratch[32])
{
    return json_is_number(value) ? json_number_text(value, scratch) : json_string(value);
}

/* Of a field that holds nothing but strings: a policy's number is the text that it is put in as
 * (edit.c). */
static enum value_order compare_texts(const cJSON *a, const cJSON *b)
{
    char x_digits[32], y_digits[32];
    const char *x = text_of(a, x_digits), *y = text_of(b, y_digits);
    return x != NULL && y != NULL && strcmp(x, y) == 0 ? VALUE_SAME : VALUE_INCOMPARABLE;
}

static enum value_order compare_int_or_percent(const cJSON *a, const cJSON *b)
{
    int64_t x, y;
    const bool a_percent = read_percent(a, &x), b_percent = read_percent(b, &y);
    if (a_percent && b_percent)
        return x < y ? VALUE_LESS : x > y ? VALUE_MORE : VALUE_SAME;
    /* No part of anything is nothing: 0% is 0. */
    if (a_percent)
        return x == 0 && json_int64(b, &y) && y == 0 ? VALUE_SAME : VALUE_INCOMPARABLE;
    if (b_percent)
        return y == 0 && json_int64(a, &x) && x == 0 ? VALUE_SAME : VALUE_INCOMPARABLE;
    return json_is_number(a) ? compare_numbers(a, b) : compare_strings(a, b);
}

/* Digits with a point; strtod would also read exponents and hexadecimals, which Go refuses. */
static double read_decimal(const char *text, const char **ret_end)
{
    double number = 0, place = 1;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++)
            number += (*text - '0') * (place /= 10);
    *ret_end = text;
    return number;
}

/* Go's time.ParseDuration, in nanoseconds: "1h30m", "500ms", "0". */
static bool read_duration(const cJSON *value, double *ret_nanos)
{
    static const struct {
        const char *unit;
        double nanos;
    } units[] = {{"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6},
                 {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};
    const char *at = json_string(value);
    if (at == NULL || *at == '\0')
        return false;
    const double sign = *at == '-' ? -1 : 1;
    at += *at == '-' || *at == '+';
    double total = 0;
    if (strcmp(at, "0") == 0) {
        *ret_nanos = 0;
        return true;
    }
    do {
        const char *end;
        if ((*at < '0' || *at > '9') && *at != '.')
            return false;
        const double number = read_decimal(at, &end);
        size_t unit = 0, length = strcspn(end, "0123456789.");
        while (unit < sizeof units / sizeof *units &&
               (strlen(units[unit].unit) != length || memcmp(end, units[unit].unit, length) != 0))
            unit++;
        if (unit == sizeof units / sizeof *units)
            return false;
        total += number * units[unit].nanos;
        at = end + length;
    } while (*at != '\0');
    *ret_nanos = sign * total;
    return true;
}

static enum value_order compare_durations(const cJSON *a, const cJSON *b)
{
    double x, y;
    if (!read_duration(a, &x) || !read_duration(b, &y))
        return VALUE_INCOMPARABLE;
    return x < y ? VALUE_LESS : x > y ? VALUE_MORE : VALUE_SAME;
}

enum value_order value_compare(enum value_type type, const cJSON *a, const cJSON *b)
{
    switch (type) {
    case VALUE_QUANTITY:
        return compare_quantities(a, b);
    case VALUE_INT:
        return compare_ints(a, b);
    case VALUE_INT_OR_PERCENT:
        return compare_int_or_percent(a, b);
    case VALUE_DURATION:
        return compare_durations(a, b);
    case VALUE_STRING:
        return compare_texts(a, b);
    case VALUE_AUTO:
        if (json_is_number(a))
            return compare_numbers(a, b);
        if (json_is_string(a))
            return compare_strings(a, b);
        break;
    case VALUE_BOOL:
        break;
    }
    return json_is_bool(a) && json_is_bool(b) && json_is_true(a) == json_is_true(b)
               ? VALUE_SAME
               : VALUE_INCOMPARABLE;
}

/* ---- holding ---------------------------------------------------------------------------- */

bool value_is_absent(const struct schema_field *field, const cJSON *value)
{
    if (json_is_null(value))
        return true;
    return field != NULL && field->zero_is_absent && schema_is_zero(value);
}

static const struct schema_field *field_of(const struct schema_node *node, const char *name)
{
    return node != NULL && node->type == SCHEMA_OBJECT ? schema_field_find(node->object, name)
                                                       : NULL;
}

/* Whether a scalar is the API's own default of the field. */
static bool is_default(const struct schema_field *field, const cJSON *value)
{
    char text[64], digits[32];
    if (field == NULL || field->default_json == NULL)
        return false;
    if (json_is_string(value))
        snprintf(text, sizeof text, "\"%s\"", value->valuestring);
    else if (json_is_number(value))
        snprintf(text, sizeof text, "%s", json_number_text(value, digits));
    else
        snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
    return strcmp(field->default_json, text) == 0;
}

static bool member_holds(const struct schema_node *node, const cJSON *found, const cJSON *wanted,
                         bool exactly)
{
    const struct schema_field *field = field_of(node, wanted->string);
    return value_holds(VALUE_AUTO, schema_member(node, wanted->string),
                       field != NULL && field->zero_is_absent, json_get(found, wanted->string),
                       wanted, exactly);
}

static bool object_holds(const struct schema_node *node, const cJSON *found, const cJSON *wanted,
                         bool exactly)
{
    for (const cJSON *member = wanted->child; member != NULL; member = member->next)
        if (!member_holds(node, found, member, exactly))
            return false;
    if (!exactly)
        return true;
    for (const cJSON *member = found->child; member != NULL; member = member->next)
        /* What the API server fills in by itself is not somebody else's. */
        if (json_find(wanted, member->string) == NULL &&
            !value_is_absent(field_of(node, member->string), member) &&
            !is_default(field_of(node, member->string), member))
            return false;
    return true;
}

static bool same_keys(const struct schema_node *list, const cJSON *found, const cJSON *wanted)
{
    for (const char *const *key = list->merge_keys; *key != NULL; key++) {
        const cJSON *x = json_get(found, *key), *y = json_get(wanted, *key);
        const enum value_type type = value_type_at(VALUE_AUTO, schema_member(list->item, *key));
        /* A key with an API default (a port's protocol) may be left out of the wanted value. */
        if (y == NULL ? x != NULL && !is_default(field_of(list->item, *key), x)
                      : x == NULL || value_compare(type, x, y) != VALUE_SAME)
            return false;
    }
    return true;
}

static bool list_holds(const struct schema_node *node, const cJSON *found, const cJSON *wanted,
                       bool exactly)
{
    const struct schema_node *item = node != NULL ? node->item : NULL;
    if (json_count(found) != json_count(wanted))
        return false;
    const bool keyed = node != NULL && node->merge_keys != NULL;
    const cJSON *in_order = found->child;
    for (const cJSON *want = wanted->child; want != NULL; want = want->next) {
        const cJSON *have = keyed ? found->child : in_order;
        while (keyed && have != NULL && !same_keys(node, have, want))
            have = have->next;
        if (have == NULL || !value_holds(VALUE_AUTO, item, false, have, want, exactly))
            return false;
        in_order = in_order->next;
    }
    return true;
}

bool value_holds(enum value_type type, const struct schema_node *node, bool zero_is_absent,
                 const cJSON *found, const cJSON *wanted, bool exactly)
{
    if (json_is_null(wanted) || json_is_null(found)) {
        const cJSON *other = json_is_null(wanted) ? found : wanted;
        return json_is_null(other) || (zero_is_absent && schema_is_zero(other));
    }
    if (json_is_object(wanted))
        return json_is_object(found) && object_holds(node, found, wanted, exactly);
    if (json_is_array(wanted))
        return json_is_array(found) && list_holds(node, found, wanted, exactly);
    if (json_is_object(found) || json_is_array(found))
        return false;
    return value_compare(value_type_at(type, node), found, wanted) == VALUE_SAME;
}

/* ---- views ------------------------------------------------------------------------------ */

static cJSON *part_node(struct arena *arena, struct image_part part, const char *prefix)
{
    if (part.text == NULL)
        return NULL;
    return json_new_string(arena,
                           arena_printf(arena, "%s%.*s", prefix, (int)part.length, part.text));
}

static bool view_image(struct arena *arena, enum field_view view, const cJSON *value,
                       bool (*visit)(void *context, cJSON *seen), void *context,
                       bool *ret_unreadable)
{
    struct image image;
    if (!json_is_string(value) || !image_parse(value->valuestring, &image)) {
        *ret_unreadable = true;
        return true;
    }
    switch (view) {
    case VIEW_REGISTRY:
        return visit(context, part_node(arena, image.registry, ""));
    case VIEW_REPOSITORY:
        return visit(context, part_node(arena, image.repository,
                                        image.repository_in_library ? "library/" : ""));
    case VIEW_TAG:
        return visit(context, part_node(arena, image.tag, ""));
    default:
        return visit(context, part_node(arena, image.digest, ""));
    }
}

static int64_t count_present(const cJSON *value)
{
    int64_t count = 0;
    if (json_is_array(value) || json_is_object(value))
        for (const cJSON *child = value->child; child != NULL; child = child->next)
            count += !json_is_null(child);
    return count;
}

bool value_view(struct arena *arena, enum field_view view, const struct target *target,
                bool (*visit)(void *context, cJSON *seen), void *context, bool *ret_unreadable)
{
    cJSON *value = target->value;
    *ret_unreadable = false;
    switch (view) {
    case VIEW_NONE: {
        const struct path *path = target->path;
        const struct schema_field *field =
            path->count > 0 ? path->steps[path->count - 1].field : NULL;
        return visit(context, value_is_absent(field, value) ? NULL : value);
    }
    case VIEW_COUNT:
        return visit(context, json_new_int(arena, count_present(value)));
    case VIEW_KEYS:
        if (json_is_object(value))
            for (const cJSON *member = value->child; member != NULL; member = member->next)
                if (!json_is_null(member) &&
                    !visit(context, json_new_string(arena, member->string)))
                    return false;
        return true;
    default:
        return value == NULL ? visit(context, NULL)
                             : view_image(arena, view, value, visit, context, ret_unreadable);
    }
}

/* ---- words ------------------------------------------------------------------------------ */

void value_write(const cJSON *value, size_t max_runes, struct buf *buf)
{
    struct buf json;
    buf_init(&json, buf->arena, 1 << 20);
    if (value != NULL)
        json_write(&json, value);
    buf_add_visible(buf, json.data, max_runes);
    buf_done(&json);
}

/* "prefix.key", cut to what `name` holds. */
static void join_name(char *name, size_t bytes, const char *prefix, const char *key)
{
    const char *const parts[] = {prefix, *prefix != '\0' ? "." : "", key};
    size_t length = 0;
    for (size_t i = 0; i < 3; i++) {
        const size_t most = bytes - 1 - length, wanted = strlen(parts[i]);
        memcpy(name + length, parts[i], wanted < most ? wanted : most);
        length += wanted < most ? wanted : most;
    }
    name[length] = '\0';
}

static void write_plain(const cJSON *value, const char *prefix, struct buf *buf, size_t max_bytes)
{
    char name[256];
    if (buf->length > max_bytes)
        return;
    if (!json_is_object(value)) {
        if (*prefix != '\0')
            buf_add_strings(buf, buf->length > 0 ? ", " : "", prefix, " ", NULL);
        if (json_is_string(value) && *value->valuestring != '\0')
            buf_add_string(buf, value->valuestring);
        else
            json_write(buf, value);
        return;
    }
    if (value->child == NULL)
        buf_printf(buf, "%s%s{}", prefix, *prefix != '\0' ? " " : "");
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        join_name(name, sizeof name, prefix, member->string);
        write_plain(member, name, buf, max_bytes);
    }
}

void value_write_plain(const cJSON *value, size_t max_runes, struct buf *buf)
{
    struct buf plain;
    buf_init(&plain, buf->arena, 1 << 20);
    if (value == NULL)
        buf_add_string(&plain, "unset");
    else
        write_plain(value, "", &plain, max_runes * 4);
    buf_add_visible(buf, plain.data, max_runes);
    buf_done(&plain);
}
