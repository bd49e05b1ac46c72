#include "cli/test/expect.h"
#include "cli/test/suite.h"

#include "base/limits.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct diagnostics diagnostics;

static struct suite load(const char *text)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&arena, 64 * LIMIT_MIB);
        installed = true;
    }
    struct suite suite;
    struct err err;
    arena_reset(&arena, LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    int r = suite_load(&arena, "suite.yaml", arena_strdup(&arena, text), strlen(text), 1000,
                       &diagnostics, &suite, &err);
    if (r != 0)
        TEST_FAIL("%s", err.text);
    return suite;
}

static const char *found(void)
{
    struct buf text;
    buf_init(&text, &arena, LIMIT_MIB);
    diag_write(&diagnostics, &text);
    return text.data;
}

#define HEAD "apiVersion: proctor.dev/v1\nkind: PolicySuite\nmetadata: {name: x}\nspec:\n"

TEST(a_case_takes_what_the_suite_says)
{
    struct suite suite = load(HEAD "  now: 1970-01-02\n"
                                   "  defaults: {user: u, groups: [g], namespace: ns}\n"
                                   "  cases:\n"
                                   "  - name: a\n    object: {kind: Pod}\n"
                                   "    expect: {verdict: allowed}\n"
                                   "  - name: b\n    object: {kind: Pod}\n    user: other\n"
                                   "    now: 1970-01-03\n    operation: DELETE\n"
                                   "    expect: {verdict: denied}\n");
    CHECK_STRING(found(), "");
    CHECK_INT(suite.case_count, 2);
    CHECK_STRING(suite.policies[0], "policy.yaml");
    CHECK(suite.policies[1] == NULL);
    CHECK_STRING(suite.cases[0].question.user, "u");
    CHECK_STRING(suite.cases[0].question.groups[0], "g");
    CHECK_STRING(suite.cases[0].question.name_space, "ns");
    CHECK_INT(suite.cases[0].now, 86400);
    CHECK_INT(suite.cases[0].mark.line, 8);
    CHECK_STRING(suite.cases[1].question.user, "other");
    CHECK_STRING(suite.cases[1].question.groups[0], "g");
    CHECK_INT(suite.cases[1].question.operation, OPERATION_DELETE);
    CHECK_INT(suite.cases[1].now, 2 * 86400);
}

TEST(slips_are_said_with_their_place)
{
    struct suite suite = load(HEAD "  cases:\n"
                                   "  - name: a\n    objekt: {kind: Pod}\n"
                                   "    expect: {verdict: allowed}\n"
                                   "  - name: b\n    object: missing.yaml\n"
                                   "    expect: {verdict: maybe}\n"
                                   "  - name: c\n    object: {kind: Pod}\n"
                                   "    expect: {verdict: allowed, violations: [1]}\n"
                                   "  - name: d\n    object: {kind: Pod}\n"
                                   "    expect: {verdict: allowed}\n");
    CHECK(strstr(found(), "suite.yaml:7:5: error: unknown key \"objekt\", did you mean "
                          "\"object\"?") != NULL);
    CHECK(strstr(found(), "suite.yaml:10:13: error: missing.yaml: ") != NULL);
    CHECK(strstr(found(), "expect needs a verdict") != NULL);
    CHECK(strstr(found(), "violations must be a list of strings") != NULL);
    CHECK(suite.cases[0].broken && suite.cases[1].broken && suite.cases[2].broken);
    CHECK(!suite.cases[3].broken);
}

TEST(what_is_no_suite_is_refused)
{
    static const char *const texts[] = {"", "a: 1\n", "kind: PolicySuite\napiVersion: v1\n",
                                        (HEAD "  cases: []\n---\n" HEAD), "a: [\n"};
    struct err err;
    struct suite suite;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        load(HEAD "  cases: []\n");
        CHECK_INT(suite_load(&arena, "s.yaml", arena_strdup(&arena, texts[i]), strlen(texts[i]), 0,
                             &diagnostics, &suite, &err),
                  -ERR_POLICY);
        CHECK(strncmp(err.text, "s.yaml:", 7) == 0);
    }
    load(HEAD "  cases: []\n");
    CHECK(strstr(found(), "there are no cases") != NULL);
}

static const char *rewrite(const char *text, const char *fresh_json)
{
    struct suite suite = load(text);
    cJSON *fresh[16] = {NULL};
    struct err err;
    struct buf out;
    size_t refused = 99;
    CHECK_INT(
        json_parse(&arena, fresh_json, strlen(fresh_json), &json_limits_review, &fresh[0], &err),
        0);
    buf_init(&out, &arena, LIMIT_MIB);
    return suite_rewrite(&arena, &suite, fresh, &out, &refused) ? out.data : "refused";
}

