#include "tests/fuzz/target.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void target_broken(const char *property, const char *more)
{
    fprintf(stderr, "property broken: %s\n  %s\n", property, more != NULL ? more : "");
    abort();
}

char *target_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

bool target_has_nul(const uint8_t *data, size_t size)
{
    return size > 0 && memchr(data, '\0', size) != NULL;
}

char *target_line(char **text)
{
    char *line = *text;
    if (line == NULL)
        return NULL;
    char *end = strchr(line, '\n');
    if (end != NULL)
        *end = '\0';
    *text = end != NULL ? end + 1 : NULL;
    return line;
}

cJSON *target_parse(struct arena *arena, const char *text, size_t length, const char *property)
{
    cJSON *root;
    struct err err;
    /* Answers wrap what they were given. */
    const struct json_limits wide = {LIMIT_ANSWER_DEPTH + 8, LIMIT_ANSWER_NODES};
    if (json_parse(arena, text, length, &wide, &root, &err) != 0) {
        fprintf(stderr, "%.*s\n", (int)(length < 4000 ? length : 4000), text);
        target_broken(property, err.text);
    }
    return root;
}
