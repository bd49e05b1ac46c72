/* Exclusions as matchConditions: a pair is told to the API server only if no policy judges it. */
#include "base/buf.h"
#include "policy/match_conditions.h"
#include "tests/unit/engine.h"

#define RULES "  rules: [{ id: r, why: W., deny: true }]\n"
#define POLICY(name, match)                                                                        \
    "---\napiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: " name                       \
    " }\nspec:\n  match: " match "\n" RULES
#define ALL "operations: [CREATE, UPDATE, DELETE, CONNECT]"
#define RS  "system:serviceaccount:kube-system:replicaset-controller"
#define IS  "request.userInfo.username == \"" RS "\""
#define PODS                                                                                       \
    "request.resource.group == \"\" && request.resource.resource == \"pods\" && "                  \
    "!has(request.subResource)"

static struct match_conditions made;

static void make(const char *text)
{
    struct err err;
    struct policy_set *set = engine_load(text);
    if (match_conditions_from_set(set, &engine_arena, &made, &err) != 0)
        TEST_FAIL("%s", err.text);
    policy_set_unref(set);
}

static const char *names(void)
{
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    for (size_t i = 0; i < made.count; i++)
        buf_add_strings(&text, i > 0 ? " " : "", made.items[i].name, NULL);
    return text.data;
}

TEST(one_pair_is_one_condition)
{
    engine_begin();
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: \"" RS
                     "\", resources: [pods] }] }"));
    CHECK_STRING(names(), "not-replicaset-controller-pods");
    CHECK_STRING(made.items[0].expression, "!(" IS " && " PODS ")");
    CHECK(made.remark_count == 0);
}

TEST(what_another_policy_judges_is_left_to_the_webhook)
{
    engine_begin();
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: \"" RS
                     "\", resources: [pods] }] }") POLICY("b", "{ resources: [pods] }"));
    CHECK_STRING(names(), "not-replicaset-controller-delete-connect-pods");
    CHECK_STRING(made.items[0].expression,
                 "!(" IS " && request.operation in [\"DELETE\", \"CONNECT\"] && " PODS ")");
    CHECK(made.remark_count == 2);
    CHECK_STRING(made.remarks[0], RS ", CREATE of pods: left to the webhook, since the policy b "
                                     "may judge it");
}

TEST(policies_that_cannot_meet_the_pair_do_not_count)
{
    engine_begin();
    make(POLICY("a", "{ resources: [pods], exclude: [{ user: \"" RS "\", resources: [pods] }] }")
             POLICY("b", "{ resources: [services], " ALL " }")
                 POLICY("c", "{ resources: [\"*\"], groups: [students, \"te*\"], " ALL " }")
                     POLICY("d", "{ resources: [\"*\"], users: [\"s*-not\"], " ALL " }"));
    CHECK_STRING(names(), "not-replicaset-controller-pods");
    CHECK_STRING(made.items[0].expression, "!(" IS " && " PODS ")");
    make(POLICY("a", "{ resources: [pods], exclude: [{ user: \"" RS "\", resources: [pods] }] }")
             POLICY("c",
                    "{ resources: [pods], groups: [\"system:serviceaccounts:kube-*\"], " ALL " }"));
    CHECK_STRING(names(), "");
    make(POLICY("a", "{ resources: [pods], exclude: [{ user: \"" RS "\", resources: [pods] }] }")
             POLICY("d", "{ resources: [pods], users: [\"system:*\"], " ALL " }"));
    CHECK_STRING(names(), "");
}

TEST(whose_groups_are_not_known_must_be_in_none_that_is_judged)
{
    static const char excluded[] =
        POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: scheduler, resources: "
                    "[pods/binding] }, { group: nodes, resources: [pods/status], operations: "
                    "[UPDATE] }] }")
            POLICY("b", "{ resources: [\"*\"], groups: [students], " ALL " }");
    engine_begin();
    make(excluded);
    CHECK_STRING(names(), "not-scheduler-pods-binding not-nodes-update-pods-status");
    CHECK_STRING(made.items[0].expression,
                 "!(request.userInfo.username == \"scheduler\" && "
                 "!(has(request.userInfo.groups) && request.userInfo.groups.exists(g, g in "
                 "[\"students\"])) && request.resource.group == \"\" && "
                 "request.resource.resource == \"pods\" && has(request.subResource) && "
                 "request.subResource == \"binding\")");
    CHECK_STRING(made.items[1].expression,
                 "!(has(request.userInfo.groups) && \"nodes\" in request.userInfo.groups && "
                 "!(request.userInfo.groups.exists(g, g in [\"students\"])) && "
                 "request.operation == \"UPDATE\" && request.resource.group == \"\" && "
                 "request.resource.resource == \"pods\" && has(request.subResource) && "
                 "request.subResource == \"status\")");
    /* A glob cannot be said in such a list. */
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: scheduler, resources: "
                     "[pods] }] }")
             POLICY("b", "{ resources: [\"*\"], groups: [\"stud*\"], " ALL " }"));
    CHECK_STRING(names(), "");
    CHECK(made.remark_count == 4);
}

TEST(break_glass_is_never_told)
{
    engine_begin();
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ group: \"system:masters\" }] }"));
    CHECK_STRING(names(), "");
    make(POLICY("a", "{ resources: [pods], exclude: [{ group: \"system:masters\", resources: "
                     "[pods], operations: [CREATE] }] }"));
    CHECK_STRING(names(), "");
}

