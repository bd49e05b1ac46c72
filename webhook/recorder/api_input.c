/* What a caller sent, checked by the rows of the table before any handler sees it.
 *
 * Path and query are taken from the bytes as they came, and decoded once and by us: a slash that
 * is written %2F is a letter of its segment, and %00 is an error.
 */
#include "base/digest.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "recorder/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 200U

void api_cause(struct api_call *call, const char *field, const char *reason, const char *message)
{
    if (call->cause_count < API_CAUSES_MAX)
        call->causes[call->cause_count++] = (struct api_cause){
            arena_strdup(&call->arena, field), arena_strdup(&call->arena, message), reason};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Whether all of it is UTF-8 without control characters. */
static bool is_plain(const char *text)
{
    while (*text != '\0') {
        uint32_t rune;
        const size_t bytes = utf8_decode(text, &rune);
        if (bytes == 0 || rune < 0x20 || (rune >= 0x7f && rune < 0xa0))
            return false;
        text += bytes;
    }
    return true;
}

/* Percent-decoded; NULL: it is not well-formed, or not plain text. */
static const char *decode(struct arena *arena, const char *text, size_t length, bool query)
{
    char *decoded = arena_alloc(arena, length + 1), *to = decoded;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%') {
            const int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return NULL;
            *to++ = (char)(high * 16 + low);
            i += 2;
        } else {
            *to++ = query && text[i] == '+' ? ' ' : text[i];
        }
    }
    *to = '\0';
    return is_plain(decoded) ? decoded : NULL;
}

bool api_parse_number(const char *text, int64_t min, int64_t *ret_number)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return false;
    const int64_t number = strtoll(text, NULL, 10);
    if (number < min)
        return false;
    *ret_number = number;
    return true;
}

/* ---- The path --------------------------------------------------------------------------- */

bool api_path_split(const char *path, struct api_path *segments)
{
    *segments = (struct api_path){.count = 0};
    while (*path == '/') {
        if (segments->count == API_SEGMENTS_MAX)
            return false;
        const size_t length = strcspn(++path, "/?");
        segments->items[segments->count] = path;
        segments->lengths[segments->count++] = length;
        path += length;
    }
    return *path == '\0' || *path == '?';
}

/* RFC 1123: labels of small letters, digits and hyphens, with dots between. */
static bool is_name(const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length > 253 || text[length - 1] == '.')
        return false;
    for (const char *label = text; *label != '\0';) {
        const size_t count = strcspn(label, ".");
        if (count == 0 || label[0] == '-' || label[count - 1] == '-' ||
            strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") < count)
            return false;
        label += count + (label[count] == '.');
    }
    return true;
}

static bool read_path(struct api_call *call)
{
    struct api_path got, wanted;
    if (!api_path_split(call->uri, &got) || !api_path_split(call->route->path, &wanted))
        return false;
    for (size_t i = 0; i < got.count; i++) {
        if (wanted.items[i][0] != '{')
            continue;
        const char *text = decode(&call->arena, got.items[i], got.lengths[i], false);
        if (strncmp(wanted.items[i], "{project}", wanted.lengths[i]) == 0) {
            if (text == NULL || !is_name(text))
                api_cause(call, "project", "FieldValueInvalid",
                          "must be a Deployment's name: lower-case letters, digits, '-' and '.'");
            call->project_name = text;
        } else if (text == NULL || !api_parse_number(text, 1, &call->id)) {
            api_cause(call, "id", "FieldValueInvalid", "must be a whole number from 1 on");
        }
    }
    return true;
}

/* ---- Words of the table ----------------------------------------------------------------- */

bool api_has_word(const char *words, const char *word, size_t length)
{
    while (words != NULL && *words != '\0') {
        const size_t count = strcspn(words, " ");
        if (count == length && memcmp(words, word, length) == 0)
            return true;
        words += count + (words[count] == ' ');
    }
    return false;
}

static bool is_sha(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* What is wrong with the text of a field; NULL: nothing. */
static const char *judge_text(struct arena *arena, const struct api_field *field, const char *text)
{
    int64_t number;
    switch (field->kind) {
    case API_KIND_NUMBER:
        if (!api_parse_number(text, field->min, &number) || number > field->max)
            return arena_printf(arena, "must be a whole number from %lld to %lld",
                                (long long)field->min, (long long)field->max);
        return NULL;
    case API_KIND_CHOICE:
        if (*text == '\0' || !api_has_word(field->choices, text, strlen(text)))
            return arena_printf(arena, "must be one of: %s", field->choices);
        return NULL;
    case API_KIND_SHA:
        return is_sha(text) ? NULL : "must be 64 hexadecimal digits in lower case";
    case API_KIND_TEXT:
    case API_KIND_BOOL:
    case API_KIND_CURSOR:
        break;
    }
    if (!is_plain(text))
        return "must have no control characters";
    if (utf8_runes(text) > (size_t)field->max || utf8_runes(text) < (size_t)field->min)
        return arena_printf(arena, "must have %lld to %lld characters", (long long)field->min,
                            (long long)field->max);
    return NULL;
}

/* ---- The query -------------------------------------------------------------------------- */

static size_t find_field(const struct api_field *fields, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(fields[i].name, name) != 0)
        i++;
    return i;
}

