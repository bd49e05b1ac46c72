/* The index: what can fit is visited once, in the set's order, and nothing else is. */
#include "base/limits.h"
#include "policy/set.h"
#include "tests/unit/test.h"

#define SET_OF(...)                                                                                \
    struct policy policies[] = {__VA_ARGS__};                                                      \
    struct policy_set set = {.policies = policies,                                                 \
                             .policy_count = sizeof policies / sizeof *policies};                  \
    arena_init(&set.arena, 64 * LIMIT_MIB);                                                        \
    for (size_t i = 0; i < set.policy_count; i++)                                                  \
        policies[i].order = i;                                                                     \
    policy_index_build(&set)

#define STRINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static char seen[256];

static void note(void *context, const struct policy *policy)
{
    (void)context;
    const size_t used = strlen(seen);
    snprintf(seen + used, sizeof seen - used, "%s", policy->name);
}

static const char *find(struct policy_set *set, const char *resource, const char *name_space)
{
    seen[0] = '\0';
    policy_index_find(set, resource, name_space, note, NULL);
    return seen;
}

TEST(resources_and_namespaces_choose)
{
    SET_OF({.name = "a", .match = {.resources = STRINGS("pods"), .namespaces = STRINGS("x")}},
           {.name = "b", .match = {.resources = STRINGS("*")}},
           {.name = "c",
            .match = {.resources = STRINGS("pods", "pods", "pods/exec"),
                      .namespaces = STRINGS("x", "y", "x")}},
           {.name = "d", .match = {.resources = STRINGS("pods"), .namespaces = STRINGS("x*", "y")}},
           {.name = "e", .match = {.resources = STRINGS("*"), .namespaces = STRINGS("x")}},
           {.name = "f", .match = {.resources = STRINGS("deployments.apps")}});
    CHECK_STRING(find(&set, "pods", "x"), "abcde");
    CHECK_STRING(find(&set, "pods", "y"), "bcd");
    CHECK_STRING(find(&set, "pods", "z"), "bd");
    CHECK_STRING(find(&set, "pods/exec", "y"), "bc");
    CHECK_STRING(find(&set, "deployments.apps", "x"), "bef");
    CHECK_STRING(find(&set, "namespaces", NULL), "b");
    CHECK_STRING(find(&set, "nothing.example.org", "q"), "b");
    arena_done(&set.arena);
}

TEST(an_empty_set_has_nothing)
{
    struct policy_set set = {0};
    arena_init(&set.arena, LIMIT_MIB);
    policy_index_build(&set);
    CHECK_STRING(find(&set, "pods", "x"), "");
    arena_done(&set.arena);
}

TEST_MAIN
