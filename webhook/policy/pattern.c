#define PCRE2_CODE_UNIT_WIDTH 8
#include "policy/pattern.h"

#include "base/buf.h"
#include "base/limits.h"

#include <ctype.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    pcre2_code *code;
};

/* ---- what RE2 does not have ------------------------------------------------------------- */

/* After "(?": what RE2 reads there. */
static const char *group_problem(const char *at)
{
    if (*at == ':' || (at[0] == 'P' && at[1] == '<'))
        return NULL;
    if (*at == '<' && at[1] != '=' && at[1] != '!')
        return NULL; /* a named group */
    if (*at == '=' || *at == '!' || *at == '<')
        return "look-around";
    if (*at == '>')
        return "an atomic group";
    if (*at == '(')
        return "a conditional";
    if (*at == 'C')
        return "a call-out";
    if (*at == 'R' || *at == '&' || *at == '+' || isdigit((unsigned char)*at) ||
        (*at == 'P' && (at[1] == '>' || at[1] == '=')) ||
        (*at == '-' && isdigit((unsigned char)at[1])))
        return "recursion or a reference to a group";
    const size_t flags = strspn(at, "imsU-");
    if (flags > 0 && (at[flags] == ')' || at[flags] == ':'))
        return NULL;
    return "an extension";
}

static const char *escape_problem(char c)
{
    if (c >= '1' && c <= '9')
        return "a back-reference";
    if (c == 'k' || c == 'g')
        return "a back-reference";
    if (c == '\0')
        return "a backslash at the end";
    return strchr("KGRXCNHhVvLUulEQoZec", c) != NULL ? "this escape" : NULL;
}

/* Past a bracket expression, which ends at the first ] that is not first in it.  In one \b is a
 * backspace to PCRE2 and nothing to RE2. */
static const char *skip_class(const char *at, const char **ret_problem)
{
    at++;
    if (*at == '^')
        at++;
    if (*at == ']')
        at++;
    while (*at != '\0' && *at != ']') {
        if (*at == '\\' && at[1] != '\0') {
            at++;
            *ret_problem = *at == 'b' || *at == 'B' ? "this escape in [ ]" : escape_problem(*at);
            if (*ret_problem != NULL)
                return at;
        } else if (*at == '[' && at[1] == ':') {
            const char *end = strstr(at + 2, ":]");
            at = end != NULL ? end + 1 : at;
        }
        at++;
    }
    return at;
}

static bool ends_repeat(const char *start, const char *at)
{
    return at > start && (at[-1] == '*' || at[-1] == '+' || at[-1] == '?' || at[-1] == '}') &&
           !(at - 1 > start && at[-2] == '\\');
}

static const char *find_problem(const char *text, const char **ret_at)
{
    for (const char *at = text; *at != '\0'; at++) {
        const char *problem = NULL;
        *ret_at = at;
        if (*at == '\\') {
            problem = escape_problem(at[1]);
            at += at[1] != '\0';
        } else if (*at == '[') {
            at = skip_class(at, &problem);
            if (*at == '\0')
                return NULL; /* PCRE2 says it better */
        } else if (*at == '(' && at[1] == '*') {
            problem = "a verb";
        } else if (*at == '(' && at[1] == '?') {
            problem = group_problem(at + 2);
            at++;
        } else if (*at == '+' && ends_repeat(text, at)) {
            problem = "a possessive repeat";
        } else if (*at == '*' && ends_repeat(text, at)) {
            problem = "a repeat of a repeat";
        } else if (*at == '{' && at[1] == ',') {
            problem = "a repeat without its least number";
        }
        if (problem != NULL)
            return problem;
    }
    return NULL;
}

/* ---- per thread: what a match needs ----------------------------------------------------- */

struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
    /* The last pattern with variables: rules of one policy mostly ask for the same one. */
    pcre2_code *last_code;
    char last_text[LIMIT_REGEX_PATTERN_BYTES + 1];
};

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void free_scratch(void *memory)
{
    struct scratch *scratch = memory;
    pcre2_code_free(scratch->last_code);
    pcre2_match_data_free(scratch->data);
    pcre2_match_context_free(scratch->context);
    free(scratch);
}

static void make_key(void)
{
    if (pthread_key_create(&scratch_key, free_scratch) != 0)
        abort();
}

/* The main thread runs no key destructor when the process ends. */
__attribute__((destructor)) static void free_main_scratch(void)
{
    pthread_once(&scratch_once, make_key);
    void *scratch = pthread_getspecific(scratch_key);
    if (scratch != NULL) {
        pthread_setspecific(scratch_key, NULL);
        free_scratch(scratch);
    }
}

