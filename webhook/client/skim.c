#include "client/skim.h"

#include "base/limits.h"

#include <string.h>

static const struct json_limits limits = {LIMIT_ANSWER_DEPTH, LIMIT_ANSWER_NODES};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

/* Past the closing quote; `at` is the opening one. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return end;
}

/* Past the closing bracket; NULL: it never comes. */
static const char *find_close(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
        at++;
    }
    return NULL;
}

static const char *skip_container(const char *at, const char *end)
{
    const char *after = find_close(at, end);
    return after != NULL ? after : end;
}

static const char *skip_value(const char *at, const char *end)
{
    if (at < end && *at == '"')
        return skip_string(at, end);
    if (at < end && (*at == '{' || *at == '['))
        return skip_container(at, end);
    while (at < end && strchr(",]}", *at) == NULL && !is_blank(*at))
        at++;
    return at;
}

bool skim_member(struct skim object, const char *key, struct skim *ret_value)
{
    const char *at = object.text, *end = object.text + object.length;
    const size_t length = strlen(key);
    at = skip_blanks(at, end);
    if (at == end || *at != '{')
        return false;
    for (;;) {
        const char *name = skip_blanks(at + 1, end);
        if (name == end || *name != '"')
            return false;
        const char *after = skip_string(name, end);
        const bool same = (size_t)(after - name) == length + 2 &&
                          memcmp(name + 1, key, length) == 0 && after[-1] == '"';
        at = skip_blanks(after, end);
        if (at == end || *at != ':')
            return false;
        const char *value = skip_blanks(at + 1, end);
        at = skip_value(value, end);
        if (same && at > value) {
            *ret_value = (struct skim){.text = value, .length = (size_t)(at - value)};
            return true;
        }
        at = skip_blanks(at, end);
        if (at == end || *at != ',')
            return false;
    }
}

bool skim_is_whole(struct skim object)
{
    const char *end = object.text + object.length, *at = skip_blanks(object.text, end);
    const char *after = at < end && *at == '{' ? find_close(at, end) : NULL;
    return after != NULL && skip_blanks(after, end) == end;
}

bool skim_element(struct skim *at, struct skim *ret_element)
{
    const char *end = at->text + at->length;
    const char *from = skip_blanks(at->text, end);
    /* Before the first stands the bracket, before each other one a comma. */
    if (from == end || (*from != '[' && *from != ','))
        return false;
    from = skip_blanks(from + 1, end);
    const char *after = skip_value(from, end);
    if (after == from)
        return false;
    *ret_element = (struct skim){.text = from, .length = (size_t)(after - from)};
    *at = (struct skim){.text = after, .length = (size_t)(end - after)};
    return true;
}

cJSON *skim_parse(struct arena *arena, struct skim value)
{
    cJSON *node;
    /* json_parse wants a NUL behind it. */
    const char *text = arena_strndup(arena, value.text, value.length);
    return json_parse(arena, text, value.length, &limits, &node, NULL) == 0 ? node : NULL;
}
