/* What slips are made of a policy file.  That the shipped suites notice them is tests/run-all's,
 * and what is printed tests/cli/test.sh's. */
#include "cli/test/mutants.h"

#include "base/limits.h"
#include "cli/files.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

static struct arena arena, scratch;

/* The mutants of one policy with these rules, a line each: name, and = REASON. */
static const char *made(const char *match, const char *rules)
{
    static bool installed;
    char folder[] = "/tmp/mutants-XXXXXX";
    struct mutants mutants;
    struct buf text;
    struct err err;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        arena_init(&scratch, 64 * LIMIT_MIB);
        installed = true;
    }
    arena_reset(&arena, LIMIT_MIB);
    if (mkdtemp(folder) == NULL)
        TEST_FAIL("no folder");
    const char *file = arena_printf(&arena, "%s/policy.yaml", folder);
    const char *policy = arena_printf(&arena,
                                      "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                      "metadata: {name: p}\nspec:\n  match: %s\n  rules:\n%s",
                                      match, rules);
    if (files_replace(file, policy, strlen(policy), &err) != 0)
        TEST_FAIL("%s", err.text);
    const int r = mutants_make(&arena, (const char *const[]){folder, NULL}, &mutants, &err);
    unlink(file);
    rmdir(folder);
    if (r != 0)
        TEST_FAIL("%s", err.text);
    buf_init(&text, &arena, LIMIT_MIB);
    for (size_t i = 0; i < mutants.count; i++) {
        struct policy_set *set = NULL;
        buf_add_strings(&text, mutants.items[i].name, NULL);
        if (mutants.items[i].because != NULL)
            buf_add_strings(&text, " = ", mutants.items[i].because, NULL);
        if (mutants_load(&mutants, &mutants.items[i], 0, &scratch, &set, &err) != 0)
            buf_add_strings(&text, " ! ", err.text, NULL);
        policy_set_unref(set);
        buf_add_char(&text, '\n');
    }
    return text.data;
}

#define CREATES "{resources: [deployments.apps], operations: [CREATE]}"

TEST(a_step_is_the_last_digit_as_it_is_written)
{
    CHECK_STRING(made(CREATES,
                      "  - {id: a, why: W., field: spec.replicas, min: -1, max: 9}\n"
                      "  - {id: b, why: W., field: $containers.resources.limits.cpu, min: 0.05,"
                      " max: 1.99}\n"
                      "  - {id: c, why: W., field: $containers.resources.limits.memory,"
                      " min: 100Mi, max: '1e9'}\n"),
                 "p/a: dropped\np/a: min -1 -> -2\np/a: max 9 -> 10\np/a: mode enforce -> warn\n"
                 "p/b: dropped\np/b: min 0.05 -> 0.04\np/b: max 1.99 -> 2.00\n"
                 "p/b: mode enforce -> warn\n"
                 "p/c: dropped\np/c: min 100Mi -> 99Mi\np/c: max 1e9 -> 2e9\n"
                 "p/c: mode enforce -> warn\n");
}

TEST(a_bound_that_is_a_variable_goes_if_something_is_left)
{
    CHECK_STRING(made(CREATES, "  - {id: a, why: W., field: $containers.resources.requests.cpu,"
                               " max: '${.resources.limits.cpu}', outside: clamp, default: 1}\n"
                               "  - {id: b, why: W., field: $containers.resources.requests.memory,"
                               " max: '${.resources.limits.memory}'}\n"),
                 "p/a: dropped\np/a: without max\np/a: mode enforce -> warn\n"
                 "p/b: dropped\np/b: mode enforce -> warn\n");
}

