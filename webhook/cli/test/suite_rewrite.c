/* proctor test --update: the `expect` blocks of a suite's text, replaced line by line, so that
 * comments, order and spelling of everything else stay. */
#include "base/limits.h"
#include "base/yaml.h"
#include "cli/test/suite.h"

#include <string.h>

struct source {
    const char **lines; /* each up to the next one's beginning */
    size_t count;
    const char *end;
};

static struct source split(struct arena *arena, const struct suite *suite)
{
    struct source source = {.end = suite->text + suite->length};
    size_t lines = 1;
    for (const char *at = suite->text; *at != '\0'; at++)
        lines += *at == '\n';
    source.lines = arena_array(arena, lines + 1, sizeof *source.lines);
    for (const char *at = suite->text; *at != '\0';) {
        source.lines[source.count++] = at;
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    source.lines[source.count] = source.end;
    return source;
}

/* The block that begins at line `first` (from 0) and whose keys stand behind `indent` blanks:
 * the line past its last one that is not blank. */
static size_t block_end(const struct source *source, size_t first, size_t indent)
{
    size_t last = first;
    for (size_t i = first + 1; i < source->count; i++) {
        size_t blanks = strspn(source->lines[i], " ");
        char c = source->lines[i][blanks];
        if (c == '\n' || c == '\r' || c == '\0')
            continue;
        if (blanks <= indent)
            break;
        last = i;
    }
    return last + 1;
}

/* Whether a key at this column is the first thing on its line, behind blanks and dashes. */
static bool stands_alone(const struct source *source, struct yaml_mark mark)
{
    if (mark.line == 0 || mark.line > source->count || mark.column == 0)
        return false;
    const char *line = source->lines[mark.line - 1];
    return strspn(line, " -") == mark.column - 1;
}

/* "expect:" and the block below it; `prefix` is what stands before the key. */
static void write_block(struct arena *arena, const cJSON *fresh, const char *prefix,
                        size_t prefix_length, struct buf *out)
{
    struct buf text;
    buf_init(&text, arena, LIMIT_POLICY_FILE_BYTES);
    yaml_write(&text, fresh);
    buf_add(out, prefix, prefix_length);
    buf_add_string(out, "expect:\n");
    for (const char *line = text.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        buf_printf(out, "%*s", (int)prefix_length + 2, "");
        buf_add(out, line, length);
        buf_add_char(out, '\n');
        line += length;
        line += *line == '\n';
    }
}

/* Copies the lines from *at up to `to`. */
static void copy_lines(const struct source *source, size_t *at, size_t to, struct buf *out)
{
    if (to <= *at)
        return;
    buf_add(out, source->lines[*at], (size_t)(source->lines[to] - source->lines[*at]));
    if (out->length > 0 && out->data[out->length - 1] != '\n')
        buf_add_char(out, '\n');
    *at = to;
}

static bool rewrite_case(struct arena *arena, const struct source *source, size_t *at,
                         const struct suite_case *suite_case, const cJSON *fresh, struct buf *out)
{
    struct yaml_mark mark =
        suite_case->expect != NULL ? yaml_key_mark(suite_case->expect) : suite_case->mark;
    if (!stands_alone(source, mark))
        return false;
    size_t indent = mark.column - 1;
    const char *line = source->lines[mark.line - 1];
    size_t end = block_end(source, mark.line - 1, indent);
    if (suite_case->expect != NULL) {
        copy_lines(source, at, mark.line - 1, out);
        write_block(arena, fresh, line, indent, out);
        *at = end;
        return true;
    }
    if (line[indent] == '{')
        return false;
    /* The case's other keys stand at the same column, so its end is behind the last of them. */
    for (size_t next = end; next < source->count; next = end) {
        size_t blanks = strspn(source->lines[next], " ");
        if (blanks != indent || strchr("-#\r\n", source->lines[next][blanks]) != NULL)
            break;
        end = block_end(source, next, indent);
    }
    copy_lines(source, at, end, out);
    char *blanks = arena_alloc(arena, indent + 1);
    memset(blanks, ' ', indent);
    write_block(arena, fresh, blanks, indent, out);
    return true;
}

bool suite_rewrite(struct arena *arena, const struct suite *suite, cJSON *const *fresh,
                   struct buf *out, size_t *ret_refused)
{
    struct source source = split(arena, suite);
    size_t at = 0;
    for (size_t i = 0; i < suite->case_count; i++) {
        if (fresh[i] != NULL &&
            !rewrite_case(arena, &source, &at, &suite->cases[i], fresh[i], out)) {
            *ret_refused = i;
            return false;
        }
    }
    copy_lines(&source, &at, source.count, out);
    return true;
}
