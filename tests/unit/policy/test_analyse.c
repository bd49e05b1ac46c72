/* Which rules can meet, and which writes agree.  One rule is asked against another; the texts of
 * the reports are in tests/cases/policy-errors. */
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct diagnostics diagnostics;

static void start(struct buf *text)
{
    static bool installed;
    if (!installed)
        arena_install_cjson_hooks();
    installed = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    buf_init(text, &arena, LIMIT_MIB);
}

#define HEAD                                                                                       \
    "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: %s }\nspec:\n  match: { %s }\n"

/* The code of the first error; "" if there is none. */
static const char *first_error(const struct buf *text)
{
    const struct policy_load_options options = {.now = 0};
    struct policy_set *set = NULL;
    struct err err;
    const int rc =
        policy_load_text("t.yaml", text->data, text->length, &options, &diagnostics, &set, &err);
    policy_set_unref(set);
    for (size_t i = 0; i < diagnostics.count; i++)
        if (diagnostics.items[i].severity == DIAG_ERROR)
            return diagnostics.items[i].code;
    return rc == 0 ? "" : "failed without a finding";
}

/* ... when policy a and policy b are one set. */
static const char *together(const char *match_a, const char *rule_a, const char *match_b,
                            const char *rule_b)
{
    static const char format[] = HEAD "  rules:\n    - { id: one, why: W, %s }\n---\n";
    struct buf text;
    start(&text);
    buf_printf(&text, format, "a", match_a, rule_a);
    buf_printf(&text, format, "b", match_b, rule_b);
    return first_error(&text);
}

/* ... when both rules are of one policy, `variables` of it included. */
static const char *in_one(const char *match, const char *variables, const char *rule_a,
                          const char *rule_b)
{
    struct buf text;
    start(&text);
    buf_printf(&text,
               HEAD "  variables: [%s]\n  rules:\n    - { id: one, why: W, %s }\n"
                    "    - { id: two, why: W, %s }\n",
               "a", match, variables, rule_a, rule_b);
    return first_error(&text);
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

TEST(one_kind_meets_all_kinds_whatever_the_namespaces)
{
#define THING    "resources: [things.example.org]"
#define ALL      "resources: [\"*\"]"
#define SEVERAL  "resources: [things.example.org, others.example.org]"
#define ALSO(m)  "namespaces: [x], " m
#define GLOBS(m) "namespaces: [\"x*\"], " m
    static const char *const one[] = {THING, ALSO(THING), GLOBS(THING)};
    static const char *const many[] = {ALL, ALSO(ALL), GLOBS(ALL), SEVERAL, ALSO(SEVERAL)};
    for (size_t i = 0; i < sizeof one / sizeof *one; i++)
        for (size_t j = 0; j < sizeof many / sizeof *many; j++) {
            CHECK_STRING(together(one[i], SET("1"), many[j], SET("2")), "conflict");
            CHECK_STRING(together(many[j], SET("1"), one[i], SET("2")), "conflict");
            CHECK_STRING(together(many[j], SET("1"), one[i], SET("1")), "");
            CHECK_STRING(together(many[j], "field: spec.paused, set: true", one[i], SET("2")), "");
        }
    CHECK_STRING(together("namespaces: [z], " ALL, SET("1"), ALSO(THING), SET("2")), "");
    CHECK_STRING(together("namespaces: [z], resources: [others.example.org, more.example.org]",
                          SET("1"), THING, SET("2")),
                 "");
    /* also where one writes above the other */
    CHECK_STRING(together("namespaces: [z], " ALL, "field: metadata.labels, set: { a: v }", THING,
                          "field: metadata.labels.a, set: w"),
                 "conflict");
    CHECK_STRING(together(THING, "field: metadata.labels, set: { a: v }", "namespaces: [z], " ALL,
                          "field: metadata.labels.a, set: w"),
                 "conflict");
}

TEST(rules_of_one_policy_meet_too)
{
    CHECK_STRING(in_one(ANY, "", SET("1"), SET("2")), "conflict");
    CHECK_STRING(in_one(ANY, "", SET("1"), SET("1")), "");
    CHECK_STRING(in_one(ALL, "", "field: metadata.labels.a, set: x",
                        "field: 'metadata.labels[\"*\"]', set: w"),
                 "conflict");
    CHECK_STRING(in_one(ANY, "", SET("1") WHEN("equals: a"), SET("2") WHEN("equals: b")), "");
    CHECK_STRING(in_one(IN("x, z"), "", SET("1"), "field: spec.replicas, default: 2"), "conflict");
}

TEST(what_variables_are_taken_from_counts_as_read)
{
#define COPY   "field: metadata.labels.copy, set: "
#define TEAM   "field: metadata.labels.team, set: x"
#define COURSE "{ name: course, from: \"${label:team}\" }"
    CHECK_STRING(in_one(ANY, "", COPY "\"${label:team}\"", TEAM), "reads-before-write");
    CHECK_STRING(in_one(ANY, "", TEAM, COPY "\"${label:team}\""), "");
    CHECK_STRING(in_one(ANY, "", COPY "\"${label:other}\"", TEAM), "");
    CHECK_STRING(in_one(ANY, COURSE, COPY "\"${course}\"", TEAM), "reads-before-write");
    CHECK_STRING(in_one(ANY, COURSE, TEAM, COPY "\"${course}\""), "reads-before-write");
    CHECK_STRING(in_one(ANY, COURSE, TEAM, COPY "\"${label:x}\""), "");
    CHECK_STRING(together(ANY, TEAM, ANY, COPY "\"${label:team}\""), "");
    CHECK_STRING(in_one(ANY, "",
                        "field: $appContainers.readinessProbe, "
                        "default: { tcpSocket: { port: \"${port}\" } }",
                        "field: '$containers.ports[*].containerPort', default: 80"),
                 "reads-before-write");
    CHECK_STRING(in_one(ANY, "",
                        "field: $appContainers.readinessProbe, "
                        "default: { tcpSocket: { port: \"${port}\" } }",
                        "field: '$containers.ports[*].protocol', default: TCP"),
                 "");
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

TEST(a_value_that_the_request_decides_suits_no_bound)
{
#define CLAMP "field: spec.replicas, max: 3, outside: clamp"
#define TAKEN "\"${spec.minReadySeconds}\""
    CHECK_STRING(together(ANY, SET(TAKEN), ANY, CLAMP), "conflict");
    CHECK_STRING(together(ANY, CLAMP, ANY, SET(TAKEN)), "conflict");
    CHECK_STRING(together(ANY, SET(TAKEN), ANY, "field: spec.replicas, max: 3"), "");
    CHECK_STRING(together(ANY, SET(TAKEN), ANY, SET(TAKEN)), "");
    CHECK_STRING(together(ANY, "field: spec.replicas, default: " TAKEN, ANY, CLAMP), "");
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
