#include "base/json.h"

#include "base/limits.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct json_limits json_limits_review = {LIMIT_JSON_DEPTH, LIMIT_JSON_NODES};

/* The largest integer below which every integer is a double. */
#define EXACT_DIGITS 15

/* ---- the scan: RFC 8259 without building anything -------------------------------------- */

struct scan {
    const char *text;
    const char *at;
    const char *end;
    const struct json_limits *limits;
    unsigned nodes;
    bool long_numbers;
    struct err *err;
};

static int scan_fail(struct scan *scan, const char *what)
{
    return err_set(scan->err, ERR_JSON, "%s at byte %zu", what, (size_t)(scan->at - scan->text));
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

static int hex4(const char *at, const char *end, unsigned *ret_value)
{
    unsigned value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (unsigned)((c | 32) - 'a') + 10U;
        else
            return -1;
        value = value * 16 + digit;
    }
    *ret_value = value;
    return 0;
}

static int scan_escape(struct scan *scan)
{
    unsigned unit;
    scan->at++;
    if (scan->at >= scan->end)
        return scan_fail(scan, "a string does not end");
    if (*scan->at != 'u') {
        if (strchr("\"\\/bfnrt", *scan->at) == NULL || *scan->at == '\0')
            return scan_fail(scan, "an unknown escape in a string");
        scan->at++;
        return 0;
    }
    if (hex4(scan->at + 1, scan->end, &unit) != 0)
        return scan_fail(scan, "\\u without four hexadecimal digits");
    if (unit == 0)
        return scan_fail(scan, "a NUL character in a string");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return scan_fail(scan, "half of a surrogate pair in a string");
    scan->at += 5;
    if (unit < 0xd800 || unit > 0xdbff)
        return 0;
    if (scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u' ||
        hex4(scan->at + 2, scan->end, &unit) != 0 || unit < 0xdc00 || unit > 0xdfff)
        return scan_fail(scan, "half of a surrogate pair in a string");
    scan->at += 6;
    return 0;
}

static int scan_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->end) {
        const unsigned char c = (unsigned char)*scan->at;
        uint32_t rune;
        if (c == '"') {
            scan->at++;
            return 0;
        }
        if (c == '\\') {
            int rc = scan_escape(scan);
            if (rc != 0)
                return rc;
        } else if (c < 0x20) {
            return scan_fail(scan, c == 0 ? "a NUL byte" : "a control character in a string");
        } else if (c < 0x80) {
            scan->at++;
        } else {
            size_t bytes = utf8_span(scan->at, (size_t)(scan->end - scan->at), &rune);
            if (bytes == 0)
                return scan_fail(scan, "not UTF-8");
            scan->at += bytes;
        }
    }
    return scan_fail(scan, "a string does not end");
}

static bool at_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static int scan_number(struct scan *scan)
{
    const char *start = scan->at;
    if (*scan->at == '-')
        scan->at++;
    if (!at_digit(scan))
        return scan_fail(scan, "not a JSON value");
    if (*scan->at == '0')
        scan->at++;
    else
        while (at_digit(scan))
            scan->at++;
    if (at_digit(scan))
        return scan_fail(scan, "a number with a leading zero");
    bool plain = true;
    if (scan->at < scan->end && *scan->at == '.') {
        plain = false;
        scan->at++;
        if (!at_digit(scan))
            return scan_fail(scan, "a number that ends in a point");
        while (at_digit(scan))
            scan->at++;
    }
    if (scan->at < scan->end && (*scan->at | 32) == 'e') {
        plain = false;
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!at_digit(scan))
            return scan_fail(scan, "a number without an exponent");
        while (at_digit(scan))
            scan->at++;
    }
    if (scan->at - start > 60)
        return scan_fail(scan, "a number of more than 60 characters");
    if (!plain || scan->at - start > EXACT_DIGITS)
        scan->long_numbers = true;
    return 0;
}

static int scan_word(struct scan *scan, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return scan_fail(scan, "not a JSON value");
    scan->at += length;
    return 0;
}

static int scan_scalar(struct scan *scan)
{
    switch (*scan->at) {
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        return scan_number(scan);
    }
}

static int scan_key(struct scan *scan)
{
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != '"')
        return scan_fail(scan, "an object's key is missing");
    int rc = scan_string(scan);
    if (rc != 0)
        return rc;
    skip_blanks(scan);
    if (scan->at >= scan->end || *scan->at != ':')
        return scan_fail(scan, "':' is missing after a key");
    scan->at++;
    return 0;
}

