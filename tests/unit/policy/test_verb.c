/* Verbs: for each, what it makes of an object and what it says of one.  A row is a rule without
 * its id, a container (or the spec's rest), and the bullets or the patch that come of it. */
#include "tests/unit/engine.h"

static char *review_of(const char *container, const char *old_container)
{
    const char *object = arena_printf(
        &engine_arena,
        "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"one\","
        "\"namespace\":\"class\"},\"spec\":{\"template\":{\"spec\":{\"containers\":[%s]}}}}",
        container);
    const char *old = NULL;
    if (old_container != NULL)
        old = arena_printf(
            &engine_arena,
            "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"one\","
            "\"namespace\":\"class\"},\"spec\":{\"template\":{\"spec\":{\"containers\":[%s]}}}}",
            old_container);
    return engine_review(object, old);
}

/* The violations as "field reason: bound", joined by "; ". */
static const char *violations_of(const char *rule, const char *container, const char *old)
{
    static const char *const reasons[] = {"invalid", "required", "forbidden"};
    struct policy_set *set =
        engine_load_rules(arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rule));
    const struct verdict verdict =
        engine_judge(set, ADMIT_VALIDATE, review_of(container, old), ENGINE_NOW);
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    for (const struct violation *at = verdict.violations; at != NULL; at = at->next) {
        const char *field = strstr(at->field, "containers");
        buf_printf(&text, "%s%s %s: %s", text.length > 0 ? "; " : "",
                   field != NULL ? field + strlen("containers") : at->field,
                   reasons[at->finding.reason], at->finding.bound);
    }
    policy_set_unref(set);
    return text.data;
}

struct check_row {
    const char *rule;
    const char *container;
    const char *want;
};