static void read_pair(struct api_call *call, const char *pair, size_t length)
{
    const char *equals = memchr(pair, '=', length);
    const size_t key_length = equals == NULL ? length : (size_t)(equals - pair);
    const char *key = decode(&call->arena, pair, key_length, true);
    const char *value =
        equals == NULL ? "" : decode(&call->arena, equals + 1, length - key_length - 1, true);
    const size_t at = key == NULL ? api_query_field_count
                                  : find_field(api_query_fields, api_query_field_count, key);
    if (at == api_query_field_count || !api_has_word(call->route->query, key, strlen(key))) {
        api_cause(call, key != NULL ? key : "", "FieldValueNotSupported",
                  call->route->query == NULL
                      ? "this path takes no parameters"
                      : arena_printf(&call->arena, "is no parameter of this path; it takes: %s",
                                     call->route->query));
        return;
    }
    const char *wrong = value == NULL ? "is not well-formed"
                        : call->query[at] != NULL
                            ? "must stand once"
                            : judge_text(&call->arena, &api_query_fields[at], value);
    if (wrong != NULL)
        api_cause(call, key, "FieldValueInvalid", wrong);
    else
        call->query[at] = value;
}

static void read_query(struct api_call *call)
{
    const char *at = strchr(call->uri, '?');
    while (at != NULL && *at != '\0') {
        const size_t length = strcspn(++at, "&");
        if (length > 0)
            read_pair(call, at, length);
        at += length;
    }
    for (const char *word = call->route->needs; word != NULL && *word != '\0';) {
        const size_t length = strcspn(word, " ");
        const char *name = arena_strndup(&call->arena, word, length);
        if (api_query(call, name) == NULL && call->cause_count == 0)
            api_cause(call, name, "FieldValueRequired", "must be given");
        word += length + (word[length] == ' ');
    }
}

const char *api_query(const struct api_call *call, const char *name)
{
    const size_t at = find_field(api_query_fields, api_query_field_count, name);
    return at < api_query_field_count ? call->query[at] : NULL;
}

