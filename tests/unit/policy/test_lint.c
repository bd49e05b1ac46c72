/* Each finding of lint_set and of the loader's warnings: once where it is due, and not in the
 * nearest policy that is right.  The texts are in tests/cases/policy-errors. */
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#define NOON 1795262400 /* 2026-11-21T12:00:00Z */

static struct arena arena;
static struct diagnostics diagnostics;

/* Whether the policy with this `spec` (flow YAML, without braces), and what follows it, has a
 * finding of that code. */
static bool finds(const char *code, const char *spec, const char *rest)
{
    static bool installed;
    struct policy_load_options options = {.now = NOON};
    struct policy_set *set = NULL;
    struct buf text;
    struct err err;
    if (!installed)
        arena_install_cjson_hooks();
    installed = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    buf_init(&text, &arena, LIMIT_MIB);
    buf_printf(&text,
               "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec: { %s }\n%s",
               spec, rest);
    const int rc =
        policy_load_text("t.yaml", text.data, text.length, &options, &diagnostics, &set, &err);
    policy_set_unref(set);
    bool found = false;
    for (size_t i = 0; i < diagnostics.count; i++)
        found |= strcmp(diagnostics.items[i].code, code) == 0;
    /* Any other finding would mean that the test's own policy is not what it seems. */
    for (size_t i = 0; i < diagnostics.count; i++)
        if (strcmp(diagnostics.items[i].code, code) != 0)
            TEST_FAIL("%s in %s: %s", diagnostics.items[i].code, spec,
                      diagnostics.items[i].message);
    CHECK((rc == 0) == (diagnostics.error_count == 0));
    return found;
}

#define MATCH           "match: { namespaces: [x], resources: [deployments.apps] }"
#define RULE(words)     MATCH ", rules: [{ id: r, why: W, " words " }]"
#define RULES(one, two) MATCH ", rules: [{ id: r, why: W, " one " }, { id: s, why: W, " two " }]"
#define FOR(match)      "match: { " match " }, rules: [{ id: r, why: W, deny: true }]"
#define VARIABLE(from)                                                                             \
    "variables: [{ name: v, " from " }], " RULE("field: metadata.labels.v, oneOf: [\"${v}\"]")

