#include "base/json_internal.h"
#include "base/limits.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---------------------------------------------------------------------------- */

static inline cJSON *find(const cJSON *object, const char *key)
{
    if (!json_is_object(object))
        return NULL;
    for (cJSON *child = object->child; child != NULL; child = child->next)
        if (child->string[0] == key[0] && strcmp(child->string, key) == 0)
            return child;
    return NULL;
}

cJSON *json_find(const cJSON *object, const char *key)
{
    return find(object, key);
}

cJSON *json_get(const cJSON *object, const char *key)
{
    cJSON *member = find(object, key);
    return json_is_null(member) ? NULL : member;
}

cJSON *json_path(const cJSON *object, ...)
{
    va_list keys;
    va_start(keys, object);
    const cJSON *node = object;
    for (const char *key; node != NULL && (key = va_arg(keys, const char *)) != NULL;)
        node = json_get(node, key);
    va_end(keys);
    return (cJSON *)(uintptr_t)node;
}

const char *json_string(const cJSON *node)
{
    return json_is_string(node) ? node->valuestring : NULL;
}

const char *json_get_string(const cJSON *object, const char *key)
{
    return json_string(json_get(object, key));
}

const char *json_type_name(const cJSON *node)
{
    if (json_is_object(node))
        return "object";
    if (json_is_array(node))
        return "array";
    if (json_is_string(node))
        return "string";
    if (json_is_number(node))
        return "number";
    return json_is_bool(node) ? "boolean" : "null";
}

size_t json_count(const cJSON *node)
{
    size_t count = 0;
    if (json_is_object(node) || json_is_array(node))
        for (const cJSON *child = node->child; child != NULL; child = child->next)
            count++;
    return count;
}

/* printf takes ten times as long, and numbers are written for every patch. */
static const char *write_int(int64_t value, char scratch[32])
{
    char *at = scratch + 31;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *at = '\0';
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *--at = '-';
    return at;
}

const char *json_number_text(const cJSON *number, char scratch[32])
{
    if (number->valuestring != NULL)
        return number->valuestring;
    if (fabs(number->valuedouble) < 1e15 && number->valuedouble == floor(number->valuedouble))
        return write_int((int64_t)number->valuedouble, scratch);
    snprintf(scratch, 32, "%.17g", number->valuedouble);
    return scratch;
}

bool json_int64(const cJSON *number, int64_t *ret_value)
{
    if (!json_is_number(number))
        return false;
    if (number->valuestring != NULL && strpbrk(number->valuestring, ".eE") == NULL) {
        char *end;
        errno = 0;
        long long value = strtoll(number->valuestring, &end, 10);
        if (*end != '\0' || errno != 0)
            return false;
        *ret_value = value;
        return true;
    }
    const double value = number->valuedouble;
    if (!(fabs(value) < 9.2e18) || value != floor(value))
        return false;
    *ret_value = (int64_t)value;
    return true;
}

/* ---- building --------------------------------------------------------------------------- */

static cJSON *new_node(struct arena *arena, int type)
{
    cJSON *node = arena_alloc(arena, sizeof *node);
    node->type = type;
    return node;
}

cJSON *json_new_object(struct arena *arena)
{
    return new_node(arena, cJSON_Object);
}

cJSON *json_new_array(struct arena *arena)
{
    return new_node(arena, cJSON_Array);
}

cJSON *json_new_string(struct arena *arena, const char *text)
{
    cJSON *node = new_node(arena, cJSON_String);
    node->valuestring = arena_strdup(arena, text);
    return node;
}

cJSON *json_new_bool(struct arena *arena, bool value)
{
    return new_node(arena, value ? cJSON_True : cJSON_False);
}

cJSON *json_new_int(struct arena *arena, int64_t value)
{
    char digits[32];
    return json_new_number_text(arena, write_int(value, digits));
}

cJSON *json_new_number_text(struct arena *arena, const char *digits)
{
    cJSON *node = new_node(arena, cJSON_Number);
    node->valuedouble = strtod(digits, NULL);
    if (fabs(node->valuedouble) < 2147483647.0)
        node->valueint = (int)node->valuedouble;
    if (strlen(digits) > JSON_EXACT_DIGITS || strpbrk(digits, ".eE") != NULL)
        node->valuestring = arena_strdup(arena, digits);
    return node;
}

cJSON *json_dup(struct arena *arena, const cJSON *node)
{
    cJSON *copy = new_node(arena, node->type & 0xff);
    copy->valuedouble = node->valuedouble;
    copy->valueint = node->valueint;
    if (node->valuestring != NULL)
        copy->valuestring = arena_strdup(arena, node->valuestring);
    if (node->string != NULL)
        copy->string = arena_strdup(arena, node->string);
    for (const cJSON *child = node->child; child != NULL; child = child->next)
        json_append(copy, json_dup(arena, child));
    return copy;
}

void json_append(cJSON *array, cJSON *node)
{
    /* cJSON's lists: the first child's prev is the last child. */
    node->next = NULL;
    if (array->child == NULL) {
        array->child = node;
        node->prev = node;
        return;
    }
    cJSON *last = array->child->prev;
    last->next = node;
    node->prev = last;
    array->child->prev = node;
}

void json_add(struct arena *arena, cJSON *object, const char *key, cJSON *node)
{
    node->string = arena_strdup(arena, key);
    json_append(object, node);
}

