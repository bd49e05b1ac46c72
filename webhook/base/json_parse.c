#include "base/bytes.h"
#include "base/json_internal.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

const struct json_limits json_limits_review = {LIMIT_JSON_DEPTH, LIMIT_JSON_NODES};

/* More than any depth_max. */
#define OPEN_MAX_DEPTH 256

/* The document on its way: RFC 8259 to the letter, one pass. */
struct reader {
    struct arena *arena;
    const char *text;
    const char *at; /* text[length] is NUL, which no token goes past */
    const char *end;
    const struct json_limits *limits;
    unsigned nodes;
    unsigned depth;
    cJSON *open[OPEN_MAX_DEPTH]; /* the containers around what is read now */
    char *key;                   /* of the member whose value comes next */
    struct err *err;
};

static int fail(struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_JSON, "%s at byte %zu", what,
                   (size_t)(reader->at - reader->text));
}

static void skip_blanks(struct reader *reader)
{
    if ((unsigned char)*reader->at > ' ')
        return; /* whoever writes for machines leaves them out */
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

/* ---- strings ---------------------------------------------------------------------------- */

static int hex4(const char *at, unsigned *ret_value)
{
    unsigned value = 0;
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

static int check_unicode_escape(struct reader *reader)
{
    unsigned unit;
    if (hex4(reader->at + 1, &unit) != 0)
        return fail(reader, "\\u without four hexadecimal digits");
    if (unit == 0)
        return fail(reader, "a NUL character in a string");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail(reader, "half of a surrogate pair in a string");
    reader->at += 5;
    if (unit < 0xd800 || unit > 0xdbff)
        return 0;
    if (reader->at[0] != '\\' || reader->at[1] != 'u' || hex4(reader->at + 2, &unit) != 0 ||
        unit < 0xdc00 || unit > 0xdfff)
        return fail(reader, "half of a surrogate pair in a string");
    reader->at += 6;
    return 0;
}

/* What the letter after a backslash stands for; 0: none, or 'u'. */
static const char meaning[UCHAR_MAX + 1] = {
    ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

static int check_escape(struct reader *reader)
{
    reader->at++;
    if (reader->at >= reader->end)
        return fail(reader, "a string does not end");
    if (*reader->at == 'u')
        return check_unicode_escape(reader);
    if (meaning[(unsigned char)*reader->at] == '\0')
        return fail(reader, "an unknown escape in a string");
    reader->at++;
    return 0;
}

/* Goes past the closing quote. */
static int check_string(struct reader *reader, bool *ret_escapes)
{
    *ret_escapes = false;
    for (;;) {
        reader->at += bytes_run(reader->at, (size_t)(reader->end - reader->at), bytes_mark_json);
        const unsigned char c = (unsigned char)*reader->at;
        uint32_t rune;
        if (c == '"') {
            reader->at++;
            return 0;
        }
        if (c == '\\') {
            *ret_escapes = true;
            int rc = check_escape(reader);
            if (rc != 0)
                return rc;
        } else if (reader->at >= reader->end) {
            return fail(reader, "a string does not end");
        } else if (c < 0x20) {
            return fail(reader, c == 0 ? "a NUL byte" : "a control character in a string");
        } else {
            size_t bytes = utf8_span(reader->at, (size_t)(reader->end - reader->at), &rune);
            if (bytes == 0)
                return fail(reader, "not UTF-8");
            reader->at += bytes;
        }
    }
}

static char *put_rune(char *to, unsigned rune)
{
    if (rune < 0x80) {
        *to++ = (char)rune;
        return to;
    }
    const int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | (rune >> (6 * more)));
    for (int i = more - 1; i >= 0; i--)
        *to++ = (char)(0x80 | ((rune >> (6 * i)) & 0x3f));
    return to;
}

/* What an escape stands for; the text is known to be good. */
static const char *put_escape(const char *at, char **to)
{
    unsigned unit = 0, low = 0;
    if (*at != 'u') {
        *(*to)++ = meaning[(unsigned char)*at];
        return at + 1;
    }
    hex4(at + 1, &unit);
    at += 5;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        hex4(at + 2, &low);
        at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_rune(*to, unit);
    return at;
}

/* No escape is shorter than what it stands for. */
static char *decode(struct arena *arena, const char *at, size_t length)
{
    const char *end = at + length;
    char *text = arena_strndup(arena, at, length), *to = text;
    while (at < end) {
        /* A manifest in an annotation has an escape every few letters: no call for each run. */
        if (*at == '\\')
            at = put_escape(at + 1, &to);
        else
            *to++ = *at++;
    }
    *to = '\0';
    return text;
}

static int read_string(struct reader *reader, char **ret_text)
{
    bool escapes;
    const char *start = ++reader->at;
    int rc = check_string(reader, &escapes);
    if (rc != 0)
        return rc;
    const size_t length = (size_t)(reader->at - 1 - start);
    *ret_text = escapes ? decode(reader->arena, start, length)
                        : arena_strndup(reader->arena, start, length);
    return 0;
}

/* ---- numbers ---------------------------------------------------------------------------- */

static void skip_digits(struct reader *reader)
{
    while (*reader->at >= '0' && *reader->at <= '9')
        reader->at++;
}

static bool at_digit(const struct reader *reader)
{
    return *reader->at >= '0' && *reader->at <= '9';
}

/* The fraction and the exponent, if there are any. */
static int check_rest_of_number(struct reader *reader)
{
    if (*reader->at == '.') {
        reader->at++;
        if (!at_digit(reader))
            return fail(reader, "a number that ends in a point");
        skip_digits(reader);
    }
    if ((*reader->at | 32) == 'e') {
        reader->at++;
        if (*reader->at == '+' || *reader->at == '-')
            reader->at++;
        if (!at_digit(reader))
            return fail(reader, "a number without an exponent");
        skip_digits(reader);
    }
    return 0;
}

static double whole_number(const char *at, const char *end)
{
    const bool negative = *at == '-';
    int64_t value = 0;
    for (at += negative ? 1 : 0; at < end; at++)
        value = value * 10 + (*at - '0');
    return negative ? -(double)value : (double)value;
}

/* Digits that a double may not hold stay on the node as text. */
static int read_number(struct reader *reader, cJSON *node)
{
    const char *start = reader->at;
    if (*reader->at == '-')
        reader->at++;
    if (!at_digit(reader))
        return fail(reader, "not a JSON value");
    if (*reader->at == '0')
        reader->at++;
    else
        skip_digits(reader);
    if (at_digit(reader))
        return fail(reader, "a number with a leading zero");
    const char *point = reader->at;
    int rc = check_rest_of_number(reader);
    if (rc != 0)
        return rc;
    const size_t length = (size_t)(reader->at - start);
    if (length > 60)
        return fail(reader, "a number of more than 60 characters");
    node->type = cJSON_Number;
    if (reader->at == point && length <= JSON_EXACT_DIGITS) {
        node->valuedouble = whole_number(start, point);
    } else {
        node->valuestring = arena_strndup(reader->arena, start, length);
        node->valuedouble = strtod(node->valuestring, NULL);
    }
    /* As cJSON has it. */
    node->valueint = node->valuedouble >= INT_MAX   ? INT_MAX
                     : node->valuedouble <= INT_MIN ? INT_MIN
                                                    : (int)node->valuedouble;
    return 0;
}

/* ---- the tree --------------------------------------------------------------------------- */

static int read_word(struct reader *reader, const char *word, int type, cJSON *node)
{
    const size_t length = strlen(word);
    if (strncmp(reader->at, word, length) != 0)
        return fail(reader, "not a JSON value");
    reader->at += length;
    node->type = type;
    return 0;
}

static int read_scalar(struct reader *reader, cJSON *node)
{
    switch (*reader->at) {
    case '"':
        node->type = cJSON_String;
        return read_string(reader, &node->valuestring);
    case 't':
        return read_word(reader, "true", cJSON_True, node);
    case 'f':
        return read_word(reader, "false", cJSON_False, node);
    case 'n':
        return read_word(reader, "null", cJSON_NULL, node);
    default:
        return read_number(reader, node);
    }
}

static int read_key(struct reader *reader)
{
    skip_blanks(reader);
    if (*reader->at != '"')
        return fail(reader, "an object's key is missing");
    int rc = read_string(reader, &reader->key);
    if (rc != 0)
        return rc;
    skip_blanks(reader);
    if (*reader->at != ':')
        return fail(reader, "':' is missing after a key");
    reader->at++;
    return 0;
}

static int close_container(struct reader *reader)
{
    const cJSON *closed = reader->open[--reader->depth];
    reader->at++;
    return closed->type == cJSON_Object ? json_check_keys(reader->arena, closed, reader->err) : 0;
}

static char closer_of(const cJSON *container)
{
    return container->type == cJSON_Object ? '}' : ']';
}

/* What follows a finished value: closes containers, or moves to the next value's start.
 * The depth is 0 once the whole document is read. */
static int read_after_value(struct reader *reader)
{
    while (reader->depth > 0) {
        const cJSON *inside = reader->open[reader->depth - 1];
        skip_blanks(reader);
        if (*reader->at == ',') {
            reader->at++;
            return inside->type == cJSON_Object ? read_key(reader) : 0;
        }
        if (reader->at >= reader->end)
            return fail(reader, "the text ends early");
        if (*reader->at != closer_of(inside))
            return fail(reader, "',' or the end of an object or list is missing");
        int rc = close_container(reader);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* *ret_open: its first value comes next. */
static int open_container(struct reader *reader, cJSON *node, bool *ret_open)
{
    if (reader->depth >= reader->limits->depth_max || reader->depth >= OPEN_MAX_DEPTH)
        return err_set(reader->err, ERR_LIMIT, "nested deeper than %u levels",
                       reader->limits->depth_max);
    node->type = *reader->at == '{' ? cJSON_Object : cJSON_Array;
    reader->open[reader->depth++] = node;
    reader->at++;
    skip_blanks(reader);
    *ret_open = *reader->at != closer_of(node);
    if (!*ret_open)
        return close_container(reader);
    return node->type == cJSON_Object ? read_key(reader) : 0;
}

/* The node for the next value, in its place. */
static cJSON *new_node(struct reader *reader)
{
    cJSON *node = arena_alloc(reader->arena, sizeof *node);
    if (reader->depth > 0) {
        cJSON *parent = reader->open[reader->depth - 1];
        if (parent->type == cJSON_Object)
            node->string = reader->key;
        json_append(parent, node);
    }
    return node;
}

static int read_document(struct reader *reader, cJSON **ret_root)
{
    do {
        skip_blanks(reader);
        if (reader->at >= reader->end)
            return fail(reader, "the text ends early");
        if (++reader->nodes > reader->limits->nodes_max)
            return err_set(reader->err, ERR_LIMIT, "more than %u JSON values",
                           reader->limits->nodes_max);
        cJSON *node = new_node(reader);
        if (reader->nodes == 1)
            *ret_root = node;
        int rc;
        if (*reader->at == '{' || *reader->at == '[') {
            bool open = false;
            rc = open_container(reader, node, &open);
            if (rc == 0 && open)
                continue;
        } else {
            rc = read_scalar(reader, node);
        }
        if (rc == 0)
            rc = read_after_value(reader);
        if (rc != 0)
            return rc;
        if (reader->depth == 0)
            break;
    } while (true);
    skip_blanks(reader);
    return reader->at == reader->end ? 0
                                     : fail(reader, "something follows the end of the document");
}

int json_parse(struct arena *arena, const char *text, size_t length,
               const struct json_limits *limits, cJSON **ret_root, struct err *reterr)
{
    struct reader reader;
    cJSON *root = NULL;
    reader.arena = arena; /* not open[]: it is large, and filled as it is used */
    reader.text = reader.at = text;
    reader.end = text + length;
    reader.limits = limits;
    reader.nodes = reader.depth = 0;
    reader.key = NULL;
    reader.err = reterr;
    int rc = read_document(&reader, &root);
    if (rc == 0)
        *ret_root = root;
    return rc;
}
