#include "cli/jsontext.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, BLANKS);
}

/* Past the closing quote of the string that begins here. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++)
        at += *at == '\\' && at[1] != '\0';
    return *at == '"' ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    size_t depth = 0;
    do {
        at = skip_blanks(at);
        if (*at == '\0')
            return at;
        if (*at == '"') {
            at = skip_string(at);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth -= depth > 0;
            at++;
        } else if (*at == ',' || *at == ':') {
            at++;
        } else {
            at += strcspn(at, BLANKS ",:{}[]\"");
        }
    } while (depth > 0);
    return at;
}

size_t jsontext_value_length(const char *text, size_t length)
{
    size_t used = (size_t)(skip_value(text) - text);
    return used < length ? used : length;
}

unsigned jsontext_lines(const char *text, size_t length)
{
    unsigned lines = 0;
    const char *end = text + length;
    for (const char *at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

const char *jsontext_member_value(const char *text)
{
    const char *at = skip_blanks(*text == '"' ? skip_string(text) : text);
    return *at == ':' ? skip_blanks(at + 1) : at;
}

const char *jsontext_child(const char *text, size_t index)
{
    const bool object = *text == '{';
    if (!object && *text != '[')
        return NULL;
    const char *at = skip_blanks(text + 1);
    for (; index > 0; index--) {
        at = skip_blanks(skip_value(object ? jsontext_member_value(at) : at));
        if (*at != ',')
            return NULL;
        at = skip_blanks(at + 1);
    }
    return *at == '\0' || *at == '}' || *at == ']' ? NULL : at;
}

unsigned jsontext_column(const char *begin, const char *at)
{
    unsigned column = 1;
    while (at > begin && at[-1] != '\n') {
        at--;
        column += ((unsigned char)*at & 0xc0) != 0x80;
    }
    return column;
}

struct jsontext_items jsontext_items(const char *text, const char *key)
{
    struct jsontext_items items = {NULL, text, 0};
    size_t key_length = strlen(key);
    const char *at = skip_blanks(text);
    if (*at != '{')
        return items;
    at = skip_blanks(at + 1);
    while (*at == '"') {
        const char *name = at + 1;
        at = skip_blanks(skip_string(at));
        if (*at != ':')
            return items;
        at = skip_blanks(at + 1);
        if (strncmp(name, key, key_length) == 0 && name[key_length] == '"' && *at == '[') {
            items.next = skip_blanks(at + 1);
            return items;
        }
        at = skip_blanks(skip_value(at));
        if (*at == ',')
            at = skip_blanks(at + 1);
    }
    return items;
}

unsigned jsontext_next_item(struct jsontext_items *items)
{
    const char *at = items->next;
    if (at == NULL || *at == '\0' || *at == ']')
        return items->lines;
    items->lines += jsontext_lines(items->counted, (size_t)(at - items->counted));
    items->counted = at;
    const char *after = skip_blanks(skip_value(at));
    items->next = *after == ',' ? skip_blanks(after + 1) : NULL;
    return items->lines;
}

void jsontext_mark_error(const char *text, struct err *err)
{
    static const char words[] = " at byte ";
    char *place = strstr(err->text, words);
    if (place == NULL)
        return;
    size_t offset = strtoul(place + sizeof words - 1, NULL, 10);
    size_t length = strlen(text);
    if (offset > length)
        offset = length;
    size_t column = 1;
    while (column <= offset && text[offset - column] != '\n')
        column++;
    char copy[sizeof err->text];
    snprintf(copy, sizeof copy, "%.*s", (int)(place - err->text), err->text);
    err_set(err, err->code, "%u:%zu: %s", 1 + jsontext_lines(text, offset), column, copy);
}
