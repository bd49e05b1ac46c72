/* A pattern's text as RE2 reads it, where it reads it as PCRE2 does; policy/pattern.c has refused
 * already what RE2 lacks. */
#include "base/limits.h"
#include "cli/native/native_cel.h"

#include <stdlib.h>
#include <string.h>

/* RE2 repeats at most a thousand times. */
static const char *repeat_problem(const char *at)
{
    if (strtoul(at + 1, NULL, 10) > 1000)
        return "a repeat of more than 1000";
    const char *comma = strchr(at, ',');
    const char *end = strchr(at, '}');
    if (comma != NULL && end != NULL && comma < end && strtoul(comma + 1, NULL, 10) > 1000)
        return "a repeat of more than 1000";
    return NULL;
}

/* What an escape is to RE2; NULL: as it stands.  PCRE2's \s has the vertical tab, RE2's does not.
 */
static const char *other_escape(char c, bool in_class, const char **ret_problem)
{
    if (c == 's')
        return in_class ? "\\s\\x0b" : "[\\s\\x0b]";
    if (c == 'S' && in_class)
        *ret_problem = "\\S inside of [ ]";
    return c == 'S' ? "[^\\s\\x0b]" : NULL;
}

const char *cel_pattern(struct cel *cel, const char *pattern)
{
    struct buf buf;
    bool in_class = false;
    const char *class_at = NULL, *problem = NULL;
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    for (const char *at = pattern; *at != '\0' && problem == NULL; at++) {
        if (*at == '\\' && at[1] != '\0') {
            const char *other = other_escape(at[1], in_class, &problem);
            if (in_class && at > class_at + 1 && at[-1] == '-' && strchr("dDwWsSpP", at[1]) != NULL)
                problem = "a range that ends in a class";
            if (other != NULL)
                buf_add_string(&buf, other);
            else
                buf_add(&buf, at, 2);
            at++;
            continue;
        }
        if (in_class && *at == '[' && at[1] == ':') {
            const char *end = strstr(at, ":]");
            if (at[2] == '<' || at[2] == '>')
                problem = "[[:<:]]";
            if (end != NULL) {
                buf_add(&buf, at, (size_t)(end + 2 - at));
                at = end + 1;
                continue;
            }
        }
        if (in_class && *at == ']' && at != class_at) {
            in_class = false;
        } else if (!in_class && *at == '[') {
            in_class = true;
            class_at = at + 1 + (at[1] == '^');
        } else if (in_class && *at == '[') {
            buf_add_char(&buf, '\\'); /* plain to PCRE2 */
        } else if (!in_class && *at == '{') {
            problem = repeat_problem(at);
        } else if (!in_class && strncmp(at, "(?<", 3) == 0) {
            buf_add_string(&buf, "(?P<");
            at += 2;
            continue;
        }
        buf_add_char(&buf, *at);
    }
    if (problem != NULL)
        return cel_cannot(cel, "the pattern %s has %s, which RE2 reads otherwise", pattern,
                          problem);
    return cel_quote(cel, buf.data);
}