static struct scratch *this_thread(void)
{
    pthread_once(&scratch_once, make_key);
    struct scratch *scratch = pthread_getspecific(scratch_key);
    if (scratch != NULL)
        return scratch;
    scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return NULL;
    scratch->data = pcre2_match_data_create(2, NULL);
    scratch->context = pcre2_match_context_create(NULL);
    if (scratch->data == NULL || scratch->context == NULL ||
        pthread_setspecific(scratch_key, scratch) != 0) {
        free_scratch(scratch);
        return NULL;
    }
    pcre2_set_match_limit(scratch->context, LIMIT_REGEX_MATCH);
    pcre2_set_depth_limit(scratch->context, LIMIT_REGEX_DEPTH);
    pcre2_set_heap_limit(scratch->context, LIMIT_REGEX_HEAP_KIB);
    return scratch;
}

/* ---- compiling and matching ------------------------------------------------------------- */

static int compile(const char *text, pcre2_code **ret_code, struct err *reterr)
{
    int error;
    size_t offset;
    const char *at;
    if (strlen(text) > LIMIT_REGEX_PATTERN_BYTES)
        return err_set(reterr, ERR_POLICY, "the pattern is longer than %u bytes",
                       LIMIT_REGEX_PATTERN_BYTES);
    const char *problem = find_problem(text, &at);
    if (problem != NULL)
        return err_set(reterr, ERR_POLICY,
                       "pattern, character %zu: %s, which RE2 (and so CEL) does not have",
                       (size_t)(at - text) + 1, problem);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                     &error, &offset, NULL);
    if (code == NULL) {
        PCRE2_UCHAR words[128] = "";
        pcre2_get_error_message(error, words, sizeof words);
        return err_set(reterr, ERR_POLICY, "pattern, character %zu: %s", offset + 1,
                       (const char *)words);
    }
    *ret_code = code;
    return 0;
}

int pattern_compile(struct arena *arena, const char *text, struct pattern **ret_pattern,
                    struct err *reterr)
{
    struct pattern *pattern = arena_alloc(arena, sizeof *pattern);
    int rc = compile(text, &pattern->code, reterr);
    if (rc != 0)
        return rc;
    /* Without a JIT on this machine the interpreter serves. */
    (void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE);
    *ret_pattern = pattern;
    return 0;
}

void pattern_free(struct pattern *pattern)
{
    if (pattern != NULL)
        pcre2_code_free(pattern->code);
}

static bool has_group(const pcre2_code *code)
{
    uint32_t groups = 0;
    (void)pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    return groups > 0;
}

bool pattern_has_group(const struct pattern *pattern)
{
    return has_group(pattern->code);
}

static enum pattern_result match(const pcre2_code *code, const char *subject, size_t *ret_start,
                                 size_t *ret_end)
{
    struct scratch *scratch = this_thread();
    if (scratch == NULL)
        return PATTERN_LIMIT;
    const int rc = pcre2_match(code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, scratch->data,
                               scratch->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return PATTERN_NO;
    if (rc < 0)
        return PATTERN_LIMIT;
    const size_t *offsets = pcre2_get_ovector_pointer(scratch->data);
    const size_t group = has_group(code) ? 2 : 0;
    /* A group that took no part in the match is empty. */
    const bool set = group == 0 || (rc != 1 && offsets[2] != PCRE2_UNSET);
    *ret_start = set ? offsets[group] : 0;
    *ret_end = set ? offsets[group + 1] : 0;
    return PATTERN_YES;
}

enum pattern_result pattern_match(const struct pattern *pattern, struct arena *arena,
                                  const char *subject, const char **ret_group)
{
    size_t start, end;
    const enum pattern_result result = match(pattern->code, subject, &start, &end);
    if (result == PATTERN_YES && ret_group != NULL)
        *ret_group = arena_strndup(arena, subject + start, end - start);
    return result;
}

enum pattern_result pattern_match_once(struct arena *arena, const char *text, const char *subject)
{
    size_t start, end;
    struct err ignored;
    struct scratch *scratch = this_thread();
    (void)arena;
    if (scratch == NULL)
        return PATTERN_LIMIT;
    if (scratch->last_code == NULL || strcmp(scratch->last_text, text) != 0) {
        pcre2_code_free(scratch->last_code);
        scratch->last_code = NULL;
        if (compile(text, &scratch->last_code, &ignored) != 0)
            return PATTERN_LIMIT;
        memcpy(scratch->last_text, text, strlen(text) + 1);
    }
    return match(scratch->last_code, subject, &start, &end);
}

void pattern_quote(const char *text, struct buf *buf)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\^$.|?*+()[]{}-", *text) != NULL)
            buf_add_char(buf, '\\');
        buf_add_char(buf, *text);
    }
}
