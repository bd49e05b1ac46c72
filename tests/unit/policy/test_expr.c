/* Expressions: what ${...} may say, what it stands for, and that nothing is expanded twice. */
#include "policy/eval.h"
#include "policy/expr.h"
#include "tests/unit/engine.h"

static const char *const declared[] = {"student", NULL};

static struct expr parsed(const char *json)
{
    struct expr expr;
    struct err err;
    if (expr_parse(&engine_arena, engine_json(json), declared, &expr, &err) != 0)
        TEST_FAIL("%s: %s", json, err.text);
    return expr;
}

static void check_bad(const char *json, const char *words)
{
    struct expr expr;
    struct err err;
    engine_begin();
    CHECK_INT(expr_parse(&engine_arena, engine_json(json), declared, &expr, &err),
              -(int)ERR_POLICY);
    if (strstr(err.text, words) == NULL)
        TEST_FAIL("%s: \"%s\" does not say \"%s\"", json, err.text, words);
}

TEST(a_wrong_variable_is_named)
{
    check_bad("\"${nam}\"", "did you mean ${name}?");
    check_bad("\"${studnt}\"", "did you mean ${student}?");
    check_bad("\"${}\"", "${}");
    check_bad("\"x ${name\"", "} is missing");
    check_bad("\"${spec..x}\"", "a name is missing");
    check_bad("{\"a\":[\"${spec.x[}\"]}", "field");
    check_bad("\"${$pd.x}\"", "did you mean $pod?");
}

TEST(a_constant_is_known_as_one)
{
    engine_begin();
    CHECK(parsed("{\"a\":[1,\"x\",true],\"b\":\"$name {x} $\"}").is_constant);
    CHECK(!parsed("{\"a\":[1,\"${name}\"]}").is_constant);
    CHECK(!parsed("\"$${name}\"").is_constant);
    CHECK_INT(parsed("[\"${name}${user}\",\"${label:a/b.c}\"]").variable_count, 3);
}

/* ---- values ----------------------------------------------------------------------------- */

struct stand {
    struct eval eval;
    struct target target;
};

static bool take(void *context, struct target *target)
{
    *(struct target *)context = *target;
    return false;
}

/* Stands at the image of the one container of a Deployment. */
static struct stand standing(void)
{
    static const char *known[] = {"2024001"};
    static bool is_known[] = {true};
    const struct schema_kind *kind = schema_kind_find("apps", "v1", "Deployment");
    struct stand stand = {.eval = {.arena = &engine_arena, .name = "one", .name_space = "class"}};
    struct field *field;
    struct err err;
    stand.eval.user = "s2024001";
    stand.eval.kind_index = field_kind_index(kind);
    stand.eval.declared_values = known;
    stand.eval.declared_known = is_known;
    stand.eval.object = engine_json(
        "{\"metadata\":{\"labels\":{\"a/"
        "b.c\":\"${user}\",\"empty\":\"\"},\"annotations\":{\"n\":\"7\"}},"
        "\"spec\":{\"replicas\":3,\"paused\":true,\"template\":{\"spec\":{\"containers\":["
        "{\"name\":\"app\",\"image\":\"nginx:1\",\"ports\":[{\"containerPort\":8080}],"
        "\"resources\":{\"limits\":{\"cpu\":\"1\"}},\"args\":[\"x\",\"y\"]},"
        "{\"name\":\"two\",\"image\":\"nginx:2\"}]}}}}");
    CHECK(field_parse(&engine_arena, "$containers.image", &field, &err) == 0);
    CHECK(field_bind(&engine_arena, field, kind, NULL, &err) == 0);
    field_walk(&field_paths(field, stand.eval.kind_index)->items[0], stand.eval.object, take,
               &stand.target);
    return stand;
}

static const char *value_of(const char *json, bool as_list)
{
    const struct schema_kind *kind = schema_kind_find("apps", "v1", "Deployment");
    const char *unresolved = NULL;
    struct stand stand;
    struct err err;
    engine_begin();
    stand = standing();
    struct expr expr = parsed(json);
    if (expr_bind(&engine_arena, &expr, kind, stand.target.path, &err) != 0)
        TEST_FAIL("%s: %s", json, err.text);
    const cJSON *value = as_list ? expr_list(&stand.eval, &expr, &stand.target, &unresolved)
                                 : expr_value(&stand.eval, &expr, &stand.target, &unresolved);
    if (value == NULL)
        return arena_printf(&engine_arena, "unresolved %s", unresolved);
    return engine_text(value);
}

TEST(variables_stand_for_what_they_name)
{
    CHECK_STRING(value_of("\"${name} ${namespace} ${user} ${student}\"", false),
                 "\"one class s2024001 2024001\"");
    CHECK_STRING(value_of("\"${container}:${port}\"", false), "\"app:8080\"");
    CHECK_STRING(value_of("\"${annotation:n}\"", false), "\"7\"");
    CHECK_STRING(value_of("\"${label:empty}\"", false), "\"\"");
    CHECK_STRING(value_of("\"${.name}/${spec.paused}\"", false), "\"app/true\"");
}