static void check_rows(const struct check_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        engine_begin();
        const char *got = violations_of(rows[i].rule, rows[i].container, NULL);
        if (strcmp(got, rows[i].want) != 0)
            TEST_FAIL("%s on %s\n  says \"%s\"\n  want \"%s\"", rows[i].rule, rows[i].container,
                      got, rows[i].want);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

#define CPU   "field: $containers.resources.limits.cpu, "
#define ENV_A "field: \"$containers.env[name=A].value\", "
#define ARGS  "field: $containers.args, "

TEST(bounds)
{
    static const struct check_row rows[] = {
        {CPU "max: 500m", "{\"resources\":{\"limits\":{\"cpu\":\"0.5\"}}}", ""},
        {CPU "max: 500m", "{\"resources\":{\"limits\":{\"cpu\":\"501m\"}}}",
         "[0].resources.limits.cpu invalid: at most 500m"},
        {CPU "min: 1", "{\"resources\":{\"limits\":{\"cpu\":\"1\"}}}", ""},
        {CPU "min: 1", "{\"resources\":{\"limits\":{\"cpu\":\"999m\"}}}",
         "[0].resources.limits.cpu invalid: at least 1"},
        {CPU "max: 1", "{}", "[0].resources.limits.cpu required: "},
        {CPU "max: 1, optional: true", "{}", ""},
        {CPU "max: \"${.resources.requests.cpu}\"", "{\"resources\":{\"limits\":{\"cpu\":\"1\"}}}",
         "[0].resources.limits.cpu invalid: cannot be judged: ${.resources.requests.cpu} has no "
         "value here"},
        {"field: $containers.args@count, max: 1", "{}", ""},
        {"field: $containers.args@count, min: 1", "{}", "[0].args invalid: at least 1"},
        {"field: $containers.args@count, max: 1", "{\"args\":[\"a\",\"b\"]}",
         "[0].args invalid: at most 1"},
    };
    CHECK_ROWS(rows);
}

TEST(choices)
{
    static const struct check_row rows[] = {
        {ENV_A "equals: x", "{\"env\":[{\"name\":\"A\",\"value\":\"x\"}]}", ""},
        {ENV_A "equals: x", "{\"env\":[{\"name\":\"A\",\"value\":\"y\"}]}",
         "[0].env[name=A].value invalid: must be x"},
        {ENV_A "equals: x", "{}", "[0].env[name=A].value required: "},
        {ENV_A "equals: x, optional: true", "{}", ""},
        {ENV_A "equals: \"${label:l}\", optional: true", "{}", ""},
        {ENV_A "equals: \"${label:l}\"", "{}",
         "[0].env[name=A].value required: cannot be judged: ${label:l} has no value here"},
        {ENV_A "oneOf: [x, v]", "{\"env\":[{\"name\":\"A\",\"value\":\"v\"}]}", ""},
        {ENV_A "oneOf: [x, v]", "{\"env\":[{\"name\":\"A\",\"value\":\"z\"}]}",
         "[0].env[name=A].value invalid: must be one of x or v"},
        {ENV_A "oneOf: [x]", "{}", "[0].env[name=A].value required: must be x"},
        {ENV_A "noneOf: [x]", "{}", ""},
        {ENV_A "noneOf: [x]",
         "{\"env\":[{\"name\":\"A\",\"value\":\"y\"},{\"name\":\"A\",\"value\":\"x\"}]}",
         "[0].env[name=A].value invalid: must not be x"},
        {ENV_A "noneOf: [\"${label:l}\"]", "{\"env\":[{\"name\":\"A\",\"value\":\"y\"}]}",
         "[0].env[name=A].value invalid: cannot be judged: ${label:l} has no value here"},
        {ENV_A "noneOf: \"${.args}\"",
         "{\"args\":[\"x\"],\"env\":[{\"name\":\"A\",\"value\":\"x\"}]}",
         "[0].env[name=A].value invalid: must not be [\"x\"], and it cannot be compared with that"},
        {ENV_A "noneOf: \"${.args[*]}\"",
         "{\"args\":[\"x\"],\"env\":[{\"name\":\"A\",\"value\":\"x\"}]}",
         "[0].env[name=A].value invalid: must not be x"},
        {ARGS "equals: [a, b]", "{\"args\":[\"a\",\"b\"]}", ""},
        {ARGS "equals: [a, b]", "{\"args\":[\"b\",\"a\"]}",
         "[0].args invalid: must be [\"a\",\"b\"]"},
        {ARGS "contains: [b]", "{\"args\":[\"a\",\"b\"]}", ""},
        {ARGS "contains: [b, c]", "{\"args\":[\"a\",\"b\"]}", "[0].args invalid: must contain c"},
        {ARGS "contains: [b]", "{}", "[0].args required: "},
        {ARGS "contains: [b], optional: true", "{}", ""},
        {"field: $containers.env, contains: [{ name: A }]",
         "{\"env\":[{\"name\":\"A\",\"value\":\"1\"}]}", ""},
    };
    CHECK_ROWS(rows);
}

TEST(patterns)
{
    static const struct check_row rows[] = {
        {ENV_A "pattern: '^x+$'", "{\"env\":[{\"name\":\"A\",\"value\":\"xx\"}]}", ""},
        {ENV_A "pattern: '^x+$'", "{\"env\":[{\"name\":\"A\",\"value\":\"xx\\n\"}]}",
         "[0].env[name=A].value invalid: must fit ^x+$"},
        {ENV_A "pattern: '^x$'", "{\"env\":[{\"name\":\"A\",\"value\":\"a\\nx\\nb\"}]}",
         "[0].env[name=A].value invalid: must fit ^x$"},
        {ENV_A "pattern: x", "{}", "[0].env[name=A].value required: "},
        {ENV_A "pattern: x, optional: true", "{}", ""},
        {ENV_A "notPattern: x", "{}", ""},
        {ENV_A "notPattern: x", "{\"env\":[{\"name\":\"A\",\"value\":\"axb\"}]}",
         "[0].env[name=A].value invalid: must not fit x"},
        {ENV_A "pattern: '^${name}$'", "{\"env\":[{\"name\":\"A\",\"value\":\"one\"}]}", ""},
        {ENV_A "notPattern: '^${label:l}'", "{\"env\":[{\"name\":\"A\",\"value\":\"one\"}]}",
         "[0].env[name=A].value invalid: cannot be judged: ${label:l} has no value here"},
        {"field: \"$containers.ports[*].containerPort\", pattern: '^80'",
         "{\"ports\":[{\"containerPort\":8000},{\"containerPort\":9000}]}",
         "[0].ports[1].containerPort invalid: must fit ^80"},
    };
    CHECK_ROWS(rows);
}

/* A subject that the pattern cannot be tried on within its limits is a violation either way. */
TEST(a_match_past_its_limit_is_no_pass)
{
    char subject[4000];
    memset(subject, 'a', sizeof subject - 1);
    subject[sizeof subject - 2] = '!';
    subject[sizeof subject - 1] = '\0';
    static const char *const verbs_of_patterns[] = {"pattern", "notPattern"};
    for (size_t i = 0; i < 2; i++) {
        engine_begin();
        const char *rule = arena_printf(&engine_arena, ENV_A "%s: '^(a+)+$'", verbs_of_patterns[i]);
        const char *container =
            arena_printf(&engine_arena, "{\"env\":[{\"name\":\"A\",\"value\":\"%s\"}]}", subject);
        CHECK_STRING(violations_of(rule, container, NULL),
                     "[0].env[name=A].value invalid: took too long to match");
    }
}

TEST(presence)
{
    static const struct check_row rows[] = {
        {ARGS "required: true", "{\"args\":[\"a\"]}", ""},
        {ARGS "required: true", "{}", "[0].args required: "},
        {ARGS "required: true", "{\"args\":[]}", "[0].args required: "},
        {ARGS "required: true", "{\"args\":null}", "[0].args required: "},
        {ARGS "forbidden: true", "{}", ""},
        {ARGS "forbidden: true", "{\"args\":[]}", ""},
        {ARGS "forbidden: true", "{\"args\":[\"a\"]}", "[0].args forbidden: not allowed here"},
        {ARGS "remove: true", "{\"args\":[\"a\"]}", "[0].args forbidden: not allowed here"},
        {"field: $containers.securityContext, required: true", "{\"securityContext\":{}}", ""},
        {"deny: true", "{}", "kind forbidden: not allowed here"},
    };
    CHECK_ROWS(rows);
}

TEST(uniqueness)
{
    static const struct check_row rows[] = {
        {ARGS "unique: true", "{\"args\":[\"a\",\"b\"]}", ""},
        {ARGS "unique: true", "{\"args\":[\"a\",\"b\",\"a\"]}",
         "[0].args invalid: stands twice in one list"},
        {"field: \"$containers.env[*].name\", unique: true",
         "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"},{\"name\":\"A\"}]}",
         "[0].env[2].name invalid: stands twice in one list"},
        {"field: \"$containers.env[*].name\", unique: true",
         "{\"name\":\"x\",\"env\":[{\"name\":\"A\"}]},{\"name\":\"y\",\"env\":[{\"name\":\"A\"}]}",
         ""},
        {"field: $containers.name, unique: true",
         "{\"name\":\"x\"},{\"name\":\"y\"},{\"name\":\"x\"}",
         "[2].name invalid: stands twice in one list"},
        {ARGS "unique: true", "{}", ""},
    };
    CHECK_ROWS(rows);
}

TEST(immutability)
{
    static const struct {
        const char *verb, *container, *old, *want;
    } rows[] = {
        {"immutable: true", "{\"image\":\"a\"}", "{\"image\":\"a\",\"args\":[\"x\"]}", ""},
        {"immutable: true", "{\"image\":\"a\"}", "{\"image\":\"b\"}", " invalid: must stay b"},
        {"immutable: true", "{\"image\":\"a\"},{\"image\":\"b\"}", "{\"image\":\"a\"}",
         " invalid: must stay a"},
        {"immutable: true", "{}", "{\"image\":\"b\"}", " invalid: must stay b"},
        {"immutable: true", "{\"image\":\"a\"}", "{}", " invalid: must stay unset"},
        {"immutable: once", "{\"image\":\"a\"}", "{}", ""},
        {"immutable: once", "{\"image\":\"a\"}", "{\"image\":\"b\"}", " invalid: must stay b"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        engine_begin();
        const char *rule =
            arena_printf(&engine_arena, "field: \"$pod.containers[*].image\", %s", rows[i].verb);
        CHECK_STRING(violations_of(rule, rows[i].container, rows[i].old), rows[i].want);
    }
    engine_begin();
    CHECK_STRING(
        violations_of("field: $containers.image, immutable: true", "{\"image\":\"a\"}", NULL), "");
}

/* ---- changing --------------------------------------------------------------------------- */

/* The patch without the note of changes, its paths from the container on. */
static const char *patch_of(const char *rule, const char *container)
{
    struct policy_set *set =
        engine_load_rules(arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rule));
    const struct verdict verdict =
        engine_judge(set, ADMIT_MUTATE, review_of(container, NULL), ENGINE_NOW);
    policy_set_unref(set);
    if (verdict.patch == NULL)
        return "";
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_MIB);
    for (const cJSON *operation = engine_json(verdict.patch)->child; operation != NULL;
         operation = operation->next) {
        const char *at = strstr(json_get_string(operation, "path"), "containers/");
        if (at == NULL)
            continue;
        const cJSON *value = json_find(operation, "value");
        buf_printf(&text, "%s%s %s", text.length > 0 ? "; " : "", json_get_string(operation, "op"),
                   at + strlen("containers/"));
        if (value != NULL) {
            buf_add_char(&text, ' ');
            buf_add_string(&text, engine_text(value));
        }
    }
    return text.data;
}

