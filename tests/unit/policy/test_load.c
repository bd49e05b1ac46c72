/* Every file in tests/cases/policy-errors is loaded by itself; what it is told must be, byte for
 * byte, the .txt beside it.  PROCTOR_UPDATE=1 in the environment writes them anew, for review. */
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#include <dirent.h>

#define FOLDER "tests/cases/policy-errors"
#define NOON   1795262400 /* 2026-11-21T12:00:00Z */

static struct arena words;
static struct diagnostics diagnostics;
static const struct policy_load_options options = {.now = NOON};

static void start(void)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&words, 64 * LIMIT_MIB);
        installed = true;
    }
    arena_reset(&words, 0);
    diag_init(&diagnostics, &words);
}

static int load_text(const char *name, const char *text, struct policy_set **ret_set)
{
    struct err err;
    return policy_load_text(name, text, strlen(text), &options, &diagnostics, ret_set, &err);
}

static const char *told(void)
{
    struct buf buf;
    buf_init(&buf, &words, 16 * LIMIT_MIB);
    diag_write(&diagnostics, &buf);
    return buf.data;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    fputs(text, file);
    CHECK(fclose(file) == 0);
}

static void run_case(const char *name)
{
    char path[512];
    struct policy_set *set = NULL;
    start();
    snprintf(path, sizeof path, FOLDER "/%s", name);
    char *text = test_read_file(path, NULL);
    const int rc = load_text(name, text, &set);
    free(text);
    CHECK((rc == 0) == (diagnostics.error_count == 0));
    policy_set_unref(set);
    snprintf(path, sizeof path, FOLDER "/%.*s.txt", (int)(strlen(name) - 5), name);
    if (getenv("PROCTOR_UPDATE") != NULL)
        write_file(path, told());
    char *wanted = test_read_file(path, NULL);
    if (strcmp(told(), wanted) != 0) {
        fprintf(stderr, "%s: is\n%s%s: want\n%s", name, told(), path, wanted);
        free(wanted);
        TEST_FAIL("%s is told something else", name);
    }
    free(wanted);
}

static int is_yaml(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

TEST(broken_files_are_told_what_is_wrong)
{
    struct dirent **entries;
    const int count = scandir(FOLDER, &entries, is_yaml, alphasort);
    CHECK(count >= 20);
    for (int i = 0; i < count; i++) {
        run_case(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

#define POLICY(name, rest)                                                                         \
    "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: " name " }\nspec:\n"              \
    "  match: { resources: [deployments.apps] }\n  rules:\n" rest "\n---\n"

TEST(policies_stand_in_the_order_of_their_names)
{
    struct policy_set *set = NULL;
    start();
    CHECK_INT(load_text("two.yaml",
                        POLICY("b", "    - { id: p, why: W, field: spec.replicas, max: 3 }")
                            POLICY("a", "    - { id: q, why: W, field: spec.paused, equals: "
                                        "true }\n    - { id: r, why: W, field: "
                                        "$pod.hostNetwork, equals: false }"),
                        &set),
              0);
    CHECK_INT(set->policy_count, 2);
    CHECK_STRING(set->policies[0].name, "a");
    CHECK_STRING(set->policies[1].rules[0].full_id, "b/p");
    CHECK_INT(set->policies[1].rules[0].order, 2);
    CHECK_INT(set->rule_count, 3);
    CHECK_INT(strlen(set->digest), 64);
    policy_set_unref(set);
}

TEST(an_empty_text_is_no_set)
{
    struct policy_set *set = NULL;
    start();
    CHECK_INT(load_text("empty.yaml", "", &set), -ERR_POLICY);
    CHECK(set == NULL);
}

TEST(a_path_that_is_not_there_is_told)
{
    struct policy_set *set = NULL;
    struct err err;
    const char *const paths[] = {"tests/cases/no-such-folder", NULL};
    start();
    CHECK(policy_load(paths, &options, &diagnostics, &set, &err) < 0);
    CHECK(diagnostics.error_count > 0);
}

TEST(memory_that_runs_out_is_an_error)
{
    static const char wrong[] = "apiVersion: proctor.dev/v1\nkind: Policy\nx: 1\n";
    const struct policy_load_options little = {.now = NOON, .memory_bytes = 16};
    struct policy_set *set = NULL;
    struct arena few;
    struct err err;
    start();
    CHECK_INT(policy_load_text("a.yaml", wrong, strlen(wrong), &little, &diagnostics, &set, &err),
              -(int)ERR_NO_MEMORY);
    arena_init(&few, 64); /* what is wrong has to be said somewhere */
    diag_init(&diagnostics, &few);
    CHECK_INT(policy_load_text("a.yaml", wrong, strlen(wrong), &options, &diagnostics, &set, &err),
              -(int)ERR_LIMIT);
    CHECK(set == NULL);
    arena_done(&few);
}

TEST(the_shipped_policies_are_clean)
{
    struct policy_set *set = NULL;
    struct err err;
    const char *const paths[] = {"policies", NULL};
    start();
    const int rc = policy_load(paths, &options, &diagnostics, &set, &err);
    CHECK_STRING(told(), "");
    CHECK_INT(rc, 0);
    CHECK(set->rule_count > 100);
    policy_set_unref(set);
}

/* The modes of the policy and its three rules, as letters. */
static const char *modes_under(enum policy_mode mode)
{
    static const char text[] = "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\n"
                               "spec:\n  match: { resources: [pods] }\n  mode: warn\n  rules:\n"
                               "    - { id: a, why: W., deny: true, mode: enforce }\n"
                               "    - { id: b, why: W., deny: true }\n"
                               "    - { id: c, why: W., deny: true, mode: audit }\n";
    static char letters[5];
    const struct policy_load_options under = {.now = NOON, .mode = mode};
    struct policy_set *set = NULL;
    struct err err;
    start();
    CHECK(policy_load_text("p", text, sizeof text - 1, &under, &diagnostics, &set, &err) == 0);
    CHECK(set->mode == mode && set->rule_count == 3);
    letters[0] = *policy_mode_names[set->policies[0].mode];
    for (size_t i = 0; i < 3; i++)
        letters[i + 1] = *policy_mode_names[set->policies[0].rules[i].mode];
    policy_set_unref(set);
    return letters;
}

TEST(no_rule_acts_more_strictly_than_the_mode)
{
    CHECK_STRING(modes_under(POLICY_ENFORCE), "wewa");
    CHECK_STRING(modes_under(POLICY_WARN), "wwwa");
    CHECK_STRING(modes_under(POLICY_AUDIT), "aaaa");
}

TEST_MAIN
