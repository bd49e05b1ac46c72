#include "cli/history/sse.h"

#include <stdio.h>
#include <string.h>

void sse_init(struct sse *sse)
{
    memset(sse, 0, sizeof *sse);
    buf_init(&sse->line, NULL, SSE_BYTES_MAX);
    buf_init(&sse->data, NULL, SSE_BYTES_MAX);
}

void sse_done(struct sse *sse)
{
    buf_done(&sse->line);
    buf_done(&sse->data);
}

static void forget_event(struct sse *sse)
{
    buf_clear(&sse->data);
    sse->type[0] = '\0';
    sse->has_data = false;
}

void sse_restart(struct sse *sse)
{
    buf_clear(&sse->line);
    sse->was_return = false;
    memcpy(sse->next_id, sse->id, sizeof sse->next_id);
    forget_event(sse);
}

static bool dispatch(struct sse *sse)
{
    bool goes_on = true;
    /* Not before: an event that is broken off behind its id has not been told. */
    memcpy(sse->id, sse->next_id, sizeof sse->id);
    if (sse->has_data)
        goes_on = sse->event(sse->context, sse->type[0] != '\0' ? sse->type : "message",
                             sse->data.data, sse->data.length);
    forget_event(sse);
    return goes_on;
}

static void take_field(struct sse *sse, const char *name, const char *value)
{
    if (strcmp(name, "data") == 0) {
        if (sse->has_data)
            buf_add_char(&sse->data, '\n');
        buf_add_string(&sse->data, value);
        sse->has_data = true;
    } else if (strcmp(name, "event") == 0) {
        snprintf(sse->type, sizeof sse->type, "%s", value);
    } else if (strcmp(name, "id") == 0 && strlen(value) < sizeof sse->next_id &&
               strspn(value, "0123456789") == strlen(value)) {
        snprintf(sse->next_id, sizeof sse->next_id, "%s", value);
    }
}

static bool take_line(struct sse *sse)
{
    char *line = sse->line.data;
    /* A NUL in it would hide the rest. */
    if (strlen(line) != sse->line.length)
        return false;
    if (line[0] == '\0')
        return dispatch(sse);
    char *colon = strchr(line, ':');
    if (colon == line)
        return true; /* a comment: the connection lives */
    const char *value = "";
    if (colon != NULL) {
        *colon = '\0';
        value = colon + 1 + (colon[1] == ' ');
    }
    take_field(sse, line, value);
    return !sse->data.failed;
}

bool sse_take(struct sse *sse, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char c = bytes[i];
        const bool pair = sse->was_return && c == '\n';
        sse->was_return = c == '\r';
        if (pair)
            continue;
        if (c != '\n' && c != '\r') {
            buf_add_char(&sse->line, c);
            if (sse->line.failed)
                return false;
            continue;
        }
        const bool goes_on = take_line(sse);
        buf_clear(&sse->line);
        if (!goes_on)
            return false;
    }
    return true;
}