TEST(what_is_put_in_moved_and_taken_out)
{
    static const struct check_row rows[] = {
        {CPU "default: 100m", "{}", "add 0/resources {\"limits\":{\"cpu\":\"100m\"}}"},
        {CPU "default: 100m", "{\"resources\":{\"limits\":{\"cpu\":\"1\"}}}", ""},
        {CPU "max: 500m, outside: clamp", "{\"resources\":{\"limits\":{\"cpu\":\"1\"}}}",
         "replace 0/resources/limits/cpu \"500m\""},
        {CPU "max: 500m", "{\"resources\":{\"limits\":{\"cpu\":\"1\"}}}", ""},
        {CPU "max: 500m, outside: clamp", "{}", ""},
        {CPU "min: 1, max: 2, outside: clamp", "{\"resources\":{\"limits\":{\"cpu\":\"3\"}}}",
         "replace 0/resources/limits/cpu 2"},
        {CPU "default: \"${.resources.requests.cpu}\", max: 500m",
         "{\"resources\":{\"requests\":{\"cpu\":\"2\"}}}",
         "add 0/resources/limits {\"cpu\":\"500m\"}"},
        {CPU "default: \"${.resources.requests.cpu}\"", "{}", ""},
        {"field: $containers.imagePullPolicy, set: Always", "{\"imagePullPolicy\":\"Never\"}",
         "replace 0/imagePullPolicy \"Always\""},
        {"field: $containers.image@registry, set: r.example", "{\"image\":\"nginx:1\"}",
         "replace 0/image \"r.example/library/nginx:1\""},
        {"field: $containers.image@registry, set: r.example", "{\"image\":\"r.example/x\"}", ""},
        {"field: $containers.image@registry, set: r.example",
         "{\"image\":\"quay.io/a/b@sha256:"
         "0123456789012345678901234567890123456789012345678901234567890123\"}",
         "replace 0/image \"r.example/a/b@sha256:"
         "0123456789012345678901234567890123456789012345678901234567890123\""},
        {"field: \"$containers.env[name=A]\", set: { value: x }",
         "{\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"f\"}}}]}",
         "replace 0/env/0 {\"name\":\"A\",\"value\":\"x\"}"},
        {"field: \"$containers.env[name=A]\", remove: true",
         "{\"env\":[{\"name\":\"A\"},{\"name\":\"B\"},{\"name\":\"A\"}]}",
         "remove 0/env/0; remove 0/env/1"},
        {"field: $containers.args, remove: true, mode: warn", "{\"args\":[\"a\"]}", ""},
        {"field: $containers.args, default: [a], when: [{ field: .name, equals: x }]",
         "{\"name\":\"x\"},{\"name\":\"y\"}", "add 0/args [\"a\"]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        engine_begin();
        const char *got = patch_of(rows[i].rule, rows[i].container);
        if (strcmp(got, rows[i].want) != 0)
            TEST_FAIL("%s on %s\n  does \"%s\"\n  want \"%s\"", rows[i].rule, rows[i].container,
                      got, rows[i].want);
    }
}

/* ---- when ------------------------------------------------------------------------------- */

#define WHEN(test) "deny: true, when: [{ field: \"$containers.args[*]\", " test " }]"
#define DENIED     "kind forbidden: not allowed here"

TEST(positives_need_one_value_negatives_none)
{
    static const struct check_row rows[] = {
        {WHEN("equals: a"), "{\"args\":[\"a\",\"b\"]}", DENIED},
        {WHEN("equals: c"), "{\"args\":[\"a\",\"b\"]}", ""},
        {WHEN("equals: a"), "{}", ""},
        {WHEN("oneOf: [b, c]"), "{\"args\":[\"a\",\"b\"]}", DENIED},
        {WHEN("noneOf: [b]"), "{\"args\":[\"a\",\"b\"]}", ""},
        {WHEN("noneOf: [c]"), "{\"args\":[\"a\",\"b\"]}", DENIED},
        {WHEN("noneOf: [c]"), "{}", DENIED},
        {WHEN("notPattern: '^a'"), "{\"args\":[\"b\",\"a\"]}", ""},
        {WHEN("pattern: '^a', notPattern: b"), "{\"args\":[\"a\",\"c\"]}", DENIED},
        {WHEN("pattern: '^a', notPattern: b"), "{\"args\":[\"a\",\"b\"]}", ""},
        {WHEN("exists: true"), "{\"args\":[\"a\"]}", DENIED},
        {WHEN("exists: true"), "{\"args\":[]}", ""},
        {WHEN("exists: false"), "{}", DENIED},
        {WHEN("exists: false"), "{\"args\":[\"a\"]}", ""},
        {WHEN("equals: \"${label:l}\""), "{\"args\":[\"a\"]}",
         "kind forbidden: its condition on $containers.args[*] cannot be judged: ${label:l} has no "
         "value here"},
        {WHEN("equals: \"${label:l}\""), "{}", ""},
    };
    CHECK_ROWS(rows);
}

TEST(verbs_say_what_they_ask_for)
{
    static const struct {
        const char *rule, *want;
    } rows[] = {
        {"field: spec.replicas, min: 1", "must be at least 1"},
        {"field: spec.replicas, max: 3, outside: clamp", "is lowered to 3 if it is more"},
        {"field: spec.replicas, min: 3, outside: clamp", "is raised to 3 if it is less"},
        {"field: spec.replicas, default: 2", "becomes 2 if it is not given"},
        {"field: spec.replicas, set: 1", "is set to 1"},
        {"field: spec.replicas, equals: 1", "must be 1"},
        {"field: spec.replicas, equals: 1, exactly: true", "must be exactly 1"},
        {"field: spec.replicas, required: true", "must be there"},
        {"field: spec.replicas, immutable: true", "must never change"},
        {"field: spec.replicas, immutable: once", "must not change once it is set"},
        {"field: $pod.hostNetwork, forbidden: true", "must not be there"},
        {"field: $pod.hostNetwork, remove: true", "is taken out"},
        {"field: $containers.image, oneOf: [a, b]", "must be one of a or b"},
        {"field: $containers.image, oneOf: [a]", "must be a"},
        {"field: $containers.image, noneOf: [a, b]", "must be none of a or b"},
        {"field: $containers.image, noneOf: [a]", "must not be a"},
        {"field: $containers.command, contains: [a]", "must contain a"},
        {"field: $containers.command, unique: true", "must hold no value twice"},
        {"field: $containers.image, pattern: '^a'", "must fit ^a"},
        {"field: $containers.image, notPattern: '^a'", "must not fit ^a"},
        {"deny: true", "is refused"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        engine_begin();
        struct policy_set *set = engine_load_rules(
            arena_printf(&engine_arena, "    - { id: r, why: W, %s }\n", rows[i].rule));
        const struct rule *rule = &set->policies[0].rules[0];
        struct buf text;
        buf_init(&text, &engine_arena, LIMIT_MIB);
        rule->actions[0].verb->explain(rule, &rule->actions[0], &text);
        CHECK_STRING(text.data, rows[i].want);
        policy_set_unref(set);
    }
}

TEST(conditions_say_what_they_ask_for)
{
    static const struct {
        const char *condition, *want;
    } rows[] = {
        {"equals: a", "is a"},        {"oneOf: [a, b]", "is one of a or b"},
        {"noneOf: [a]", "is not a"},  {"noneOf: [a, b]", "is none of a or b"},
        {"pattern: '^a'", "fits ^a"}, {"notPattern: '^a'", "does not fit ^a"},
        {"min: 1", "is at least 1"},  {"max: 2", "is at most 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const bool bound = strncmp(rows[i].condition, "m", 1) == 0;
        engine_begin();
        struct policy_set *set = engine_load_rules(arena_printf(
            &engine_arena, "    - { id: r, why: W, deny: true, when: [{ field: %s, %s }] }\n",
            bound ? "spec.replicas" : "metadata.name", rows[i].condition));
        const struct action *action = &set->policies[0].rules[0].conditions[0].actions[0];
        struct buf text;
        buf_init(&text, &engine_arena, LIMIT_MIB);
        action->verb->explain(NULL, action, &text);
        CHECK_STRING(text.data, rows[i].want);
        policy_set_unref(set);
    }
}

TEST_MAIN
