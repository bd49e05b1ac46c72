/* Patterns: the first line is one, the rest is what it is matched with.  What is taken means one
 * thing, and costs no more than its limits: libFuzzer's -timeout and -malloc_limit_mb are set so
 * that work or memory past them is a finding (feed). */
#include "tests/fuzz/target.h"

#include "base/limits.h"
#include "policy/pattern.h"

#include <stdlib.h>
#include <string.h>

static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    arena_init(&arena, 16 * LIMIT_MIB);
    return 0;
}

/* As RE2 reads it, whatever the text: outside of classes and escapes. */
static bool has_lookaround(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '[')
            return false; /* a class: not judged here */
        if (*text == '\\' && text[1] != '\0')
            text++;
        else if (strncmp(text, "(?=", 3) == 0 || strncmp(text, "(?!", 3) == 0 ||
                 strncmp(text, "(?<=", 4) == 0 || strncmp(text, "(?<!", 4) == 0 ||
                 strncmp(text, "(?>", 3) == 0 || strncmp(text, "(?R", 3) == 0 ||
                 strncmp(text, "(*", 2) == 0)
            return true;
    }
    return false;
}

static void check_group(const struct pattern *pattern, const char *subject)
{
    const char *group = NULL;
    const enum pattern_result result = pattern_match(pattern, &arena, subject, &group);
    target_holds(pattern_match(pattern, &arena, subject, NULL) == result,
                 "whether it matches does not hang on who asks", subject);
    target_holds((result == PATTERN_YES) == (group != NULL), "a match has a text, nothing else",
                 subject);
    target_holds(group == NULL || strstr(subject, group) != NULL,
                 "what was found is part of the subject", group);
}

/* The interpreter's and the JIT's ways count work differently; within the limit they agree. */
static void check_once(const struct pattern *pattern, const char *text, const char *subject)
{
    const enum pattern_result compiled = pattern_match(pattern, &arena, subject, NULL);
    const enum pattern_result once = pattern_match_once(&arena, text, subject);
    target_holds(compiled == once || compiled == PATTERN_LIMIT || once == PATTERN_LIMIT,
                 "a pattern means the same each way", text);
}

/* A value that is put into a pattern is taken letter by letter. */
static void check_quote(const char *value, const char *more)
{
    struct pattern *pattern;
    struct buf text;
    struct err err;
    buf_init(&text, &arena, LIMIT_MIB);
    buf_add_string(&text, "^(");
    pattern_quote(value, &text);
    buf_add_string(&text, ")$");
    if (text.length > LIMIT_REGEX_PATTERN_BYTES)
        return;
    if (pattern_compile(&arena, text.data, &pattern, &err) != 0) {
        /* Only what is no UTF-8 can be refused. */
        target_holds(strstr(err.text, "UTF-8") != NULL, "a quoted value is a pattern", err.text);
        return;
    }
    const char *group = "";
    target_holds(pattern_match(pattern, &arena, value, &group) == PATTERN_YES &&
                     strcmp(group, value) == 0,
                 "a quoted value matches itself", value);
    if (strcmp(value, more) != 0)
        target_holds(pattern_match(pattern, &arena, more, NULL) != PATTERN_YES,
                     "a quoted value matches nothing else", value);
    pattern_free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pattern *pattern = NULL;
    struct err err = {.text = ""};
    if (target_has_nul(data, size))
        return 0;
    char *input = target_text(data, size), *subject = input;
    const char *text = target_line(&subject);
    if (subject == NULL)
        subject = input + size;
    arena_reset(&arena, LIMIT_MIB);
    if (pattern_compile(&arena, text, &pattern, &err) == 0) {
        target_holds(!has_lookaround(text), "what RE2 lacks is refused", text);
        check_group(pattern, subject);
        check_once(pattern, text, subject);
        pattern_free(pattern);
    } else {
        target_holds(pattern == NULL && err.text[0] != '\0', "a refusal says why", text);
        target_holds(pattern_match_once(&arena, text, subject) == PATTERN_LIMIT,
                     "what cannot be compiled never passes", text);
    }
    check_quote(subject, text);
    free(input);
    return 0;
}
