#include "cli/explain/prose.h"

#include "tests/unit/engine.h"

/* A rule's other keys -> its sentence. */
TEST(a_rule_is_one_sentence)
{
    static const struct {
        const char *rule, *want;
    } rows[] = {
        {"field: spec.replicas, max: 1, outside: clamp, optional: true",
         "spec.replicas is lowered to 1 if it is more, where it is given at all"},
        {"field: spec.replicas, min: 1, outside: clamp",
         "spec.replicas is raised to 1 if it is less; must be there"},
        {"field: $containers.resources.limits.cpu, default: 500m, min: 10m, max: 500m, outside: "
         "clamp",
         "resources.limits.cpu of each container and init container becomes 500m if it is not "
         "given; is raised to 10m if it is less; is lowered to 500m if it is more"},
        {"field: $containers.resources.requests.cpu, default: 100m, max: "
         "\"${.resources.limits.cpu}\"",
         "resources.requests.cpu of each container and init container becomes 100m if it is not "
         "given; must be at most its resources.limits.cpu"},
        {"field: $appContainers.readinessProbe, default: { tcpSocket: { port: \"${port:-8000}\" } "
         "}",
         "readinessProbe of each container and sidecar becomes tcpSocket.port PORT, else 8000 if "
         "it is not given"},
        {"field: $anyContainers.image@registry, oneOf: [registry.edu]",
         "the registry of image of each container of any kind must be registry.edu"},
        {"field: $pod.containers@count, max: 3", "the number of the pod's containers must be at "
                                                 "most 3"},
        {"field: '$pod.volumes[*]@keys', oneOf: [name, emptyDir]",
         "each key of each of the pod's volumes must be one of name or emptyDir"},
        {"field: '$pod.volumes[emptyDir].emptyDir.sizeLimit', required: true",
         "emptyDir.sizeLimit of each of the pod's volumes that has emptyDir must be there"},
        {"field: '$containers.env[name=DB_HOST]', set: { name: DB_HOST, value: db }",
         "the entry DB_HOST of env of each container and init container is set to name DB_HOST, "
         "value db"},
        {"field: $securityContext.privileged, equals: false, optional: true",
         "securityContext.privileged of each container of any kind (or else of the pod) must be "
         "false, where it is given at all"},
        {"field: '$podMetadata.annotations[\"a.io/*\"]', noneOf: [x]",
         "each of the pod's metadata.annotations whose key fits a.io/* must not be x"},
        {"field: 'metadata.annotations.\"a.io/b\"', forbidden: true",
         "metadata.annotations.\"a.io/b\" must not be there"},
        {"field: metadata.labels.app, pattern: '^${name}-[0-9]+$', optional: true",
         "metadata.labels.app must fit ^NAME-[0-9]+$, where it is given at all"},
        {"field: $old.metadata.name, equals: '${user}'",
         "metadata.name of the object as it was must be USER"},
        {"field: spec.replicas, max: 1, when: [{ field: '$pod.volumes[*].hostPath', exists: false "
         "}, "
         "{ field: spec.paused, equals: true }]",
         "spec.replicas must be at most 1, only if there is no hostPath of any of the pod's "
         "volumes "
         "and spec.paused is true"},
        {"deny: true, message: a new Deployment, when: [{ field: $request.operation, equals: "
         "CREATE }, { field: '$request.userInfo.groups[*]', noneOf: [teachers] }]",
         "a new Deployment is refused, only if what is done is CREATE and who asks is not in the "
         "group teachers"},
        {"deny: true, when: [{ field: '$pod.containers[*].image', pattern: '^x/' }]",
         "the request is refused, only if image of one of the pod's containers fits ^x/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        struct policy_set *set = engine_load_rules(
            arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rows[i].rule));
        CHECK_STRING(prose_rule(&engine_arena, &set->policies[0].rules[0], NULL), rows[i].want);
        policy_set_unref(set);
    }
}

static struct policy_set *load_match(const char *match)
{
    return engine_load(arena_printf(&engine_arena,
                                    "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                    "metadata: { name: p }\nspec:\n  match:\n%s"
                                    "  rules:\n    - { id: r, why: W, deny: true }\n",
                                    match));
}

