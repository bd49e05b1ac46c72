#include "cli/output/diff.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static struct arena arena;

static const char *diff(const char *before, const char *after, bool colour)
{
    if (arena.cap_bytes == 0)
        arena_init(&arena, 64 * LIMIT_MIB);
    arena_reset(&arena, LIMIT_MIB);
    struct buf out;
    buf_init(&out, &arena, 8 * LIMIT_MIB);
    diff_write(&arena, &(struct diff_side){"a", before}, &(struct diff_side){"b", after}, colour,
               &out);
    CHECK(!out.failed);
    return out.data;
}

TEST(equal_texts_give_nothing)
{
    CHECK_STRING(diff("x\ny\n", "x\ny\n", false), "");
    CHECK_STRING(diff("", "", false), "");
}

TEST(one_changed_line_has_three_lines_of_context)
{
    CHECK_STRING(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", false),
                 "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(from_and_to_nothing)
{
    CHECK_STRING(diff("", "x\n", false), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
    CHECK_STRING(diff("x\ny\n", "", false), "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-x\n-y\n");
}

TEST(near_changes_share_a_hunk_and_far_ones_do_not)
{
    CHECK_STRING(diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n", false),
                 "--- a\n+++ b\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    CHECK_STRING(diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n", false),
                 "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
                 "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

TEST(the_shortest_script_keeps_what_is_common)
{
    CHECK_STRING(diff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", false),
                 "--- a\n+++ b\n@@ -1,7 +1,6 @@\n-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c\n");
}

TEST(a_last_line_without_newline_is_a_line)
{
    CHECK_STRING(diff("a\nb", "a\nc", false), "--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
}

TEST(control_characters_never_reach_the_terminal)
{
    const char *out = diff("a\n", "\033[2Jb\x07\n", false);
    CHECK(strchr(out, '\033') == NULL);
    CHECK(strchr(out, '\x07') == NULL);
}

TEST(colours_are_closed_on_every_line)
{
    CHECK_STRING(diff("a\n", "b\n", true),
                 "\033[1m--- a\033[0m\n\033[1m+++ b\033[0m\n\033[36m@@ -1 +1 @@\033[0m\n"
                 "\033[31m-a\033[0m\n\033[32m+b\033[0m\n");
}

/* Applies a diff without trusting it: what it says of `before` must be there. */
static void apply(const char *before, const char *patch, struct buf *after)
{
    const char *at = strchr(strchr(patch, '\n') + 1, '\n') + 1;
    unsigned long line = 1;
    while (*at != '\0') {
        if (*at == '@') {
            char *end = NULL;
            unsigned long from = strtoul(at + 4, &end, 10);
            unsigned long count = *end == ',' ? strtoul(end + 1, &end, 10) : 1;
            for (from += count == 0; line < from; line++) {
                size_t length = strcspn(before, "\n") + 1;
                buf_add(after, before, length);
                before += length;
            }
        } else {
            size_t length = strcspn(at, "\n");
            if (*at != '+') {
                CHECK(strncmp(before, at + 1, length) == 0);
                before += length;
                line++;
            }
            if (*at != '-')
                buf_add(after, at + 1, length);
        }
        at = strchr(at, '\n') + 1;
    }
    buf_add_string(after, before);
}

static unsigned seed = 7;

static unsigned dice(unsigned sides)
{
    seed = seed * 1103515245U + 12345U;
    return (seed >> 16) % sides;
}

static void roll_text(struct buf *text, unsigned lines, unsigned letters)
{
    buf_clear(text);
    for (unsigned i = 0; i < lines; i++) {
        buf_add_char(text, (char)('a' + dice(letters)));
        buf_add_char(text, '\n');
    }
}

TEST(applying_a_diff_gives_the_other_text)
{
    struct buf before, after, applied;
    buf_init(&before, NULL, LIMIT_MIB);
    buf_init(&after, NULL, LIMIT_MIB);
    buf_init(&applied, NULL, LIMIT_MIB);
    for (unsigned i = 0; i < 3000; i++) {
        roll_text(&before, dice(40), 1 + dice(5));
        roll_text(&after, dice(40), 1 + dice(5));
        if (strcmp(before.data, after.data) == 0)
            continue;
        buf_clear(&applied);
        apply(before.data, diff(before.data, after.data, false), &applied);
        CHECK_STRING(applied.data, after.data);
    }
    buf_done(&before);
    buf_done(&after);
    buf_done(&applied);
}

TEST(texts_with_nothing_in_common_are_two_blocks)
{
    struct buf before, after, applied;
    buf_init(&before, NULL, LIMIT_MIB);
    buf_init(&after, NULL, LIMIT_MIB);
    buf_init(&applied, NULL, LIMIT_MIB);
    for (unsigned i = 0; i < 3 * DIFF_EDITS_MAX; i++) {
        buf_printf(&before, "%u\n", i);
        buf_printf(&after, "%u'\n", i);
    }
    apply(before.data, diff(before.data, after.data, false), &applied);
    CHECK_STRING(applied.data, after.data);
    buf_done(&before);
    buf_done(&after);
    buf_done(&applied);
}

TEST_MAIN
