#include "cli/diff/compare.h"

#include "tests/unit/engine.h"

static const char *told(struct policy_set *before, struct policy_set *after)
{
    struct comparison comparison;
    struct buf buf;
    compare_sets(&engine_arena, before, after, NULL, &comparison);
    buf_init(&buf, &engine_arena, LIMIT_MIB);
    for (size_t i = 0; i < comparison.count; i++) {
        const struct compare_change *change = &comparison.items[i];
        buf_add_strings(&buf, buf.length > 0 ? "\n" : "", compare_way_names[change->way], " ",
                        change->what, ": ", NULL);
        if (change->rule != NULL)
            buf_add_strings(&buf, change->rule, " ", NULL);
        buf_add_string(&buf, change->words);
    }
    policy_set_unref(before);
    policy_set_unref(after);
    return buf.data;
}

static struct policy_set *load_rules(const char *rules)
{
    return engine_load_rules(arena_printf(&engine_arena, "%s\n", rules));
}

#define RULE(rest) "    - { id: r, why: W, " rest " }"
#define OTHER      "\n    - { id: z, why: W, field: metadata.labels.z, required: true }"

TEST(a_rule_that_changed_says_how)
{
    static const struct {
        const char *before, *after, *want;
    } rows[] = {
        {RULE("field: spec.replicas, max: 1"), RULE("field: spec.replicas, max: 1"), ""},
        {RULE("field: spec.replicas, max: 1"), RULE("field: spec.replicas, max: 2"),
         "looser bound: r max moves from 1 to 2"},
        {RULE("field: spec.replicas, min: 1"), RULE("field: spec.replicas, min: 2"),
         "stricter bound: r min moves from 1 to 2"},
        {RULE("field: $containers.resources.limits.cpu, max: 500m"),
         RULE("field: $containers.resources.limits.cpu, max: '0.25'"),
         "stricter bound: r max moves from 500m to 0.25"},
        {RULE("field: $pod.containers@count, max: 9"),
         RULE("field: $pod.containers@count, max: 10"), "looser bound: r max moves from 9 to 10"},
        {RULE("field: $containers.resources.requests.cpu, max: 1"),
         RULE("field: $containers.resources.requests.cpu, max: '${.resources.limits.cpu}'"),
         "changed bound: r max moves from 1 to its resources.limits.cpu"},
        {RULE("field: spec.replicas, max: 1"), RULE("field: spec.replicas, max: 1, outside: clamp"),
         "looser switch: r moves a value that is outside to its bound, and no longer refuses it"},
        {RULE("field: spec.replicas, max: 1"), RULE("field: spec.replicas, max: 1, optional: true"),
         "looser switch: r the field may now be left out"},
        {RULE("field: spec.replicas, max: 1, mode: warn"), RULE("field: spec.replicas, max: 1"),
         "stricter mode: r mode moves from warn to enforce"},
        {RULE("field: spec.replicas, max: 1, ratchet: never"), RULE("field: spec.replicas, max: 1"),
         "looser switch: r old violations are let pass"},
        {RULE("field: metadata.labels.a, oneOf: [x, z]"),
         RULE("field: metadata.labels.a, oneOf: [x]"), "stricter list: r oneOf: no longer z"},
        {RULE("field: metadata.labels.a, noneOf: [x]"),
         RULE("field: metadata.labels.a, noneOf: [x, z]"), "stricter list: r noneOf: also z"},
        {RULE("field: metadata.labels.a, oneOf: [x, z]"),
         RULE("field: metadata.labels.a, oneOf: [z, x]"),
         "changed list: r oneOf: in another order"},
        {RULE("field: spec.replicas, default: 1"), RULE("field: spec.replicas, default: 2"),
         "changed value: r default is 2, no longer 1"},
        {RULE("field: spec.replicas, immutable: once"),
         RULE("field: spec.replicas, immutable: true"),
         "stricter value: r must never change, no longer only once it is set"},
        {RULE("field: spec.replicas, default: 1"), RULE("field: spec.replicas, default: 1, max: 2"),
         "stricter verb: r also has max 2"},
        {RULE("field: spec.replicas, default: 1, max: 2"), RULE("field: spec.replicas, default: 1"),
         "looser verb: r no longer has max 2"},
        {RULE("field: spec.replicas, max: 1"),
         RULE("field: spec.replicas, max: 1, when: [{ field: spec.paused, equals: true }]"),
         "looser when: r only if spec.paused is true"},
        {RULE("field: spec.replicas, max: 1, when: [{ field: spec.paused, equals: true }]"),
         RULE("field: spec.replicas, max: 1, when: [{ field: spec.paused, equals: false }]"),
         "looser when: r only if spec.paused is false\n"
         "stricter when: r no longer only if spec.paused is true"},
        {RULE("field: metadata.labels.a, equals: x"), RULE("field: metadata.labels.b, equals: x"),
         "changed field: r judges metadata.labels.b, no longer metadata.labels.a"},
        {RULE("field: metadata.labels.a, equals: x, fix: do"),
         RULE("field: metadata.labels.a, equals: x, fix: do it"),
         "changed text: r its fix reads \"do it\", no longer \"do\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        CHECK_STRING(told(load_rules(rows[i].before), load_rules(rows[i].after)), rows[i].want);
    }
}

TEST(rules_come_go_and_change_their_names)
{
    engine_begin();
    CHECK_STRING(told(load_rules(RULE("field: spec.replicas, max: 1")),
                      load_rules(RULE("field: spec.replicas, max: 1") OTHER)),
                 "stricter rule-added: z is new: metadata.labels.z must be there");
    engine_begin();
    CHECK_STRING(told(load_rules(RULE("field: spec.replicas, max: 1") OTHER),
                      load_rules(RULE("field: spec.replicas, max: 1"))),
                 "looser rule-removed: z is gone: metadata.labels.z must be there");
    engine_begin();
    CHECK_STRING(told(load_rules(RULE("field: spec.replicas, max: 1") OTHER),
                      load_rules("    - { id: q, why: W, field: spec.replicas, max: 1 }" OTHER)),
                 "changed rule-renamed: q is the rule that was called r");
    engine_begin();
    CHECK_STRING(told(load_rules(RULE("field: spec.replicas, max: 1") OTHER),
                      load_rules("    - { id: z, why: W, field: metadata.labels.z, required: true "
                                 "}\n" RULE("field: spec.replicas, max: 1"))),
                 "changed order: the rule r now comes after z");
}

/* ---- policies and exceptions -------------------------------------------------------------- */

static struct policy_set *load_policy(const char *name, const char *spec)
{
    return engine_load(arena_printf(&engine_arena,
                                    "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                    "metadata: { name: %s }\nspec:\n%s"
                                    "  rules:\n    - { id: r, why: W, deny: true }\n",
                                    name, spec));
}

#define MATCH(rest) "  match: { " rest " }\n"

TEST(a_match_that_changed_says_for_whom)
{
    static const struct {
        const char *before, *after, *want;
    } rows[] = {
        {MATCH("resources: [pods], namespaces: [a]"),
         MATCH("resources: [pods], namespaces: [a, b]"), "stricter match: namespaces: also b"},
        {MATCH("resources: [pods], namespaces: [a, b]"),
         MATCH("resources: [pods], namespaces: [b]"), "looser match: namespaces: no longer a"},
        {MATCH("resources: [pods], namespaces: [a]"), MATCH("resources: [pods]"),
         "stricter match: namespaces: all, no longer only a"},
        {MATCH("resources: [pods]"), MATCH("resources: [pods], groups: [students]"),
         "looser match: groups: only students, no longer all"},
        {MATCH("resources: [pods]"), MATCH("resources: [services]"),
         "stricter match: resources: also services\nlooser match: resources: no longer pods"},
        {MATCH("resources: [pods]"), MATCH("resources: [pods], operations: [CREATE, DELETE]"),
         "stricter match: also when something is deleted\n"
         "looser match: no longer when something is changed"},
        {MATCH("resources: [pods]"), MATCH("resources: [pods], exclude: [{ group: g }]"),
         "looser exclude: no longer judges members of g"},
        {MATCH("resources: [pods], exclude: [{ user: u, operations: [DELETE] }], operations: "
               "[CREATE, DELETE]"),
         MATCH("resources: [pods], operations: [CREATE, DELETE]"),
         "stricter exclude: judges again u, when something is deleted"},
        {MATCH("resources: [pods], selector: { matchLabels: { a: b } }"),
         MATCH("resources: [pods]"), "stricter match: no longer only where the label a is b"},
        {MATCH("resources: [pods]") "  mode: audit\n", MATCH("resources: [pods]") "  mode: warn\n",
         "stricter mode: mode moves from audit to warn"},
        {MATCH("resources: [pods]") "  title: A\n", MATCH("resources: [pods]") "  title: B\n",
         "changed text: its title reads \"B\", no longer \"A\""},
        {MATCH("resources: [pods]") "  variables: [{ name: v, from: '${user}', pattern: '^a' }]\n",
         MATCH("resources: [pods]") "  variables: [{ name: v, from: '${user}', pattern: '^b' }]\n",
         "changed variable: a variable: V is what ^b finds in USER\n"
         "changed variable: no longer a variable: V is what ^a finds in USER"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        CHECK_STRING(told(load_policy("p", rows[i].before), load_policy("p", rows[i].after)),
                     rows[i].want);
    }
}

TEST(policies_come_and_go_with_their_rules)
{
    engine_begin();
    CHECK_STRING(told(load_policy("a", MATCH("resources: [pods]")),
                      load_policy("b", MATCH("resources: [pods]") "  mode: warn\n")),
                 "looser policy-removed: the policy is gone. For everybody, when something is "
                 "created or changed\n"
                 "looser rule-removed: r is gone: the request is refused\n"
                 "stricter policy-added: the policy is new. For everybody, when something is "
                 "created or changed; its mode is warn\n"
                 "stricter rule-added: r is new: the request is refused; its mode is warn");
}

static struct policy_set *load_exception(const char *exception)
{
    return engine_load(arena_printf(
        &engine_arena,
        "apiVersion: proctor.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n"
        "  match: { resources: [pods] }\n  rules:\n    - { id: r, why: W, deny: true }\n%s%s",
        *exception != '\0' ? "---\napiVersion: proctor.dev/v1\nkind: Exception\n"
                             "metadata: { name: e }\nspec:\n  policy: p\n  rules: [r]\n"
                             "  reason: R\n  owner: O\n"
                           : "",
        exception));
}

TEST(exceptions_have_their_changes)
{
    static const char first[] =
        "  match: { namespaces: [a] }\n  ticket: T\n  expires: 2027-01-31\n";
    static const char later[] =
        "  match: { namespaces: [a] }\n  ticket: U\n  expires: 2027-02-28\n";
    static const char wider[] =
        "  match: { namespaces: [a, b] }\n  ticket: T\n  expires: 2027-01-31\n";
    engine_begin();
    CHECK_STRING(told(load_exception(""), load_exception(first)),
                 "looser exception-added: is new: r of p is waived in the namespace a until "
                 "2027-01-31");
    engine_begin();
    CHECK_STRING(told(load_exception(first), load_exception("")),
                 "stricter exception-removed: is gone: r of p is waived in the namespace a until "
                 "2027-01-31");
    engine_begin();
    CHECK_STRING(told(load_exception(first), load_exception(later)),
                 "looser expiry: lasts until 2027-02-28, no longer until 2027-01-31\n"
                 "changed text: its ticket is U, no longer T");
    engine_begin();
    CHECK_STRING(told(load_exception(first), load_exception(wider)),
                 "changed exception: r of p is waived in the namespaces a or b; no longer: r of p "
                 "is waived in the namespace a");
}

TEST_MAIN
