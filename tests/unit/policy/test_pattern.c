/* Patterns: what RE2 lacks is refused, $ is the very end, work is bounded. */
#include "base/limits.h"
#include "policy/pattern.h"
#include "tests/unit/test.h"

#include "base/buf.h"

static struct arena arena;

static enum pattern_result match(const char *text, const char *subject, const char **ret_group)
{
    struct pattern *pattern;
    struct err err;
    arena_done(&arena);
    arena_init(&arena, LIMIT_MIB);
    if (pattern_compile(&arena, text, &pattern, &err) != 0)
        TEST_FAIL("%s: %s", text, err.text);
    const enum pattern_result result = pattern_match(pattern, &arena, subject, ret_group);
    pattern_free(pattern);
    return result;
}

TEST(what_re2_lacks_is_refused)
{
    static const char *const texts[] = {
        "(?=a)", "(?!a)",     "(?<=a)b", "(?<!a)b", "(a)\\1", "(?P<n>a)\\k<n>",
        "(?>a)", "a++",       "a*+",     "a?+",     "a{2}+",  "(?R)",
        "(?1)",  "(?(1)a|b)", "(?C1)",   "a\\Kb",   "\\Ga",   "a\\Rb",
        "\\X",   "\\C",       "(*UTF)a", "(?&n)",   "(?P>n)", "(?P=n)",
        "a**",   "[\\b]",     "a{,3}",   "\\Z",     "\\h",    "\\v",
        "\\N",   "(?#c)",     "(?|a|b)", "(?x)a",   "\\g{1}", "[a",
        "(a",    "a\\",       "*a",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pattern *pattern = NULL;
        struct err err;
        arena_init(&arena, LIMIT_MIB);
        if (pattern_compile(&arena, texts[i], &pattern, &err) == 0)
            TEST_FAIL("taken: %s", texts[i]);
        CHECK(pattern == NULL);
        CHECK(strstr(err.text, "pattern") != NULL);
        arena_done(&arena);
    }
}

TEST(what_both_know_is_taken)
{
    static const struct {
        const char *text, *subject;
        enum pattern_result want;
    } rows[] = {
        {"^s(?P<n>\\d+)$", "s42", PATTERN_YES},
        {"^(?:a|b){2,3}?$", "abb", PATTERN_YES},
        {"(?i)REGISTRY", "my-registry", PATTERN_YES},
        {"(?i:A)b", "ab", PATTERN_YES},
        {"[[:alpha:]]+[]x]", "ab]", PATTERN_YES},
        {"\\bpL\\b|\\pL{2}", "zz", PATTERN_YES},
        {"\\x{e9}", "\xc3\xa9", PATTERN_YES},
        {"^.$", "\xc3\xa9", PATTERN_YES},
        {"^a$", "a\n", PATTERN_NO},
        {"b", "abc", PATTERN_YES},
        {"^b", "abc", PATTERN_NO},
        {"a+?b", "aab", PATTERN_YES},
        {"{", "{", PATTERN_YES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (match(rows[i].text, rows[i].subject, NULL) != rows[i].want)
            TEST_FAIL("%s on %s", rows[i].text, rows[i].subject);
    arena_done(&arena);
}

TEST(the_first_group_is_given_else_the_whole_match)
{
    const char *group = NULL;
    CHECK_INT(match("^s(\\d+)$", "s2024001", &group), PATTERN_YES);
    CHECK_STRING(group, "2024001");
    arena_done(&arena);
    CHECK_INT(match("\\d+", "s17x", &group), PATTERN_YES);
    CHECK_STRING(group, "17");
    arena_done(&arena);
}

TEST(a_group_that_took_no_part_is_empty)
{
    const char *group = NULL;
    CHECK_INT(match("^(s)?\\d+$", "17", &group), PATTERN_YES);
    CHECK_STRING(group, "");
    arena_done(&arena);
    CHECK_INT(match("^(?:(a)|(b))$", "b", &group), PATTERN_YES);
    CHECK_STRING(group, "");
    arena_done(&arena);
    CHECK_INT(match("^(s?)\\d+$", "s17", &group), PATTERN_YES);
    CHECK_STRING(group, "s");
    arena_done(&arena);
}

TEST(groups_are_known_before_any_match)
{
    static const struct {
        const char *text;
        bool has_group;
    } rows[] = {{"^s(\\d+)$", true}, {"(?P<n>a)", true}, {"(?:a)", false},
                {"\\(a\\)", false},  {"[(]a[)]", false}, {"a", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pattern *pattern;
        arena_init(&arena, LIMIT_MIB);
        CHECK_INT(pattern_compile(&arena, rows[i].text, &pattern, NULL), 0);
        if (pattern_has_group(pattern) != rows[i].has_group)
            TEST_FAIL("%s", rows[i].text);
        pattern_free(pattern);
        arena_done(&arena);
    }
}

TEST(work_is_bounded)
{
    char subject[4001];
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 1] = '\0';
    CHECK_INT(match("^(a|aa)+$b|(a+)+x", subject, NULL), PATTERN_LIMIT);
    arena_done(&arena);
}

TEST(a_pattern_has_a_longest_text)
{
    char text[LIMIT_REGEX_PATTERN_BYTES + 2];
    struct pattern *pattern = NULL;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    arena_init(&arena, LIMIT_MIB);
    CHECK(pattern_compile(&arena, text, &pattern, NULL) < 0);
    text[LIMIT_REGEX_PATTERN_BYTES] = '\0';
    CHECK_INT(pattern_compile(&arena, text, &pattern, NULL), 0);
    pattern_free(pattern);
    arena_done(&arena);
}

TEST(quoted_text_stands_for_itself)
{
    static const char text[] = "a.b*c+(d)[e]{2}|^$\\?-/#\xc3\xa9";
    struct buf buf;
    arena_init(&arena, LIMIT_MIB);
    buf_init(&buf, &arena, 1000);
    buf_add_char(&buf, '^');
    pattern_quote(text, &buf);
    buf_add_char(&buf, '$');
    CHECK_INT(pattern_match_once(&arena, buf.data, text), PATTERN_YES);
    CHECK_INT(pattern_match_once(&arena, buf.data, "axb"), PATTERN_NO);
    CHECK_INT(pattern_match_once(&arena, "(?=a)", "a"), PATTERN_LIMIT);
    arena_done(&arena);
}

TEST_MAIN