TEST(a_match_says_for_whom_where_and_when)
{
    static const struct {
        const char *match, *want;
    } rows[] = {
        {"    resources: [deployments.apps]\n",
         "For everybody, when something is created or changed"},
        {"    resources: ['*']\n    namespaces: [a, b-*]\n    operations: [DELETE]\n",
         "For everybody in the namespaces a or b-*, when something is deleted"},
        {"    resources: ['*']\n    groups: [students]\n    namespaces: [a]\n"
         "    operations: [CREATE, UPDATE, DELETE, CONNECT]\n",
         "For members of students in the namespace a, when something is created, changed, deleted "
         "or connected to"},
        {"    resources: [deployments.apps]\n    users: [x]\n    names: [one]\n"
         "    selector: { matchLabels: { app: z } }\n",
         "For the user x, for what is named one, where the label app is z, when something is "
         "created or changed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        struct policy_set *set = load_match(rows[i].match);
        CHECK_STRING(prose_match(&engine_arena, &set->policies[0].match), rows[i].want);
        policy_set_unref(set);
    }
}

TEST(who_is_not_judged_is_said)
{
    engine_begin();
    struct policy_set *set = load_match(
        "    resources: ['*']\n    operations: [CREATE, UPDATE, DELETE]\n    exclude:\n"
        "      - { group: 'system:masters' }\n"
        "      - { user: c, resources: [pods] }\n"
        "      - { group: 'system:nodes', resources: [pods/status, pods], operations: [UPDATE] }\n"
        "      - { user: gc, operations: [UPDATE], onlyMetadata: true }\n");
    const struct policy_match *match = &set->policies[0].match;
    CHECK_STRING(prose_exclude(&engine_arena, &match->excludes[0]), "members of system:masters");
    CHECK_STRING(prose_exclude(&engine_arena, &match->excludes[1]), "c, for pods");
    CHECK_STRING(prose_exclude(&engine_arena, &match->excludes[2]),
                 "members of system:nodes, for pods/status or pods, when changed");
    CHECK_STRING(prose_exclude(&engine_arena, &match->excludes[3]),
                 "gc, when something is changed and nothing but metadata changes");
    policy_set_unref(set);
}

TEST(an_exception_says_whom_it_spares_and_how_long)
{
    struct policy_exception exception = {
        .policy = "p",
        .rules = (const char *const[]){"a", "b", NULL},
        .match = {.namespaces = (const char *const[]){"class", NULL},
                  .names = (const char *const[]){"one", NULL}},
        .expires = "2026-12-31",
        .expires_at = 1798761600, /* 2027-01-01T00:00:00Z */
    };
    engine_begin();
    CHECK_STRING(prose_exception(&engine_arena, &exception),
                 "a and b of p are waived in the namespace class, for what is named one");
    CHECK_STRING(prose_expiry(&engine_arena, &exception, ENGINE_NOW),
                 "until 2026-12-31, 41 more days");
    CHECK_STRING(prose_expiry(&engine_arena, &exception, 1798761600 - 1),
                 "until 2026-12-31: this is its last day");
    CHECK_STRING(prose_expiry(&engine_arena, &exception, 1798761600),
                 "expired: 2026-12-31 was its last day, and it has no effect");
}

TEST(variables_are_explained_once)
{
    engine_begin();
    struct policy_set *set = engine_load(
        "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n"
        "  match: { resources: [deployments.apps] }\n"
        "  variables: [{ name: student, from: '${user}', pattern: '^s([0-9]+)$' }]\n"
        "  rules:\n"
        "    - { id: a, why: W, field: metadata.labels.a, equals: '${name}-${student}' }\n"
        "    - { id: b, why: W, field: metadata.labels.b, equals: '${name}' }\n");
    policy_strings words = prose_capitals(&engine_arena, &set->policies[0]);
    CHECK_STRING(words[0], "NAME is the object's own name");
    CHECK_STRING(words[1], "USER is the name of who asks");
    CHECK(words[2] == NULL);
    CHECK_STRING(prose_variable(&engine_arena, &set->policies[0].variables[0]),
                 "STUDENT is what ^s([0-9]+)$ finds in USER");
    policy_set_unref(set);
}

TEST_MAIN
