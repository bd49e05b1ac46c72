/* Diagnostics: in order, once, in one line each. */
#include "base/limits.h"
#include "policy/diag.h"
#include "tests/unit/test.h"

TEST(findings_are_ordered_and_told_once)
{
    static struct arena arena;
    struct diagnostics diagnostics;
    struct buf buf;
    arena_init(&arena, LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    diag_add(&diagnostics, DIAG_ERROR, (struct place){"b.yaml", {9, 1}}, "x", "late");
    diag_add(&diagnostics, DIAG_WARNING, (struct place){"a.yaml", {1, 2}}, "y", "two\nlines %d", 7);
    diag_add(&diagnostics, DIAG_ERROR, (struct place){"b.yaml", {2, 8}}, "x", "early");
    diag_add(&diagnostics, DIAG_ERROR, (struct place){"b.yaml", {9, 1}}, "x", "late");
    diag_add(&diagnostics, DIAG_ERROR, (struct place){"c.yaml", {0, 0}}, "z", "esc \033[31m");
    CHECK_INT(diagnostics.error_count, 4);
    diag_sort(&diagnostics);
    buf_init(&buf, &arena, 10000);
    diag_write(&diagnostics, &buf);
    CHECK_STRING(buf.data, "b.yaml:2:8: error: early [x]\n"
                           "b.yaml:9:1: error: late [x]\n"
                           "a.yaml:1:2: warning: two lines 7 [y]\n"
                           "c.yaml: error: esc ?[31m [z]\n");
    CHECK_INT(diagnostics.error_count, 3);
    arena_done(&arena);
}

TEST(past_the_limit_findings_are_only_counted)
{
    struct arena arena;
    struct diagnostics diagnostics;
    const struct place place = {"a.yaml", {1, 1}};
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    for (size_t i = 0; i < LIMIT_DIAGNOSTICS; i++)
        diag_add(&diagnostics, DIAG_ERROR, place, "code", "finding %zu", i);
    CHECK_INT(diagnostics.count, LIMIT_DIAGNOSTICS);
    CHECK_INT(diagnostics.left_out, 0);
    diag_add(&diagnostics, DIAG_ERROR, place, "code", "one too many");
    CHECK_INT(diagnostics.count, LIMIT_DIAGNOSTICS);
    CHECK_INT(diagnostics.error_count, LIMIT_DIAGNOSTICS + 1);
    struct buf text;
    buf_init(&text, &arena, LIMIT_BODY_BYTES);
    diag_write(&diagnostics, &text);
    CHECK(strstr(text.data, "\nand 1 more\n") != NULL);
    arena_done(&arena);
}

TEST_MAIN