int64_t api_query_number(const struct api_call *call, const char *name, int64_t otherwise)
{
    const char *text = api_query(call, name);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

/* ---- Cursors ---------------------------------------------------------------------------- */

/* A digest of the question: path and filters, without the page's size; and of the position. */
static bool cursor_check(const struct api_call *call, int64_t position, char hex[DIGEST_HEX_BYTES])
{
    struct buf text;
    buf_init(&text, NULL, 4 * API_URI_BYTES);
    buf_printf(&text, "proctor cursor 1\n%lld\n%s\n%s\n%lld\n", (long long)position,
               call->route->id, call->project_name != NULL ? call->project_name : "",
               (long long)call->id);
    for (size_t i = 0; i < api_query_field_count; i++) {
        if (call->query[i] != NULL && strcmp(api_query_fields[i].name, "cursor") != 0 &&
            strcmp(api_query_fields[i].name, "limit") != 0)
            buf_add_strings(&text, api_query_fields[i].name, "=", call->query[i], "\n", NULL);
    }
    const bool fine = !text.failed && digest_sha256(text.data, text.length, hex);
    buf_done(&text);
    return fine;
}

void api_cursor_write(const struct api_call *call, int64_t position, char text[API_CURSOR_BYTES])
{
    char hex[DIGEST_HEX_BYTES] = "";
    if (!cursor_check(call, position, hex))
        hex[0] = '\0';
    snprintf(text, API_CURSOR_BYTES, "%016llx%.16s", (unsigned long long)position, hex);
}

bool api_cursor_read(struct api_call *call, int64_t *ret_position)
{
    const char *text = api_query(call, "cursor");
    char hex[DIGEST_HEX_BYTES];
    *ret_position = 0;
    if (text == NULL)
        return true;
    unsigned long long position = 0;
    bool fine = strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
    for (size_t i = 0; fine && i < 16; i++)
        position = position << 4 | (unsigned long long)hex_digit(text[i]);
    fine = fine && position > 0 && position <= INT64_MAX &&
           cursor_check(call, (int64_t)position, hex) && memcmp(hex, text + 16, 16) == 0;
    if (!fine) {
        api_cause(call, "cursor", "FieldValueInvalid",
                  "is none that this path gave for these parameters; begin without it");
        return api_problem_none(call, "The cursor cannot be used.");
    }
    *ret_position = (int64_t)position;
    return true;
}

/* ---- The body --------------------------------------------------------------------------- */

static const char *judge_member(struct api_call *call, const struct api_field *field,
                                const cJSON *node)
{
    int64_t number;
    if (field->kind == API_KIND_BOOL)
        return json_is_bool(node) ? NULL : "must be true or false";
    if (field->kind == API_KIND_NUMBER)
        return json_is_number(node) && json_int64(node, &number) && number >= field->min &&
                       number <= field->max
                   ? NULL
                   : arena_printf(&call->arena, "must be a whole number from %lld to %lld",
                                  (long long)field->min, (long long)field->max);
    if (!json_is_string(node))
        return arena_printf(&call->arena, "must be a string, not %s", json_type_name(node));
    return judge_text(&call->arena, field, json_string(node));
}

static void read_member(struct api_call *call, const cJSON *member)
{
    const size_t at = find_field(api_body_fields, api_body_field_count, member->string);
    if (at == api_body_field_count ||
        !api_has_word(call->route->input, member->string, strlen(member->string))) {
        api_cause(call, member->string, "FieldValueNotSupported",
                  call->route->input == NULL
                      ? "this path takes no body"
                      : arena_printf(&call->arena, "is no member of this body; it takes: %s",
                                     call->route->input));
        return;
    }
    if (json_is_null(member))
        return;
    const char *wrong = judge_member(call, &api_body_fields[at], member);
    if (wrong != NULL)
        api_cause(call, member->string, "FieldValueInvalid", wrong);
}

static bool read_body(struct api_call *call)
{
    static const struct json_limits limits = {16, 1000};
    if (call->body_length == 0) {
        if (call->route->flags & API_BODY_NEEDED) {
            api_problem(call, 400, "BadRequest", "This path needs a body: a JSON object.");
            return false;
        }
        return true;
    }
    if (call->route->flags & API_BODY_FREE)
        return true;
    cJSON *root;
    if (json_parse(&call->arena, call->body, call->body_length, &limits, &root, &call->err) != 0) {
        api_problem(call, 400, "BadJson",
                    arena_printf(&call->arena, "The body cannot be read: %s", call->err.text));
        return false;
    }
    if (!json_is_object(root)) {
        api_problem(call, 400, "BadRequest", "The body must be a JSON object.");
        return false;
    }
    for (const cJSON *member = root->child; member != NULL; member = member->next)
        read_member(call, member);
    for (size_t i = 0; i < api_body_field_count; i++) {
        const struct api_field *field = &api_body_fields[i];
        if (call->route->flags & API_BODY_NEEDED && field->kind == API_KIND_CHOICE &&
            api_has_word(call->route->input, field->name, strlen(field->name)) &&
            json_get(root, field->name) == NULL)
            api_cause(call, field->name, "FieldValueRequired", "must be given");
    }
    call->input = root;
    return true;
}

/* ---- Headers ---------------------------------------------------------------------------- */

static bool digest_of_call(struct api_call *call)
{
    struct buf text;
    buf_init(&text, &call->arena, API_URI_BYTES + call->body_length + 64);
    buf_add_strings(&text, call->method, "\n", call->uri, "\n", NULL);
    buf_add(&text, call->body != NULL ? call->body : "", call->body_length);
    return digest_sha256(text.data, text.length, call->body_digest);
}

static void read_if_match(struct api_call *call)
{
    const char *text = call->if_match;
    size_t length = strlen(text);
    if (strcmp(text, "*") == 0)
        return;
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    if (!api_parse_number(arena_strndup(&call->arena, text, length), 1, &call->expect_generation))
        api_cause(call, "If-Match", "FieldValueInvalid",
                  "must be the project's ETag: its generation, as in \"12\"");
}

static void read_headers(struct api_call *call)
{
    if (!(call->route->flags & API_REPEATS))
        return;
    if (call->key != NULL) {
        const size_t length = strlen(call->key);
        bool fine = length > 0 && length <= KEY_BYTES;
        for (size_t i = 0; i < length; i++)
            fine = fine && call->key[i] >= 0x21 && call->key[i] <= 0x7e;
        if (!fine)
            api_cause(call, "Idempotency-Key", "FieldValueInvalid",
                      "must have 1 to 200 visible ASCII characters");
    }
    if (call->if_match != NULL)
        read_if_match(call);
    if (!digest_of_call(call))
        api_cause(call, "", "FieldValueInvalid", "the body's digest could not be made");
}

bool api_input_read(struct api_call *call)
{
    if (!read_path(call)) {
        api_problem(call, 404, "NotFound", "There is no such path.");
        return false;
    }
    read_query(call);
    read_headers(call);
    return read_body(call) && api_problem_none(call, "Some of what was sent cannot be used.");
}