static const struct {
    const char *code, *bad, *good;
} rows[] = {
    /* patterns */
    {"bare-dot", RULE("field: $containers.image, pattern: '^registry.example/'"),
     RULE("field: $containers.image, pattern: '^registry\\.example/'")},
    {"bare-dot", RULE("field: $containers.image, notPattern: 'evil.example'"),
     RULE("field: $containers.image, notPattern: 'evil[.]example'")},
    {"bare-dot", RULE("deny: true, when: [{ field: metadata.labels.h, pattern: 'a.example' }]"),
     RULE("deny: true, when: [{ field: metadata.labels.h, pattern: 'a.*example' }]")},
    {"open-prefix", RULE("field: $containers.image, pattern: '^registry\\.example'"),
     RULE("field: $containers.image, pattern: '^registry\\.example$'")},
    /* values */
    {"forgeable", RULE("field: metadata.labels.a, equals: \"${label:b}\""),
     RULE("field: metadata.labels.a, equals: \"${user}\"")},
    {"forgeable", RULE("field: metadata.labels.a, oneOf: [\"${annotation:b}\"]"),
     RULE("field: metadata.labels.a, set: \"${annotation:b}\"")},
    {"forgeable", VARIABLE("from: \"${label:b}\""), VARIABLE("from: \"${namespace}\"")},
    {"forgeable", VARIABLE("from: \"${spec.template.spec.serviceAccountName}\""),
     VARIABLE("from: \"${$request.userInfo.uid}\"")},
    {"forgeable", VARIABLE("from: \"${$options.fieldManager}\""),
     VARIABLE("from: \"${$old.metadata.labels.a}\"")},
    {"no-group", VARIABLE("from: \"${user}\", pattern: '^s\\d+'"),
     VARIABLE("from: \"${user}\", pattern: '^s(\\d+)'")},
    {"not-in-every-kind",
     "match: { namespaces: [x], resources: [deployments.apps, daemonsets.apps] }, rules: [{ id: r, "
     "why: W, field: metadata.labels.a, equals: \"${spec.replicas}\" }]",
     "match: { namespaces: [x], resources: [deployments.apps, statefulsets.apps] }, rules: [{ id: "
     "r, why: W, field: metadata.labels.a, equals: \"${spec.replicas}\" }]"},
    {"empty-range", RULE("field: spec.replicas, min: 3, max: 2"),
     RULE("field: spec.replicas, min: 2, max: 2")},
    {"empty-range", RULE("field: $containers.resources.limits.cpu, min: 1, max: 900m"),
     RULE("field: $containers.resources.limits.cpu, min: 900m, max: 1")},
    {"outside-own-range", RULE("field: spec.replicas, default: 5, max: 2"),
     RULE("field: spec.replicas, default: 2, max: 2")},
    {"outside-own-range", RULE("field: spec.replicas, set: 1, min: 2"),
     RULE("field: spec.replicas, set: 2, min: 2")},
    {"always-filled", RULE("field: spec.replicas, forbidden: true"),
     RULE("field: $pod.nodeName, forbidden: true")},
    {"always-filled", RULE("field: $pod.dnsPolicy, remove: true"),
     RULE("field: $pod.dnsConfig, remove: true")},
    {"vacuous", RULE("field: $containers, required: true"),
     RULE("field: $containers.livenessProbe, required: true")},
    {"vacuous", RULE("field: 'spec.template.spec.volumes[*]', required: true"),
     RULE("field: spec.template.spec.volumes@count, min: 1")},
    /* rules beside each other */
    {"limit-below-request", RULE("field: $containers.resources.limits.cpu, default: 1"),
     RULES("field: $containers.resources.limits.cpu, default: 1",
           "field: $containers.resources.requests.cpu, optional: true, "
           "max: \"${.resources.limits.cpu}\"")},
    {"sleep-beyond-grace",
     RULE("field: $appContainers.lifecycle.preStop.sleep.seconds, default: 30"),
     RULE("field: $appContainers.lifecycle.preStop.sleep.seconds, default: 29")},
    {"sleep-beyond-grace",
     RULES("field: $pod.terminationGracePeriodSeconds, set: 10",
           "field: $appContainers.lifecycle, default: { preStop: { sleep: { seconds: 20 } } }"),
     RULES("field: $pod.terminationGracePeriodSeconds, min: 60",
           "field: $appContainers.lifecycle, default: { preStop: { sleep: { seconds: 50 } } }")},
    /* match */
    {"selector-only", FOR("resources: [pods], selector: { matchLabels: { a: b } }"),
     FOR("resources: [pods], groups: [students], selector: { matchLabels: { a: b } }")},
    {"excludes-autoscaler",
     FOR("resources: [pods], exclude: [{ operations: [UPDATE], user: "
         "\"system:serviceaccount:kube-system:horizontal-pod-autoscaler\" }]"),
     FOR("resources: [pods], exclude: [{ operations: [UPDATE], user: "
         "\"system:serviceaccount:kube-system:generic-garbage-collector\" }]")},
    {"repeated", FOR("resources: [pods, services, pods]"), FOR("resources: [pods, services]")},
    {"repeated", FOR("resources: [pods], namespaces: [a, a]"),
     FOR("resources: [pods], namespaces: [a, \"a*\"]")},
    {"regex-like", FOR("resources: [pods], names: [\"web.*\"]"),
     FOR("resources: [pods], names: [\"web-*\"]")},
    {"bad-glob", FOR("resources: [pods], namespaces: [\"^a$\"]"),
     FOR("resources: [pods], namespaces: [a]")},
    {"bad-glob", FOR("resources: [pods], groups: [\"a|b\"]"),
     FOR("resources: [pods], groups: [\"Domain Admins\"]")},
    /* what never acts */
    {"never-asked", FOR("resources: [pods/exec]"),
     FOR("resources: [pods/exec], operations: [CONNECT]")},
    {"never-asked", FOR("resources: [pods], operations: [CONNECT]"),
     FOR("resources: [pods], operations: [DELETE]")},
    {"never-asked",
     FOR("resources: [deployments.apps, deployments.apps/scale], operations: [CREATE]"),
     FOR("resources: [deployments.apps, deployments.apps/scale], operations: [UPDATE]")},
    {"never-asked", FOR("resources: [serviceaccounts/token], operations: [UPDATE]"),
     FOR("resources: [things.example.org/odd], operations: [CONNECT]")},
    {"no-namespace", FOR("resources: [persistentvolumes], namespaces: [x]"),
     FOR("resources: [persistentvolumeclaims, namespaces, things.example.org], namespaces: [x]")},
    {"no-namespace", FOR("resources: [clusterroles.rbac.authorization.k8s.io], namespaces: [x]"),
     FOR("resources: [clusterroles.rbac.authorization.k8s.io], groups: [x]")},
    {"excludes-everybody",
     FOR("resources: [pods], exclude: [{ group: \"system:authenticated\", operations: [DELETE] }]"),
     FOR("resources: [pods], exclude: [{ group: \"system:nodes\", operations: [DELETE] }]")},
    {"never-holds",
     RULE("deny: true, when: [{ field: metadata.labels.a, equals: b }, { field: metadata.labels.a, "
          "exists: false }]"),
     RULE("deny: true, when: [{ field: metadata.labels.a, equals: b }, { field: metadata.labels.b, "
          "exists: false }]")},
    {"never-holds",
     RULE("deny: true, when: [{ field: metadata.labels.a, oneOf: [b, c], noneOf: [c, b] }]"),
     RULE("deny: true, when: [{ field: metadata.labels.a, oneOf: [b, c], noneOf: [c] }]")},
    {"never-holds", /* over several values one may be b, and another c */
     RULE("deny: true, when: [{ field: metadata.labels.a, equals: b }, { field: metadata.labels.a, "
          "equals: c }]"),
     RULE("deny: true, when: [{ field: $containers.image, equals: b }, { field: "
          "$containers.image, equals: c }]")},
    {"always-holds", RULE("field: metadata.labels.a, required: true, optional: true"),
     RULE("field: metadata.labels.a, required: true")},
    {"always-holds", RULE("field: metadata.labels.a, pattern: '^.*$'"),
     RULE("field: metadata.labels.a, pattern: '^.+$'")},
    {"always-holds", RULE("field: $pod.containers@count, min: 0"),
     RULE("field: $pod.containers@count, min: 1")},
    {"unknown-resource", FOR("resources: [deploymets.apps]"),
     FOR("resources: [deployments.example.org]")},
};