TEST(only_the_block_is_rewritten)
{
    CHECK_STRING(rewrite(HEAD "  cases:\n"
                              "    # five\n"
                              "    - name: a  # why\n"
                              "      expect:\n        # gone\n        verdict: denied\n"
                              "        violations:\n        - x/y z\n\n"
                              "      # the pod\n"
                              "      object: {kind: Pod}\n"
                              "    - name: b\n      object: {kind: Pod}\n"
                              "      expect: {verdict: allowed}",
                         "{\"verdict\":\"patched\",\"changes\":[\"a/b c\"]}"),
                 HEAD "  cases:\n"
                      "    # five\n"
                      "    - name: a  # why\n"
                      "      expect:\n        verdict: patched\n        changes:\n"
                      "        - a/b c\n\n"
                      "      # the pod\n"
                      "      object: {kind: Pod}\n"
                      "    - name: b\n      object: {kind: Pod}\n"
                      "      expect: {verdict: allowed}\n");
}

TEST(a_flow_map_of_several_lines_is_replaced_whole)
{
    CHECK_STRING(rewrite(HEAD "  cases:\n"
                              "  - expect: {verdict: denied,\n      violations: []}\n"
                              "    name: a\n    object: {kind: Pod}\n",
                         "{\"verdict\":\"allowed\"}"),
                 HEAD "  cases:\n"
                      "  - expect:\n      verdict: allowed\n"
                      "    name: a\n    object: {kind: Pod}\n");
}

TEST(a_case_without_expect_gets_one)
{
    CHECK_STRING(rewrite(HEAD "  cases:\n"
                              "  - name: a\n    object:\n      kind: Pod\n\n"
                              "  # next\n"
                              "  - name: b\n    object: {kind: Pod}\n"
                              "    expect: {verdict: allowed}\n",
                         "{\"verdict\":\"allowed\"}"),
                 HEAD "  cases:\n"
                      "  - name: a\n    object:\n      kind: Pod\n"
                      "    expect:\n      verdict: allowed\n\n"
                      "  # next\n"
                      "  - name: b\n    object: {kind: Pod}\n"
                      "    expect: {verdict: allowed}\n");
}

TEST(a_case_in_one_line_is_refused)
{
    CHECK_STRING(rewrite(HEAD "  cases:\n"
                              "  - {name: a, object: {kind: Pod}, expect: {verdict: denied}}\n",
                         "{\"verdict\":\"allowed\"}"),
                 "refused");
    CHECK_STRING(
        rewrite(HEAD "  cases:\n  - {name: a, object: {kind: Pod}}\n", "{\"verdict\":\"allowed\"}"),
        "refused");
}

static const char *project(const char *shape_json, const char *actual_json)
{
    cJSON *shape, *actual;
    struct err err;
    struct buf out;
    load(HEAD "  cases: []\n");
    CHECK_INT(json_parse(&arena, shape_json, strlen(shape_json), &json_limits_review, &shape, &err),
              0);
    CHECK_INT(
        json_parse(&arena, actual_json, strlen(actual_json), &json_limits_review, &actual, &err),
        0);
    buf_init(&out, &arena, LIMIT_MIB);
    json_write(&out, expect_project(&arena, shape, actual));
    return out.data;
}

TEST(an_object_is_compared_by_what_is_named)
{
    CHECK_STRING(project("{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2,\"c\":3},\"d\":4}"),
                 "{\"a\":{\"b\":2}}");
    CHECK_STRING(project("{\"a\":[{\"b\":1},{}]}", "{\"a\":[{\"b\":1,\"c\":1},{\"x\":1}]}"),
                 "{\"a\":[{\"b\":1},{}]}");
    CHECK_STRING(project("{\"a\":[1]}", "{\"a\":[1,2]}"), "{\"a\":[1,2]}");
    CHECK_STRING(project("{\"a\":1,\"n\":null}", "{}"), "{\"a\":null,\"n\":null}");
    CHECK_STRING(project("{\"a\":{\"b\":1}}", "{\"a\":\"x\"}"), "{\"a\":\"x\"}");
}

TEST(times_are_read_as_rfc_3339)
{
    static const struct {
        const char *text;
        int64_t at;
    } fine[] = {{"1970-01-01", 0},
                {"1970-01-02T00:00:01Z", 86401},
                {"2026-11-21T12:00:00Z", 1795262400},
                {"2026-11-21T12:00:00.5+01:00", 1795258800},
                {"2026-11-21t12:00:00-00:30", 1795264200}};
    static const char *const wrong[] = {"",
                                        "2026-02-30",
                                        "2026-11-21T12:00:00",
                                        "2026-11-21T25:00:00Z",
                                        "2026-11-21 12:00:00Z",
                                        "2026-11-21T12:00:00+1:00",
                                        "2026-11-21x",
                                        "26-11-21",
                                        "2026-11-21T12:00:00Zz"};
    struct err err;
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        int64_t at = -1;
        CHECK_INT(judge_parse_time(fine[i].text, &at, &err), 0);
        CHECK_INT(at, fine[i].at);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t at = 77;
        CHECK_INT(judge_parse_time(wrong[i], &at, &err), -ERR_USAGE);
        CHECK_INT(at, 77);
    }
}

TEST_MAIN
