#include "cli/log/decisions.h"

#include "base/limits.h"
#include "cli/files.h"
#include "cli/output/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct reader {
    const struct decisions_visitor *visitor;
    const char *file;
    unsigned long line;
    struct arena arena; /* of one line */
    char *text;
    size_t length;
};

static void tell(const struct reader *reader, const char *text)
{
    reader->visitor->problem(reader->visitor->context, reader->file, reader->line, text);
}

static const char *text_of(const cJSON *line, const char *key)
{
    const char *text = json_get_string(line, key);
    return text != NULL ? text : "";
}

/* Where the JSON begins: behind "[pod/NAME/CONTAINER] " and behind a time, if they stand there. */
static char *skip_prefix(char *text)
{
    if (text[0] == '[' && strncmp(text, "[pod/", 5) == 0) {
        char *end = strstr(text, "] ");
        text = end != NULL ? end + 2 : text;
    }
    char *blank = strchr(text, ' ');
    if (blank != NULL && text[0] >= '0' && text[0] <= '9' && blank[1] == '{')
        text = blank + 1;
    return text;
}

static void take_decision(const struct reader *reader, const cJSON *line)
{
    const struct decision decision = {
        .line = line,
        .time = text_of(line, "time"),
        .phase = text_of(line, "phase"),
        .uid = text_of(line, "uid"),
        .operation = text_of(line, "operation"),
        .kind = text_of(line, "kind"),
        .name_space = text_of(line, "namespace"),
        .name = text_of(line, "name"),
        .user = text_of(line, "user"),
        .outcome = text_of(line, "outcome"),
        .rules = text_of(line, "rules"),
        .time_us = table_time(text_of(line, "time")),
    };
    reader->visitor->decision(reader->visitor->context, &decision);
}

static void take_line(void *context)
{
    struct reader *reader = context;
    const bool marked = reader->line == 1 && strncmp(reader->text, BYTE_ORDER_MARK, 3) == 0;
    char *text = skip_prefix(reader->text + (marked ? 3 : 0));
    cJSON *line = NULL;
    struct err err = {0};
    if (text[strspn(text, " \t\r\n")] == '\0')
        return;
    if (json_parse(&reader->arena, text, strlen(text), &json_limits_review, &line, &err) < 0)
        tell(reader, err.text);
    else if (!json_is_object(line))
        tell(reader, "no JSON object");
    else if (json_get_string(line, "outcome") != NULL && json_get_string(line, "phase") != NULL)
        take_decision(reader, line);
    else if (json_get_string(line, "time") == NULL && json_get_string(line, "level") == NULL)
        tell(reader, "no line of the webhook: phase and outcome are missing");
}

static void take_bytes(struct reader *reader, size_t length)
{
    if (length > DECISION_LINE_MAX) {
        tell(reader, "the line is longer than 1 MiB");
    } else if (strlen(reader->text) != length) {
        tell(reader, "there is a NUL byte in it");
    } else {
        arena_reset(&reader->arena, LIMIT_MIB);
        if (!arena_try(&reader->arena, take_line, reader))
            tell(reader, "reading it takes too much memory");
    }
}

/* The bytes of the next line, with its newline; what is longer than a line may be is read to its
 * end and not kept.  -1: there is none. */
static long next_line(struct reader *reader, FILE *stream)
{
    size_t length = 0;
    int byte = EOF;
    while (length < DECISION_LINE_END && (byte = getc_unlocked(stream)) != EOF) {
        if (length < DECISION_LINE_MAX)
            reader->text[length] = (char)byte;
        length++;
        if (byte == '\n')
            break;
    }
    reader->text[length < DECISION_LINE_MAX ? length : DECISION_LINE_MAX] = '\0';
    return length == 0 ? -1 : (long)length;
}

static void read_lines(struct reader *reader, FILE *stream)
{
    arena_init(&reader->arena, 16 * LIMIT_MIB);
    for (long length; (length = next_line(reader, stream)) >= 0;) {
        reader->line++;
        if ((size_t)length >= DECISION_LINE_END) {
            tell(reader, "the line has no end: this is no log, and the rest is not read");
            break;
        }
        take_bytes(reader, (size_t)length);
    }
    arena_done(&reader->arena);
    if (ferror(stream) != 0) {
        reader->line = 0;
        tell(reader, strerror(errno));
    }
}

void decisions_read(const char *path, const struct decisions_visitor *visitor)
{
    const bool standard = strcmp(path, "-") == 0;
    struct reader reader = {.visitor = visitor, .file = standard ? "stdin" : path};
    FILE *stream = stdin;
    struct err err;
    if (!standard && files_open(path, &stream, &err) < 0) {
        tell(&reader, err.text);
        return;
    }
    reader.text = malloc(DECISION_LINE_MAX + 1);
    if (reader.text == NULL)
        tell(&reader, "no memory");
    else
        read_lines(&reader, stream);
    free(reader.text);
    if (!standard)
        fclose(stream);
}