TEST(each_finding_where_it_is_due)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!finds(rows[i].code, rows[i].bad, ""))
            TEST_FAIL("no %s in %s", rows[i].code, rows[i].bad);
}

TEST(none_where_it_is_not)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (finds(rows[i].code, rows[i].good, ""))
            TEST_FAIL("%s in %s", rows[i].code, rows[i].good);
}

#define EXCEPTION(day)                                                                             \
    "---\napiVersion: proctor.dev/v1\nkind: Exception\nmetadata: { name: e }\nspec: { policy: p, " \
    "rules: [r], match: { namespaces: [x] }, reason: R, owner: O, ticket: T, expires: " day " }\n"

TEST(exceptions_near_their_end_are_loud)
{
    const char *spec = RULE("deny: true");
    CHECK(finds("expired", spec, EXCEPTION("2026-11-20")));
    CHECK(!finds("expired", spec, EXCEPTION("2027-11-20")));
    CHECK(finds("expires-soon", spec, EXCEPTION("2026-11-21")));
    CHECK(finds("expires-soon", spec, EXCEPTION("2026-12-04")));
    CHECK(!finds("expires-soon", spec, EXCEPTION("2026-12-06")));
}

#define WAIVER(name, match, day)                                                                   \
    "---\napiVersion: proctor.dev/v1\nkind: Exception\nmetadata: { name: " name                    \
    " }\nspec: { policy: "                                                                         \
    "p, rules: [r], match: { " match " }, reason: R, owner: O, ticket: T, expires: " day " }\n"
#define LATER "2027-11-20"

TEST(exceptions_that_waive_nothing_are_told)
{
    static const char spec[] = RULE("deny: true");
    const char *code = "unused-exception";
    CHECK(finds(code, spec, WAIVER("e", "namespaces: [z]", LATER)));
    CHECK(finds(code, spec, WAIVER("e", "namespaces: [\"z*\"]", LATER)));
    CHECK(!finds(code, spec, WAIVER("e", "namespaces: [z, \"x*\"]", LATER)));
    CHECK(finds(code, spec, WAIVER("e", "resources: [pods]", LATER)));
    CHECK(!finds(code, spec, WAIVER("e", "resources: [pods, deployments.apps]", LATER)));
    CHECK(finds(code, spec, WAIVER("e", "namespaces: [x], operations: [DELETE]", LATER)));
    CHECK(!finds(code, spec, WAIVER("e", "namespaces: [x], users: [u]", LATER)));
}

TEST(exceptions_that_others_cover_are_told)
{
    static const char spec[] = RULE("deny: true");
    const char *code = "unused-exception";
    const char *twice = WAIVER("e", "namespaces: [x], names: [a]", LATER)
        WAIVER("f", "namespaces: [x], names: [a]", LATER);
    CHECK(finds(code, spec, twice));
    CHECK_INT(diagnostics.count, 1);
    CHECK(strstr(diagnostics.items[0].message, "the exception f waives nothing that e (") != NULL);
    CHECK(finds(code, spec,
                WAIVER("e", "namespaces: [x], names: [ab]", LATER)
                    WAIVER("f", "namespaces: [x], names: [\"a*\"]", LATER)));
    CHECK(strstr(diagnostics.items[0].message, "the exception e ") != NULL);
    CHECK(!finds(code, spec,
                 WAIVER("e", "namespaces: [x], names: [ab]", LATER)
                     WAIVER("f", "namespaces: [x], names: [\"a*\"]", "2027-11-19")));
    CHECK(!finds(code, spec,
                 WAIVER("e", "namespaces: [x]", LATER)
                     WAIVER("f", "namespaces: [x], groups: [g]", "2027-11-21")));
}

TEST_MAIN