TEST(a_whole_variable_keeps_its_type)
{
    CHECK_STRING(value_of("\"${port}\"", false), "8080");
    CHECK_STRING(value_of("\"${spec.replicas}\"", false), "3");
    CHECK_STRING(value_of("\"${.resources.limits}\"", false), "{\"cpu\":\"1\"}");
    CHECK_STRING(value_of("{\"a\":{\"p\":\"${port}\"},\"l\":[\"${port}\",\"p${port}\"]}", false),
                 "{\"a\":{\"p\":8080},\"l\":[8080,\"p8080\"]}");
    CHECK_STRING(value_of("\"${.}\"", false), "\"nginx:1\"");
}

TEST(nothing_is_expanded_twice)
{
    CHECK_STRING(value_of("\"${label:a/b.c}\"", false), "\"${user}\"");
    CHECK_STRING(value_of("\"<${label:a/b.c}>\"", false), "\"<${user}>\"");
    CHECK_STRING(value_of("\"$${user}\"", false), "\"${user}\"");
    CHECK_STRING(value_of("\"$${user} ${user}\"", false), "\"${user} s2024001\"");
}

TEST(a_fallback_serves_where_there_is_no_value)
{
    CHECK_STRING(value_of("\"${label:none:-x}\"", false), "\"x\"");
    CHECK_STRING(value_of("\"${label:none:-}\"", false), "\"\"");
    CHECK_STRING(value_of("\"${annotation:n:-x}\"", false), "\"7\"");
    CHECK_STRING(value_of("\"${annotation:none:-8000}\"", false), "8000");
    CHECK_STRING(value_of("\"${annotation:none:-08}\"", false), "\"08\"");
    CHECK_STRING(value_of("\"${annotation:none:-5m}\"", false), "\"5m\"");
    CHECK_STRING(value_of("\"${annotation:none:-a:-b}\"", false), "\"a:-b\"");
}

TEST(without_a_value_it_is_unresolved_by_name)
{
    CHECK_STRING(value_of("\"${label:none}\"", false), "unresolved label:none");
    CHECK_STRING(value_of("[\"a\",{\"b\":\"x${annotation:q}\"}]", false),
                 "unresolved annotation:q");
    CHECK_STRING(value_of("\"${spec.minReadySeconds}\"", false), "unresolved spec.minReadySeconds");
    /* Two values are none where one is asked for; a list is no text. */
    CHECK_STRING(value_of("\"${$containers.image}\"", false), "unresolved $containers.image");
    CHECK_STRING(value_of("\"x${.args}\"", false), "unresolved .args");
}

TEST(a_whole_list_takes_every_value)
{
    CHECK_STRING(value_of("\"${$containers.image}\"", true), "[\"nginx:1\",\"nginx:2\"]");
    CHECK_STRING(value_of("\"${.args[*]}\"", true), "[\"x\",\"y\"]");
    CHECK_STRING(value_of("\"${$pod.volumes[*].name}\"", true), "[]");
    CHECK_STRING(value_of("[\"a\",\"${name}\"]", true), "[\"a\",\"one\"]");
    CHECK_STRING(value_of("\"${name}\"", true), "[\"one\"]");
    /* An element of a list is one value, and must be there. */
    CHECK_STRING(value_of("[\"a\",\"${$pod.volumes[*].name}\"]", true),
                 "unresolved $pod.volumes[*].name");
    CHECK_STRING(value_of("[\"a\",\"${label:none}\"]", true), "unresolved label:none");
}

TEST(in_a_pattern_a_variable_is_its_literal_text)
{
    const char *unresolved = NULL;
    engine_begin();
    struct stand stand = standing();
    stand.eval.name = "a.b-c+[d]";
    const struct expr expr = parsed("\"^(${name}|[${name}])$\"");
    CHECK_STRING(expr_pattern(&stand.eval, &expr, expr.value, &stand.target, &unresolved),
                 "^(a\\.b\\-c\\+\\[d\\]|[a\\.b\\-c\\+\\[d\\]])$");
    const struct expr none = parsed("\"^${label:none}\"");
    CHECK(expr_pattern(&stand.eval, &none, none.value, &stand.target, &unresolved) == NULL);
    CHECK_STRING(unresolved, "label:none");
}

TEST(words_show_what_is_unknown_in_capitals)
{
    engine_begin();
    struct stand stand = standing();
    CHECK_STRING(expr_words(&stand.eval, "for ${name}: ${label:team} and ${user}", &stand.target),
                 "for one: LABEL-TEAM and s2024001");
    CHECK_STRING(expr_words(&stand.eval, "no such ${thing}", &stand.target), "no such ${thing}");
    CHECK_STRING(expr_words(&stand.eval, "plain", &stand.target), "plain");
}

TEST(who_asks_is_known_to_be_read)
{
    static const bool reads[] = {true};
    engine_begin();
    const struct expr user = parsed("\"${user}\""), student = parsed("\"${student}\"");
    const struct expr name = parsed("\"${name}${spec.x}\""),
                      request = parsed("\"${$request.uid}\"");
    CHECK(expr_reads_request(&user, NULL));
    CHECK(expr_reads_request(&request, NULL));
    CHECK(expr_reads_request(&student, reads));
    CHECK(!expr_reads_request(&student, NULL));
    CHECK(!expr_reads_request(&name, NULL));
}

TEST_MAIN