TEST(all_resources_need_every_policy_to_leave_all_out)
{
    engine_begin();
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: gc, operations: [DELETE] }] "
                     "}")
             POLICY("b", "{ resources: [pods, services], " ALL ", exclude: [{ user: gc, resources: "
                         "[pods] }, { user: gc, resources: [services], operations: [DELETE] }] }"));
    CHECK_STRING(names(), "not-gc-delete");
    CHECK_STRING(made.items[0].expression,
                 "!(request.userInfo.username == \"gc\" && request.operation == \"DELETE\")");
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: gc, operations: [DELETE] }] "
                     "}")
             POLICY("b", "{ resources: [pods, services], " ALL ", exclude: [{ user: gc, resources: "
                         "[pods] }] }"));
    /* Of services somebody else judges; of pods nobody does. */
    CHECK_STRING(names(), "not-gc-delete-pods");
}

TEST(metadata_alone_is_compared)
{
    engine_begin();
    make(POLICY("a", "{ resources: [\"*\"], " ALL ", exclude: [{ user: gc, operations: [UPDATE], "
                     "onlyMetadata: true }] }"));
    CHECK_STRING(names(), "not-gc-update-metadata");
    CHECK(strstr(made.items[0].expression,
                 "object.all(k, k == \"metadata\" || (k in oldObject && object[k] == "
                 "oldObject[k])) && oldObject.all(k, k == \"metadata\" || k in object)") != NULL);
    /* Who may change anything there need not be asked about metadata. */
    make(POLICY("a", "{ resources: [pods], exclude: [{ user: gc, resources: [pods] }, { user: gc, "
                     "operations: [UPDATE], onlyMetadata: true }] }"));
    CHECK_STRING(names(), "not-gc-pods");
    /* The narrower pair does not speak for the wider one. */
    make(POLICY("a", "{ resources: [pods], exclude: [{ user: gc, resources: [pods], operations: "
                     "[UPDATE] }] }")
             POLICY("b", "{ resources: [pods], exclude: [{ user: gc, operations: [UPDATE], "
                         "onlyMetadata: true }] }"));
    CHECK_STRING(names(), "not-gc-update-pods-metadata");
}

TEST(names_are_valid_and_differ)
{
    engine_begin();
    make(POLICY("a",
                "{ resources: [\"*\"], " ALL ", exclude: [{ user: \"a:x y\", resources: [pods] }, "
                "{ user: \"b:x y\", resources: [pods] }, { user: "
                "\"a-very-long-name-of-a-user-that-goes-on-and-on-and-on-and-on-and-on\", "
                "resources: [pods] }, { user: c, resources: [validatingadmissionpolicybindings."
                "admissionregistration.k8s.io/status, pods/ephemeralcontainers] }] }"));
    CHECK_STRING(names(), "not-x-y-pods not-x-y-pods-2 "
                          "not-a-very-long-name-of-a-user-that-goes-on-and-on-and-on "
                          "not-c-validatingadmissionpolicybindings-status-more");
    for (size_t i = 0; i < made.count; i++)
        CHECK(strlen(made.items[i].name) <= 63);
}

TEST(strings_are_quoted_for_cel)
{
    struct buf text;
    engine_begin();
    buf_init(&text, &engine_arena, LIMIT_MIB);
    match_conditions_quote(&text, "a\"b\\c\nd\x7f\xc3\xa9");
    CHECK_STRING(text.data, "\"a\\\"b\\\\c\\u000ad\\u007f\xc3\xa9\"");
}

static const char *many(unsigned users, unsigned pairs)
{
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    buf_add_string(&text, "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: a }\n"
                          "spec:\n  match:\n    resources: [pods, services]\n    exclude:\n");
    for (unsigned u = 0; u < users; u++)
        for (unsigned p = 0; p < pairs; p++)
            buf_printf(&text, "      - { user: u%u, resources: [%s], operations: [%s] }\n", u,
                       p == 0 ? "pods" : "services", p == 0 ? "CREATE" : "UPDATE");
    buf_add_string(&text, RULES);
    return text.data;
}

TEST(too_many_are_put_together_by_user)
{
    engine_begin();
    make(many(MATCH_CONDITIONS_MAX / 2, 2));
    CHECK(made.count == MATCH_CONDITIONS_MAX);
    make(many(MATCH_CONDITIONS_MAX, 2));
    CHECK(made.count == MATCH_CONDITIONS_MAX);
    CHECK_STRING(made.items[1].name, "not-u1");
    CHECK_STRING(made.items[1].expression,
                 "!(request.userInfo.username == \"u1\" && (request.operation == \"CREATE\" && "
                 "" PODS " || request.operation == \"UPDATE\" && request.resource.group == \"\" && "
                 "request.resource.resource == \"services\" && !has(request.subResource)))");
    struct err err;
    struct policy_set *set = engine_load(many(MATCH_CONDITIONS_MAX + 1, 1));
    CHECK(match_conditions_from_set(set, &engine_arena, &made, &err) == -(int)ERR_LIMIT);
    CHECK(strstr(err.text, "57 users") != NULL);
    policy_set_unref(set);
}

TEST_MAIN
