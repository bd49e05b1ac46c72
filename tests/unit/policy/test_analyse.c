/* Which rules can meet, and which writes agree.  One rule is asked against another; the texts of
 * the reports are in tests/cases/policy-errors. */
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct diagnostics diagnostics;

/* The code of the first error when policy a and policy b are one set; "" if there is none. */
static const char *together(const char *match_a, const char *rule_a, const char *match_b,
                            const char *rule_b)
{
    static bool installed;
    if (!installed)
        arena_install_cjson_hooks();
    installed = true;
    static const char format[] = "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                 "metadata: { name: %s }\nspec:\n  match: { %s }\n  rules:\n"
                                 "    - { id: one, why: W, %s }\n---\n";
    struct policy_load_options options = {.now = 0};
    struct policy_set *set = NULL;
    struct buf text;
    struct err err;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    buf_init(&text, &arena, LIMIT_MIB);
    buf_printf(&text, format, "a", match_a, rule_a);
    buf_printf(&text, format, "b", match_b, rule_b);
    const int rc =
        policy_load_text("t.yaml", text.data, text.length, &options, &diagnostics, &set, &err);
    policy_set_unref(set);
    for (size_t i = 0; i < diagnostics.count; i++)
        if (diagnostics.items[i].severity == DIAG_ERROR)
            return diagnostics.items[i].code;
    return rc == 0 ? "" : "failed without a finding";
}

#define ANY         "resources: [deployments.apps]"
#define IN(names)   "namespaces: [" names "], resources: [deployments.apps]"
#define SET(n)      "field: spec.replicas, set: " n
#define WHEN(tests) ", when: [{ field: metadata.labels.tier, " tests " }]"

TEST(one_field_written_differently_is_a_conflict)
{
    CHECK_STRING(together(ANY, SET("1"), ANY, SET("2")), "conflict");
    CHECK_STRING(together(ANY, SET("1"), ANY, SET("1")), "");
    CHECK_STRING(together(ANY, SET("1"), ANY, "field: spec.replicas, default: 2"), "conflict");
    CHECK_STRING(together(ANY, SET("1"), ANY, SET("2") ", mode: warn"), "");
    CHECK_STRING(together("resources: [\"*\"]", SET("1"), ANY, SET("2")), "conflict");
    CHECK_STRING(together("resources: [things.example.org]", SET("1"),
                          "resources: [things.example.org]", SET("2")),
                 "conflict");
}

TEST(literal_fences_part_rules)
{
    CHECK_STRING(together(IN("x"), SET("1"), IN("z"), SET("2")), "");
    CHECK_STRING(together(IN("x"), SET("1"), IN("z, x"), SET("2")), "conflict");
    CHECK_STRING(together(IN("x"), SET("1"), IN("\"*\""), SET("2")), "conflict");
    CHECK_STRING(together(IN("x"), SET("1"), IN("\"q*\""), SET("2")), "");
    CHECK_STRING(together(IN("\"x*\""), SET("1"), IN("\"*z\""), SET("2")), "conflict");
    CHECK_STRING(together(IN("x"), SET("1"), ANY, SET("2")), "conflict");
    CHECK_STRING(together(ANY, SET("1"), "resources: [statefulsets.apps]", SET("2")), "");
}

TEST(conditions_part_rules)
{
    CHECK_STRING(together(ANY, SET("1") WHEN("equals: a"), ANY, SET("2") WHEN("oneOf: [b, c]")),
                 "");
    CHECK_STRING(together(ANY, SET("1") WHEN("equals: b"), ANY, SET("2") WHEN("oneOf: [b, c]")),
                 "conflict");
    CHECK_STRING(together(ANY, SET("1") WHEN("equals: b"), ANY, SET("2") WHEN("noneOf: [b]")), "");
    CHECK_STRING(together(ANY, SET("1") WHEN("exists: true"), ANY, SET("2") WHEN("exists: false")),
                 "");
    CHECK_STRING(together(ANY, SET("1") WHEN("pattern: a"), ANY, SET("2") WHEN("pattern: b")),
                 "conflict");
}

TEST(bounds_agree_where_a_value_suits_both)
{
    CHECK_STRING(together(ANY, "field: spec.replicas, max: 5, outside: clamp", ANY,
                          "field: spec.replicas, max: 3, outside: clamp"),
                 "");
    CHECK_STRING(together(ANY, "field: spec.replicas, max: 2, outside: clamp", ANY,
                          "field: spec.replicas, min: 3, outside: clamp"),
                 "conflict");
    CHECK_STRING(together(ANY, "field: spec.replicas, max: 5, outside: clamp", ANY, SET("6")),
                 "conflict");
    CHECK_STRING(together(ANY, "field: spec.replicas, max: 5, outside: clamp", ANY, SET("5")), "");
}

TEST(places_overlap_step_by_step)
{
    CHECK_STRING(together(ANY, "field: $containers.imagePullPolicy, set: Always", ANY,
                          "field: \"$pod.containers[name=x].imagePullPolicy\", set: Never"),
                 "conflict");
    CHECK_STRING(together(ANY, "field: \"$containers.env[name=A].value\", set: v", ANY,
                          "field: \"$containers.env[name=B].value\", set: w"),
                 "");
    CHECK_STRING(together(ANY, "field: $pod.securityContext, set: { runAsUser: 5 }", ANY,
                          "field: $pod.securityContext.runAsUser, set: 6"),
                 "conflict");
    CHECK_STRING(together(ANY, "field: $pod.securityContext, set: { runAsUser: 5 }", ANY,
                          "field: $pod.securityContext.runAsGroup, set: 6"),
                 "");
}

TEST(a_rule_reads_only_what_is_written_before)
{
    CHECK_STRING(together(ANY,
                          "field: spec.paused, equals: true, "
                          "when: [{ field: spec.replicas, min: 2 }]",
                          ANY, SET("1")),
                 "reads-before-write");
    CHECK_STRING(together(ANY, SET("1"), ANY,
                          "field: spec.paused, equals: true, "
                          "when: [{ field: spec.replicas, min: 2 }]"),
                 "");
    CHECK_STRING(together(IN("x"),
                          "field: spec.paused, equals: true, "
                          "when: [{ field: spec.replicas, min: 2 }]",
                          IN("z"), SET("1")),
                 "");
}

TEST_MAIN