void json_unlink(cJSON *parent, cJSON *child)
{
    if (child == parent->child) {
        parent->child = child->next;
        if (child->next != NULL)
            child->next->prev = child->prev;
    } else {
        child->prev->next = child->next;
        if (child->next != NULL)
            child->next->prev = child->prev;
        else
            parent->child->prev = child->prev;
    }
    child->next = child->prev = NULL;
}

void json_assign(struct arena *arena, cJSON *node, const cJSON *value)
{
    const cJSON *copy = json_dup(arena, value);
    node->type = copy->type;
    node->child = copy->child;
    node->valuestring = copy->valuestring;
    node->valueint = copy->valueint;
    node->valuedouble = copy->valuedouble;
}

/* ---- comparing -------------------------------------------------------------------------- */

static bool equal_numbers(const cJSON *a, const cJSON *b)
{
    int64_t x, y;
    bool a_int = json_int64(a, &x);
    if (a_int != json_int64(b, &y))
        return false;
    if (a_int)
        return x == y;
    char sa[32], sb[32];
    return a->valuedouble == b->valuedouble ||
           strcmp(json_number_text(a, sa), json_number_text(b, sb)) == 0;
}

static size_t count_present(const cJSON *object)
{
    size_t count = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next)
        count += json_is_null(child) ? 0 : 1;
    return count;
}

/* Members of both in the order of their keys: whoever turns a large object round must not make
 * each look-up walk all of it. */
struct comparison {
    struct arena scratch;
    const cJSON *a, *b;
    bool equal;
};

static void compare_sorted(void *context)
{
    struct comparison *comparison = context;
    size_t of_a, of_b, x = 0, y = 0;
    cJSON **left = json_sort_members(&comparison->scratch, comparison->a, &of_a);
    cJSON **right = json_sort_members(&comparison->scratch, comparison->b, &of_b);
    comparison->equal = false;
    for (;; x++, y++) {
        while (x < of_a && json_is_null(left[x]))
            x++;
        while (y < of_b && json_is_null(right[y]))
            y++;
        if (x == of_a || y == of_b)
            break;
        if (strcmp(left[x]->string, right[y]->string) != 0 || !json_equal(left[x], right[y]))
            return;
    }
    comparison->equal = x == of_a && y == of_b;
}

/* False if there is no memory for it. */
static bool equal_large(const cJSON *a, const cJSON *b, bool *ret_equal)
{
    struct comparison comparison = {.a = a, .b = b};
    arena_init(&comparison.scratch, LIMIT_ARENA_BYTES);
    const bool done = arena_try(&comparison.scratch, compare_sorted, &comparison);
    arena_done(&comparison.scratch);
    *ret_equal = comparison.equal;
    return done;
}

#define OUT_OF_ORDER_MAX 32

static bool equal_members(const cJSON *a, const cJSON *b)
{
    const cJSON *guess = b->child; /* both mostly come in the same order */
    size_t searched = 0;
    bool equal;
    if (count_present(a) != count_present(b))
        return false;
    for (const cJSON *child = a->child; child != NULL; child = child->next) {
        if (json_is_null(child))
            continue;
        const bool in_order = guess != NULL && strcmp(guess->string, child->string) == 0;
        if (!in_order && ++searched > OUT_OF_ORDER_MAX && equal_large(a, b, &equal))
            return equal;
        const cJSON *other = in_order ? guess : json_find(b, child->string);
        if (json_is_null(other) || !json_equal(child, other))
            return false;
        guess = other->next;
    }
    return true;
}

bool json_equal(const cJSON *a, const cJSON *b)
{
    if (json_is_null(a) || json_is_null(b))
        return json_is_null(a) && json_is_null(b);
    if ((a->type & 0xff) != (b->type & 0xff))
        return false;
    if (json_is_string(a))
        return strcmp(a->valuestring, b->valuestring) == 0;
    if (json_is_number(a))
        return equal_numbers(a, b);
    if (json_is_object(a))
        return equal_members(a, b);
    if (!json_is_array(a))
        return true;
    const cJSON *x = a->child, *y = b->child;
    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (!json_equal(x, y))
            return false;
    return x == NULL && y == NULL;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void write_break(struct buf *buf, int indent)
{
    if (indent < 0)
        return;
    buf_add_char(buf, '\n');
    for (int i = 0; i < indent; i++)
        buf_add_string(buf, "  ");
}

static void write_node(struct buf *buf, const cJSON *node, int indent)
{
    char scratch[32];
    const bool object = json_is_object(node);
    if (json_is_string(node)) {
        buf_add_json_string(buf, node->valuestring);
    } else if (json_is_number(node)) {
        buf_add_string(buf, json_number_text(node, scratch));
    } else if (json_is_bool(node)) {
        buf_add_string(buf, json_is_true(node) ? "true" : "false");
    } else if (!object && !json_is_array(node)) {
        buf_add_string(buf, "null");
    } else {
        const int inner = indent < 0 ? -1 : indent + 1;
        buf_add_char(buf, object ? '{' : '[');
        for (const cJSON *child = node->child; child != NULL; child = child->next) {
            write_break(buf, inner);
            if (object) {
                buf_add_json_string(buf, child->string);
                buf_add_string(buf, indent < 0 ? ":" : ": ");
            }
            write_node(buf, child, inner);
            if (child->next != NULL)
                buf_add_char(buf, ',');
        }
        if (node->child != NULL)
            write_break(buf, indent);
        buf_add_char(buf, object ? '}' : ']');
    }
}

void json_write(struct buf *buf, const cJSON *node)
{
    write_node(buf, node, -1);
}

void json_write_pretty(struct buf *buf, const cJSON *node)
{
    write_node(buf, node, 0);
}
