#include "kube/names.h"
#include "tests/unit/test.h"

TEST(glob_matches_the_table)
{
    static const struct {
        const char *glob, *text;
        bool fits;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "a.b/c", true},
        {"a*", "a", true},
        {"a*", "ba", false},
        {"*a", "bca", true},
        {"a*c", "abbc", true},
        {"a*c", "abcd", false},
        {"?", "", false},
        {"?", "a", true},
        {"?", "\xc3\xa9", true},
        {"??", "\xc3\xa9", false},
        {"a?c", "abc", true},
        {"*.*", "a.b", true},
        {"*ab*ab", "abab", true},
        {"*ab*ab", "aab", false},
        {"**a**", "xax", true},
        {"A", "a", false},
        {"*?", "", false},
        {"?*", "a", true},
        {"ghcr.io/*/x", "ghcr.io/a/b/x", true},
        {"[a]", "a", false},
        {"*?b",
         "\xc3\xa9"
         "b",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (glob_matches(rows[i].glob, rows[i].text) != rows[i].fits)
            TEST_FAIL("glob %s, text %s", rows[i].glob, rows[i].text);
}

/* Backtracking over every star would never end here. */
TEST(glob_is_never_exponential)
{
    static char text[20001];
    memset(text, 'a', 20000);
    CHECK(!glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
    CHECK(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", text));
}

TEST(glob_knows_a_pattern)
{
    CHECK(glob_is_pattern("a*") && glob_is_pattern("?") && !glob_is_pattern("a.b[c]"));
}

#define SEVEN   "aaaaaaa"
#define SIXTY_3 SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN
#define FIFTY   "aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa.aaaaaaaaa."

TEST(labels_are_kubernetes_own)
{
    static const char *const keys[] = {"app",   "A",
                                       "0",     "a.b_c-D",
                                       SIXTY_3, "example.com/app",
                                       "a/b",   FIFTY FIFTY FIFTY FIFTY FIFTY "aaa/a"};
    static const char *const no_keys[] = {
        "",      "-a",        "a-",       ".a",
        "a b",   SIXTY_3 "a", "/a",       "a/",
        "A/b",   "a_b/c",     "a..b/c",   "-a/b",
        "a/b/c", "a.b./c",    "\xc3\xa9", FIFTY FIFTY FIFTY FIFTY FIFTY "aaaa/a"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!name_is_label_key(keys[i]))
            TEST_FAIL("%s", keys[i]);
    for (size_t i = 0; i < sizeof no_keys / sizeof no_keys[0]; i++)
        if (name_is_label_key(no_keys[i]))
            TEST_FAIL("%s", no_keys[i]);
    CHECK(name_is_label_value("") && name_is_label_value("v1.0_B") && name_is_label_value(SIXTY_3));
    CHECK(!name_is_label_value("a/b") && !name_is_label_value("-") &&
          !name_is_label_value(SIXTY_3 "a"));
}

TEST(name_distance_counts_slips)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"abc", "abc", 0},
        {"abc", "acb", 1},
        {"abc", "ab", 1},
        {"abc", "abxc", 1},
        {"abc", "axc", 1},
        {"", "abc", 3},
        {"ca", "abc", 3},
        {"kitten", "sitting", 3},
        {"replicsa", "replicas", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_INT(name_distance(rows[i].a, rows[i].b, 10), rows[i].distance);
        CHECK_INT(name_distance(rows[i].b, rows[i].a, 10), rows[i].distance);
    }
    CHECK_INT(name_distance("abcdef", "uvwxyz", 2), 3);
    CHECK_INT(name_distance("a", "abcdefgh", 2), 3);
}

TEST(name_nearest_knows_a_slip_from_another_word)
{
    static const char *const names[] = {"replicas", "image", "imagePullPolicy", "name", NULL};
    static const char *const none[] = {NULL};
    CHECK_STRING(name_nearest("replcias", names), "replicas");
    CHECK_STRING(name_nearest("imagepullpolicy", names), "imagePullPolicy");
    CHECK_STRING(name_nearest("nmae", names), "name");
    CHECK(name_nearest("securityContext", names) == NULL);
    CHECK(name_nearest("", names) == NULL);
    CHECK(name_nearest("x", names) == NULL);
    CHECK(name_nearest("image", none) == NULL);
}

TEST_MAIN
