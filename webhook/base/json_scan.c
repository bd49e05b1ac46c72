#include "base/json_scan.h"

#include "base/utf8.h"

#include <string.h>

/* The document on its way; RFC 8259 without building anything. */
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
    if (!plain || scan->at - start > JSON_EXACT_DIGITS)
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

int json_scan(const char *text, size_t length, const struct json_limits *limits,
              bool *ret_long_numbers, struct err *reterr)
{
    struct scan scan = {.text = text, .at = text, .end = text + length, .limits = limits};
    scan.err = reterr;
    int rc = scan_document(&scan);
    if (rc == 0)
        *ret_long_numbers = scan.long_numbers;
    return rc;
}