/* What follows a finished value: closes containers, or moves to the next value's start.
 * *depth is 0 once the whole document is read. */
static int scan_after_value(struct scan *scan, const char *closers, unsigned *depth)
{
    while (*depth > 0) {
        skip_blanks(scan);
        if (scan->at >= scan->end)
            return scan_fail(scan, "the text ends early");
        if (*scan->at == ',') {
            scan->at++;
            return closers[*depth - 1] == '}' ? scan_key(scan) : 0;
        }
        if (*scan->at != closers[*depth - 1])
            return scan_fail(scan, "',' or the end of an object or list is missing");
        scan->at++;
        (*depth)--;
    }
    return 0;
}

static int scan_open(struct scan *scan, char *closers, unsigned *depth, bool *ret_empty)
{
    const char closer = *scan->at == '{' ? '}' : ']';
    if (*depth >= scan->limits->depth_max)
        return err_set(scan->err, ERR_LIMIT, "nested deeper than %u levels",
                       scan->limits->depth_max);
    closers[(*depth)++] = closer;
    scan->at++;
    skip_blanks(scan);
    *ret_empty = scan->at < scan->end && *scan->at == closer;
    if (*ret_empty) {
        scan->at++;
        (*depth)--;
        return 0;
    }
    return closer == '}' ? scan_key(scan) : 0;
}

static int scan_document(struct scan *scan)
{
    char closers[256];
    unsigned depth = 0;
    do {
        skip_blanks(scan);
        if (scan->at >= scan->end)
            return scan_fail(scan, "the text ends early");
        if (++scan->nodes > scan->limits->nodes_max)
            return err_set(scan->err, ERR_LIMIT, "more than %u JSON values",
                           scan->limits->nodes_max);
        int rc;
        if (*scan->at == '{' || *scan->at == '[') {
            bool empty = false;
            rc = scan_open(scan, closers, &depth, &empty);
            if (rc == 0 && !empty)
                continue;
        } else {
            rc = scan_scalar(scan);
        }
        if (rc == 0)
            rc = scan_after_value(scan, closers, &depth);
        if (rc != 0)
            return rc;
        if (depth == 0)
            break;
    } while (true);
    skip_blanks(scan);
    return scan->at == scan->end ? 0 : scan_fail(scan, "something follows the end of the document");
}

/* ---- after cJSON has built the tree ----------------------------------------------------- */

#define SMALL_OBJECT 12

/* Merges the sorted runs from[low..middle) and from[middle..high) into `to`. */
static void merge_runs(cJSON **from, cJSON **to, size_t low, size_t middle, size_t high)
{
    size_t a = low, b = middle;
    for (size_t at = low; at < high; at++) {
        const bool take_a =
            a < middle && (b >= high || strcmp(from[a]->string, from[b]->string) <= 0);
        to[at] = take_a ? from[a++] : from[b++];
    }
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

cJSON **json_sort_members(struct arena *arena, const cJSON *object, size_t *ret_count)
{
    const size_t count = json_count(object);
    cJSON **members = arena_array(arena, count, sizeof(cJSON *));
    cJSON **other = arena_array(arena, count, sizeof(cJSON *));
    size_t i = 0;
    for (cJSON *child = object->child; child != NULL; child = child->next)
        members[i++] = child;
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t low = 0; low < count; low += 2 * run)
            merge_runs(members, other, low, lesser(low + run, count), lesser(low + 2 * run, count));
        cJSON **swap = members;
        members = other;
        other = swap;
    }
    *ret_count = count;
    return members;
}

/* A large object: sorted, because a table's slots can be aimed at by whoever chooses the keys. */
static const char *find_duplicate_large(struct arena *arena, const cJSON *object)
{
    size_t count;
    cJSON **members = json_sort_members(arena, object, &count);
    for (size_t i = 1; i < count; i++)
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            return members[i]->string;
    return NULL;
}

static const char *find_duplicate(struct arena *arena, const cJSON *object)
{
    size_t count = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        if (++count > SMALL_OBJECT)
            return find_duplicate_large(arena, object);
        for (const cJSON *other = object->child; other != child; other = other->next)
            if (other->string[0] == child->string[0] &&
                strcmp(other->string, child->string) == 0)
                return child->string;
    }
    return NULL;
}