TEST(one_less_of_several_and_once_are_steps_too)
{
    CHECK_STRING(
        made(CREATES,
             "  - {id: a, why: W., field: $containers.image@tag, noneOf: [latest, dev]}\n"
             "  - {id: b, why: W., field: metadata.finalizers, contains: [one, two, one]}\n"
             "  - {id: c, why: W., field: $containers.image@tag, noneOf: [latest],"
             " immutable: once}\n"
             "  - {id: d, why: W., field: metadata.labels, immutable: true}\n"),
        "p/a: dropped\np/a: noneOf without latest\np/a: noneOf without dev\n"
        "p/a: mode enforce -> warn\n"
        "p/b: dropped\np/b: contains without one = it stands there twice\n"
        "p/b: contains without two\np/b: contains without one = it stands there twice\n"
        "p/b: mode enforce -> warn\n"
        "p/c: dropped\np/c: mode enforce -> warn\n"
        "p/d: dropped\np/d: immutable true -> once\np/d: mode enforce -> warn\n");
}

TEST(a_mode_is_one_weaker_or_the_other)
{
    CHECK_STRING(made(CREATES, "  - {id: a, why: W., field: spec.paused, required: true,"
                               " mode: warn}\n"
                               "  - {id: b, why: W., field: spec.replicas, required: true,"
                               " mode: audit}\n"),
                 "p/a: dropped\np/a: mode warn -> audit\np/b: dropped\np/b: mode audit -> warn\n");
}

TEST(an_entry_that_another_covers_is_no_slip)
{
    CHECK_STRING(made("{resources: [pods, '*'], operations: [CREATE, CREATE],"
                      " namespaces: ['a-*', 'a-1*', 'a-?b?'], users: ['s?', 's*']}",
                      "  - {id: a, why: W., deny: true}\n"),
                 "p: without namespace a-*\n"
                 "p: without namespace a-1* = \"a-*\" in the same list covers it\n"
                 "p: without namespace a-?b? = \"a-*\" in the same list covers it\n"
                 "p: without resource pods = \"*\" in the same list covers it\n"
                 "p: without resource *\n"
                 "p: without operation CREATE = \"CREATE\" in the same list covers it\n"
                 "p: without operation CREATE = \"CREATE\" in the same list covers it\n"
                 "p: without user s? = \"s*\" in the same list covers it\n"
                 "p: without user s*\n"
                 "p/a: dropped\np/a: mode enforce -> warn\n");
}

TEST(an_exclusion_loses_one_fence_at_a_time)
{
    CHECK_STRING(made("{resources: ['*'], operations: [CREATE, UPDATE], exclude: ["
                      "{user: a, resources: [pods]}, {user: b, operations: [CREATE]},"
                      "{group: c, resources: [pods], operations: [CREATE]},"
                      "{user: d, operations: [UPDATE], onlyMetadata: true}, {group: e}]}",
                      "  - {id: a, why: W., deny: true}\n"),
                 "p: without operation CREATE\np: without operation UPDATE\n"
                 "p: exclude a pods: any resource\np: exclude b CREATE: any operation\n"
                 "p: exclude c CREATE pods: any resource\np: exclude c CREATE pods: any operation\n"
                 "p: exclude d UPDATE onlyMetadata: not only metadata\n"
                 "p/a: dropped\np/a: mode enforce -> warn\n");
}

TEST(an_exclusion_that_leaves_nothing_more_out_is_no_slip)
{
    CHECK_STRING(
        made("{resources: [pods, services], operations: [CREATE], users: ['s*'], exclude: ["
             "{user: s1, resources: [services, pods]},"
             "{user: s2, resources: [pods], operations: [CREATE, DELETE]},"
             "{user: s2, operations: [CREATE]}, {user: x, resources: [pods]}]}",
             "  - {id: a, why: W., deny: true}\n"),
        "p: without resource pods\np: without resource services\n"
        "p: exclude s1 services+pods: any resource = the policy judges nothing else\n"
        "p: exclude s2 CREATE+DELETE pods: any resource = the exclusion in line 5 leaves "
        "that out already\n"
        "p: exclude s2 CREATE+DELETE pods: any operation = the policy judges nothing "
        "else\n"
        "p: exclude s2 CREATE: any operation = the policy judges nothing else\n"
        "p: exclude x pods: any resource = users of match does not fit this user\n"
        "p/a: dropped\np/a: mode enforce -> warn\n");
}

TEST_MAIN
