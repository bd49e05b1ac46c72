#include "cli/native/native_cel.h"
#include "base/limits.h"
#include "kube/names.h"
#include "policy/match_conditions.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Stands for a name until it is known whether it needs one. */
#define MARK '\001'

const char *cel_text(struct cel *cel, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(cel->arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

const char *cel_cannot(struct cel *cel, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (cel->problem == NULL)
        cel->problem = arena_strdup(cel->arena, text);
    return "false";
}

bool cel_is(const char *text, const char *constant)
{
    return strcmp(text, constant) == 0;
}

/* ---- logic ---------------------------------------------------------------------------------- */

/* Where the operator stands outside of all brackets and strings; NULL: nowhere. */
static const char *find_outside(const char *text, const char *operator)
{
    const size_t length = strlen(operator);
    int depth = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            for (at++; *at != '\0' && *at != '"'; at++)
                at += *at == '\\' && at[1] != '\0';
            if (*at == '\0')
                return NULL;
        } else if (strchr("([{", *at) != NULL) {
            depth++;
        } else if (strchr(")]}", *at) != NULL) {
            depth--;
        } else if (depth == 0 && strncmp(at, operator, length) == 0) {
            return at;
        }
    }
    return NULL;
}

static bool has_outside(const char *text, const char *operator)
{
    return find_outside(text, operator) != NULL;
}

static const char *bracketed(struct cel *cel, const char *text, bool need)
{
    return need ? cel_text(cel, "(%s)", text) : text;
}

static bool is_alternative(const char *text)
{
    return has_outside(text, " || ") || has_outside(text, " ? ");
}

/* Whether one of the conditions that `all` joins is this one. */
static bool is_among(const char *all, const char *one, size_t length)
{
    while (true) {
        const char *end = find_outside(all, " && ");
        const size_t here = end != NULL ? (size_t)(end - all) : strlen(all);
        if (here == length && strncmp(all, one, length) == 0)
            return true;
        if (end == NULL)
            return false;
        all = end + 4;
    }
}

/* Two by two the same thing would be asked again and again. */
const char *cel_and(struct cel *cel, const char *a, const char *b)
{
    if (cel_is(a, "false") || cel_is(b, "false"))
        return "false";
    if (cel_is(a, "true"))
        return b;
    if (cel_is(b, "true") || strcmp(a, b) == 0)
        return a;
    const char *all = bracketed(cel, a, is_alternative(a));
    b = bracketed(cel, b, is_alternative(b));
    while (b != NULL) {
        const char *end = find_outside(b, " && ");
        const size_t length = end != NULL ? (size_t)(end - b) : strlen(b);
        if (!is_among(all, b, length))
            all = cel_text(cel, "%s && %.*s", all, (int)length, b);
        b = end != NULL ? end + 4 : NULL;
    }
    return all;
}

const char *cel_or(struct cel *cel, const char *a, const char *b)
{
    if (cel_is(a, "true") || cel_is(b, "true"))
        return "true";
    if (cel_is(a, "false"))
        return b;
    if (cel_is(b, "false") || strcmp(a, b) == 0)
        return a;
    return cel_text(cel, "%s || %s", bracketed(cel, a, has_outside(a, " ? ")),
                    bracketed(cel, b, has_outside(b, " ? ")));
}

/* The inside of "!(...)"; NULL: it is no such text as a whole. */
static const char *inside_not(struct cel *cel, const char *text)
{
    const size_t length = strlen(text);
    if (length < 4 || text[0] != '!' || text[1] != '(' || text[length - 1] != ')')
        return NULL;
    const char *inside = arena_strndup(cel->arena, text + 2, length - 3);
    /* !(a) && (b) has the brackets too, and closes the first before the end. */
    int depth = 0;
    for (const char *at = inside; *at != '\0'; at++) {
        if (*at == '"') {
            for (at++; *at != '\0' && *at != '"'; at++)
                at += *at == '\\' && at[1] != '\0';
            if (*at == '\0')
                return NULL;
        }
        depth += strchr("([{", *at) != NULL ? 1 : strchr(")]}", *at) != NULL ? -1 : 0;
        if (depth < 0)
            return NULL;
    }
    return inside;
}

const char *cel_not(struct cel *cel, const char *a)
{
    static const char *const pairs[][2] = {{" == ", " != "}, {" != ", " == "}};
    if (cel_is(a, "true"))
        return "false";
    if (cel_is(a, "false"))
        return "true";
    const char *inside = inside_not(cel, a);
    if (inside != NULL)
        return inside;
    if (!has_outside(a, " "))
        return *a == '!' ? a + 1 : cel_text(cel, "!%s", a);
    const bool simple = !has_outside(a, " && ") && !is_alternative(a) && *a != '!';
    for (size_t i = 0; simple && i < 2; i++) {
        const char *at = find_outside(a, pairs[i][0]);
        if (at != NULL)
            return cel_text(cel, "%.*s%s%s", (int)(at - a), a, pairs[i][1], at + 4);
    }
    return cel_text(cel, "!(%s)", a);
}

/* ---- literals ------------------------------------------------------------------------------- */

const char *cel_quote(struct cel *cel, const char *text)
{
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    match_conditions_quote(&buf, text);
    return buf.data;
}