/* Depth is bounded by the scan, so recursion is. */
static int check_keys(struct arena *arena, const cJSON *node, struct err *reterr)
{
    if ((node->type & 0xff) == cJSON_Object) {
        const char *key = find_duplicate(arena, node);
        if (key != NULL) {
            struct buf shown;
            buf_init(&shown, arena, 1024);
            buf_add_visible(&shown, key, 60);
            return err_set(reterr, ERR_JSON, "the key \"%s\" stands twice in one object",
                           shown.data);
        }
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->child != NULL) {
            int rc = check_keys(arena, child, reterr);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* Walks text and tree in step (the text is known to be good) and hangs the digits of numbers
 * that a double may not hold on their nodes. */
static const char *keep_digits(struct arena *arena, cJSON *node, const char *at)
{
    static const char blanks[] = " \n\r\t,:]}";
    at += strspn(at, blanks);
    if ((node->type & 0xff) == cJSON_Number) {
        size_t length = strspn(at, "+-0123456789.eE");
        if (length > EXACT_DIGITS || strcspn(at, ".eE") < length)
            node->valuestring = arena_strndup(arena, at, length);
        return at + length;
    }
    if (*at == '"') {
        for (at++; *at != '"'; at++)
            if (*at == '\\')
                at++;
        return at + 1;
    }
    if (*at != '{' && *at != '[')
        return at + strspn(at, "truefalsn");
    at++;
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->string != NULL) {
            at += strspn(at, blanks);
            for (at++; *at != '"'; at++)
                if (*at == '\\')
                    at++;
            at++;
        }
        at = keep_digits(arena, child, at);
    }
    /* Past the closer: an empty or finished container ends here. */
    at += strspn(at, " \n\r\t");
    return at + 1;
}

int json_parse(struct arena *arena, const char *text, size_t length,
               const struct json_limits *limits, cJSON **ret_root, struct err *reterr)
{
    struct scan scan = {.text = text, .at = text, .end = text + length, .limits = limits};
    scan.err = reterr;
    int rc = scan_document(&scan);
    if (rc != 0)
        return rc;
    struct arena *before = arena_use(arena);
    cJSON *root = cJSON_ParseWithLength(text, length);
    arena_use(before);
    if (root == NULL)
        return err_set(reterr, ERR_JSON, "not understood by the JSON parser");
    if (root->child != NULL) {
        rc = check_keys(arena, root, reterr);
        if (rc != 0)
            return rc;
    }
    if (scan.long_numbers)
        keep_digits(arena, root, text);
    *ret_root = root;
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------- */

cJSON *json_find(const cJSON *object, const char *key)
{
    if (!json_is_object(object))
        return NULL;
    for (cJSON *child = object->child; child != NULL; child = child->next)
        if (strcmp(child->string, key) == 0)
            return child;
    return NULL;
}

cJSON *json_get(const cJSON *object, const char *key)
{
    cJSON *member = json_find(object, key);
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

const char *json_number_text(const cJSON *number, char scratch[32])
{
    if (number->valuestring != NULL)
        return number->valuestring;
    if (fabs(number->valuedouble) < 1e15 && number->valuedouble == floor(number->valuedouble))
        snprintf(scratch, 32, "%" PRId64, (int64_t)number->valuedouble);
    else
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
    snprintf(digits, sizeof digits, "%" PRId64, value);
    return json_new_number_text(arena, digits);
}

cJSON *json_new_number_text(struct arena *arena, const char *digits)
{
    cJSON *node = new_node(arena, cJSON_Number);
    node->valuedouble = strtod(digits, NULL);
    if (fabs(node->valuedouble) < 2147483647.0)
        node->valueint = (int)node->valuedouble;
    if (strlen(digits) > EXACT_DIGITS || strpbrk(digits, ".eE") != NULL)
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

static bool equal_members(const cJSON *a, const cJSON *b)
{
    size_t of_a = 0;
    const cJSON *guess = b->child; /* both mostly come in the same order */
    for (const cJSON *child = a->child; child != NULL; child = child->next) {
        if (json_is_null(child))
            continue;
        of_a++;
        const cJSON *other = guess != NULL && strcmp(guess->string, child->string) == 0
                                 ? guess
                                 : json_find(b, child->string);
        if (json_is_null(other) || !json_equal(child, other))
            return false;
        guess = other->next;
    }
    size_t of_b = 0;
    for (const cJSON *child = b->child; child != NULL; child = child->next)
        of_b += json_is_null(child) ? 0 : 1;
    return of_a == of_b;
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
    if (indent >= 0)
        buf_printf(buf, "\n%*s", indent * 2, "");
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
