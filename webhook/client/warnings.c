#include "client/warnings.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void warnings_clear(struct warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        free(warnings->texts[i]);
    *warnings = (struct warnings){.count = 0};
}

static void keep(struct warnings *warnings, const char *text)
{
    struct buf shown;
    if (warnings->count == WARNINGS_MAX)
        return;
    buf_init(&shown, NULL, WARNINGS_RUNES * 4 + 8);
    buf_add_visible(&shown, text, WARNINGS_RUNES);
    char *copy = shown.failed ? NULL : strdup(shown.data);
    buf_done(&shown);
    if (copy != NULL)
        warnings->texts[warnings->count++] = copy;
}

/* Past the quoted text at `at`; NULL if it does not end.  `to` gets what it says. */
static const char *read_quoted(const char *at, char *to)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
        if (*at == '\0')
            return NULL;
        *to++ = *at;
    }
    *to = '\0';
    return at + 1;
}

/* 299 AGENT "text" ["date"], 299 ... */
static void read_list(struct warnings *warnings, const char *at, char *scratch)
{
    for (;;) {
        at += strspn(at, " \t,");
        const char *agent = at + strcspn(at, " ");
        const char *quote = agent + strspn(agent, " ");
        quote += strcspn(quote, " ");
        quote += strspn(quote, " ");
        const char *behind = *quote == '"' ? read_quoted(quote, scratch) : NULL;
        if (behind == NULL)
            return;
        if (strncmp(at, "299 ", 4) == 0)
            keep(warnings, scratch);
        behind += strspn(behind, " ");
        at = *behind == '"' ? read_quoted(behind, scratch) : behind;
        if (at == NULL)
            return;
    }
}

void warnings_read(struct warnings *warnings, const char *line, size_t count)
{
    static const char name[] = "warning:";
    if (count < sizeof name || strncasecmp(line, name, sizeof name - 1) != 0)
        return;
    while (count > 0 && (line[count - 1] == '\n' || line[count - 1] == '\r'))
        count--;
    char *text = strndup(line + sizeof name - 1, count - (sizeof name - 1));
    char *scratch = text != NULL ? malloc(strlen(text) + 1) : NULL;
    if (scratch != NULL)
        read_list(warnings, text, scratch);
    free(scratch);
    free(text);
}