const char *cel_scalar(struct cel *cel, const cJSON *value)
{
    char scratch[32];
    int64_t number;
    if (json_is_string(value))
        return cel_quote(cel, value->valuestring);
    if (json_is_bool(value))
        return json_is_true(value) ? "true" : "false";
    if (json_int64(value, &number))
        return arena_strdup(cel->arena, json_number_text(value, scratch));
    if (json_is_number(value)) {
        const char *digits = json_number_text(value, scratch);
        return strpbrk(digits, ".eE") != NULL ? arena_strdup(cel->arena, digits)
                                              : cel_text(cel, "%s.0", digits);
    }
    return cel_cannot(cel, "a value of this type stands nowhere in CEL");
}

/* Reserved words may not follow a dot in every version. */
static bool is_identifier(const char *name)
{
    static const char *const reserved[] = {
        "in",     "true", "false", "null",   "as",       "break", "const",   "continue",
        "else",   "for",  "if",    "import", "let",      "loop",  "package", "namespace",
        "return", "var",  "void",  "while",  "function", NULL};
    for (size_t i = 0; reserved[i] != NULL; i++)
        if (strcmp(name, reserved[i]) == 0)
            return false;
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

const char *cel_member(struct cel *cel, const char *from, const char *name)
{
    if (is_identifier(name))
        return cel_text(cel, "%s.?%s", from, name);
    return cel_text(cel, "%s[?%s]", from, cel_quote(cel, name));
}

const char *cel_get(struct cel *cel, const char *from, const char *name)
{
    return cel_or_null(cel, cel_member(cel, from, name));
}

/* Behind [?"a-b"] the checker would take null for the value's one type. */
const char *cel_or_null(struct cel *cel, const char *optional)
{
    const size_t length = strlen(optional);
    if (strncmp(optional, "optional.of([", 13) == 0 && cel_is(optional + length - 4, "[0])"))
        return arena_strndup(cel->arena, optional + 12, length - 13);
    const bool indexed = optional[length - 1] == ']';
    return cel_text(cel, indexed ? "%s.orValue(dyn(null))" : "%s.orValue(null)", optional);
}

/* ---- names ---------------------------------------------------------------------------------- */

const char *cel_name(struct cel *cel)
{
    return cel_text(cel, "%cv%u%c", MARK, ++cel->names, MARK);
}

static const char *replace(struct cel *cel, const char *text, const char *name, const char *by)
{
    struct buf buf;
    const size_t length = strlen(name);
    buf_init(&buf, cel->arena, LIMIT_POLICY_SET_BYTES);
    for (const char *at; (at = strstr(text, name)) != NULL; text = at + length) {
        buf_add(&buf, text, (size_t)(at - text));
        buf_add_string(&buf, by);
    }
    buf_add_string(&buf, text);
    return buf.data;
}

static size_t count_of(const char *text, const char *name)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += strlen(name))
        count++;
    return count;
}

const char *cel_bind(struct cel *cel, const char *name, const char *value, const char *text)
{
    /* What is put in is asked for with a dot or compared: a choice needs its brackets. */
    if (count_of(text, name) <= 1 || strpbrk(value, "(?[") == NULL)
        return replace(cel, text, name, bracketed(cel, value, has_outside(value, " ")));
    return cel_text(cel, "[%s].all(%s, %s)", value, name, text);
}

/* ---- globs ---------------------------------------------------------------------------------- */

static const char *glob_expression(struct cel *cel, const char *glob)
{
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_INPUT_FILE_BYTES);
    buf_add_string(&buf, "(?s)^");
    for (; *glob != '\0'; glob++) {
        if (*glob == '*')
            buf_add_string(&buf, ".*");
        else if (*glob == '?')
            buf_add_char(&buf, '.');
        else if (strchr("\\^$.|+()[]{}", *glob) != NULL)
            buf_add_strings(&buf, "\\", (char[]){*glob, '\0'}, NULL);
        else
            buf_add_char(&buf, *glob);
    }
    buf_add_char(&buf, '$');
    return cel_quote(cel, buf.data);
}

const char *cel_glob(struct cel *cel, const char *text, policy_strings globs)
{
    struct buf list;
    size_t plain = 0;
    const char *any = "false", *first = "";
    buf_init(&list, cel->arena, LIMIT_INPUT_FILE_BYTES);
    for (size_t i = 0; globs[i] != NULL; i++) {
        if (glob_is_pattern(globs[i]))
            continue;
        first = globs[i];
        buf_add_strings(&list, plain++ > 0 ? ", " : "", cel_quote(cel, globs[i]), NULL);
    }
    if (plain == 1)
        any = cel_text(cel, "%s == %s", text, cel_quote(cel, first));
    else if (plain > 1)
        any = cel_text(cel, "%s in [%s]", text, list.data);
    for (size_t i = 0; globs[i] != NULL; i++) {
        const size_t length = strlen(globs[i]);
        if (!glob_is_pattern(globs[i]))
            continue;
        if (strcmp(globs[i], "*") == 0)
            return "true";
        const bool prefix = strcspn(globs[i], "*?") == length - 1 && globs[i][length - 1] == '*';
        any = cel_or(cel, any,
                     prefix
                         ? cel_text(cel, "%s.startsWith(%s)", text,
                                    cel_quote(cel, arena_strndup(cel->arena, globs[i], length - 1)))
                         : cel_text(cel, "%s.matches(%s)", text, glob_expression(cel, globs[i])));
    }
    return any;
}
