/* The review that judge.h makes of an object is the one that a real API server sent. */
#include "admit/judge.h"
#include "base/limits.h"
#include "cli/files.h"
#include "tests/unit/test.h"

static struct arena arena;
static size_t compared;

static enum operation operation_of(const cJSON *request)
{
    const char *text = json_get_string(request, "operation");
    return strcmp(text, "CREATE") == 0   ? OPERATION_CREATE
           : strcmp(text, "UPDATE") == 0 ? OPERATION_UPDATE
           : strcmp(text, "DELETE") == 0 ? OPERATION_DELETE
                                         : OPERATION_CONNECT;
}

static const char *resource_of(const cJSON *request)
{
    const cJSON *resource = json_get(request, "resource");
    const char *group = json_get_string(resource, "group");
    const char *name = json_get_string(resource, "resource");
    return group[0] == '\0' ? name : arena_printf(&arena, "%s.%s", name, group);
}

static void compare(const char *path, const cJSON *recorded, const cJSON *made)
{
    static const char *const keys[] = {"kind",
                                       "resource",
                                       "subResource",
                                       "requestKind",
                                       "requestResource",
                                       "requestSubResource",
                                       "namespace",
                                       "operation",
                                       "object",
                                       "oldObject",
                                       "name"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const cJSON *want = json_get(recorded, keys[i]), *got = json_get(made, keys[i]);
        /* deletecollection names nobody, which no manifest can ask for */
        if (want == NULL && strcmp(keys[i], "name") == 0)
            continue;
        if ((want == NULL) != (got == NULL) || (want != NULL && !json_equal(want, got)))
            TEST_FAIL("%s: %s is made otherwise", path, keys[i]);
    }
    compared++;
}

static void try_file(void *context, const char *path, bool in_folder)
{
    (void)context;
    (void)in_folder;
    char *text = NULL;
    size_t length = 0;
    cJSON *recorded = NULL, *made = NULL;
    struct err err;
    arena_reset(&arena, LIMIT_MIB);
    CHECK_INT(files_read(path, &text, &length, &err), 0);
    CHECK_INT(json_parse(&arena, text, length, &json_limits_review, &recorded, &err), 0);
    free(text);
    const cJSON *request = json_get(recorded, "request");
    struct judge_question question = {
        .object = json_get(request, "object"),
        .old_object = json_get(request, "oldObject"),
        .operation = operation_of(request),
        .name = json_get_string(request, "name"),
        .name_space = json_get_string(request, "namespace"),
        .subresource = json_get_string(request, "subResource"),
    };
    /* A Scale and a Pod's subresources do not say by themselves whose they are. */
    if (question.subresource != NULL)
        question.resource = resource_of(request);
    if (judge_make_review(&arena, &question, &made, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    compare(path, request, json_get(made, "request"));
}

static void no_problem(void *context, const char *path, const char *text)
{
    (void)context;
    TEST_FAIL("%s: %s", path, text);
}

TEST(made_reviews_are_as_recorded)
{
    struct files_visitor visitor = {NULL, NULL, try_file, no_problem};
    arena_install_cjson_hooks();
    arena_init(&arena, 64 * LIMIT_MIB);
    files_find("tests/reviews", &visitor);
    CHECK(compared > 200);
}

static const cJSON *make(const char *json, const char *name_space)
{
    cJSON *object = NULL, *review = NULL;
    struct err err;
    arena_reset(&arena, LIMIT_MIB);
    CHECK_INT(json_parse(&arena, json, strlen(json), &json_limits_review, &object, &err), 0);
    struct judge_question question = {.object = object, .name_space = name_space, .user = "u"};
    if (judge_make_review(&arena, &question, &review, &err) < 0)
        TEST_FAIL("%s", err.text);
    return json_get(review, "request");
}

TEST(the_manifests_own_namespace_wins)
{
    const cJSON *request = make("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
                                "\"metadata\":{\"name\":\"a\",\"namespace\":\"own\"}}",
                                "asked");
    CHECK_STRING(json_get_string(request, "namespace"), "own");
    request = make("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}",
                   "asked");
    CHECK_STRING(json_get_string(request, "namespace"), "asked");
    CHECK_STRING(json_string(json_path(request, "object", "metadata", "namespace", NULL)), "asked");
}

TEST(a_namespace_is_its_own_namespace)
{
    const cJSON *request =
        make("{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}", "x");
    CHECK_STRING(json_get_string(request, "namespace"), "n");
    CHECK(json_path(request, "object", "metadata", "namespace", NULL) == NULL);
}

TEST(an_unknown_kind_has_the_plural_that_kubernetes_guesses)
{
    static const char *const kinds[][2] = {
        {"Widget", "widgets"}, {"Policy", "policies"}, {"Glass", "glasses"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char json[128];
        snprintf(json, sizeof json, "{\"apiVersion\":\"x.io/v1\",\"kind\":\"%s\"}", kinds[i][0]);
        const cJSON *request = make(json, "n");
        CHECK_STRING(json_string(json_path(request, "resource", "resource", NULL)), kinds[i][1]);
        CHECK_STRING(json_string(json_path(request, "resource", "group", NULL)), "x.io");
    }
}

TEST(questions_that_do_not_fit_together)
{
    static const struct judge_question empty = {.operation = OPERATION_CREATE};
    cJSON *review = NULL;
    struct err err;
    CHECK_INT(judge_make_review(&arena, &empty, &review, &err), -ERR_USAGE);
    struct judge_question half = {.object = json_new_object(&arena)};
    CHECK_INT(judge_make_review(&arena, &half, &review, &err), -ERR_USAGE);
    half.operation = OPERATION_UPDATE;
    CHECK_INT(judge_make_review(&arena, &half, &review, &err), -ERR_USAGE);
    CHECK(review == NULL);
}

TEST_MAIN
