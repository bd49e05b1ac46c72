/* AdmissionReviews that are no good: each has its error, and as soon as the uid is known the
 * answer carries it and allows nothing. */
#include "tests/unit/engine.h"

#define POLICY "    - { id: r, why: W, field: spec.replicas, max: 1 }\n"

/* A good review, as text, with one piece of it replaced. */
static char *spoilt(const char *piece, const char *by)
{
    const char *good = engine_review(ENGINE_DEPLOYMENT("1", ENGINE_CONTAINER),
                                     ENGINE_DEPLOYMENT("1", ENGINE_CONTAINER));
    const char *at = strstr(good, piece);
    if (at == NULL)
        TEST_FAIL("the review has no %s", piece);
    return arena_printf(&engine_arena, "%.*s%s%s", (int)(at - good), good, by, at + strlen(piece));
}

static int parse(const char *text, struct admit_request *ret_request, struct err *reterr)
{
    return admit_request_parse(&engine_arena, text, strlen(text), ADMIT_VALIDATE, ret_request,
                               reterr);
}

static void check_error(const char *piece, const char *by, enum err_code code, const char *uid,
                        const char *words)
{
    struct admit_request request;
    struct err err;
    engine_begin();
    const char *text = spoilt(piece, by);
    const int rc = parse(text, &request, &err);
    if (rc != -(int)code)
        TEST_FAIL("%s: %d, want %d", by, rc, -(int)code);
    CHECK_STRING(request.uid, uid);
    if (strstr(err.text, words) == NULL)
        TEST_FAIL("\"%s\" does not say \"%s\"", err.text, words);
}

TEST(a_good_review_is_read)
{
    struct admit_request request;
    struct err err;
    engine_begin();
    CHECK(parse(spoilt("u-1", "u-1"), &request, &err) == 0);
    CHECK_STRING(request.uid, "u-1");
    CHECK_STRING(request.resource_text, "deployments.apps");
    CHECK_STRING(request.user, "s1");
    CHECK_STRING(request.name_space, "class");
    CHECK_INT(request.operation, OPERATION_UPDATE);
    CHECK(request.schema != NULL && request.object != NULL && request.old_object != NULL);
    CHECK(request.options == NULL && !request.dry_run);
}

TEST(what_is_no_review_has_no_uid)
{
    check_error("{", "[", ERR_JSON, "", "");
    check_error("AdmissionReview", "AdmissionRevue", ERR_REVIEW, "", "AdmissionReview");
    check_error("admission.k8s.io/v1", "admission.k8s.io/v1beta1", ERR_REVIEW, "", "v1");
    check_error("\"request\":{", "\"request\":null,\"x\":{", ERR_REVIEW, "", "request");
    check_error("\"uid\":\"u-1\",", "", ERR_REVIEW, "", "uid");
    check_error("\"uid\":\"u-1\",", "\"uid\":7,", ERR_REVIEW, "", "uid");
    check_error("\"uid\":\"u-1\",", "\"uid\":\"\",", ERR_REVIEW, "", "uid");
    check_error("\"uid\":\"u-1\",", "\"uid\":\"u-1\",\"uid\":\"u-2\",", ERR_JSON, "", "uid");
}

TEST(a_uid_has_an_end)
{
    char uid[258];
    memset(uid, 'u', sizeof uid);
    uid[257] = '\0';
    check_error("u-1", uid, ERR_REVIEW, "", "256");
    uid[256] = '\0';
    struct admit_request request;
    struct err err;
    engine_begin();
    CHECK(parse(spoilt("u-1", uid), &request, &err) == 0);
}

TEST(what_is_missing_is_named)
{
    check_error("\"kind\":\"Deployment\"}", "\"kind\":null}", ERR_REVIEW, "u-1", "kind");
    check_error("\"resource\":\"deployments\"", "\"resource\":\"\"", ERR_REVIEW, "u-1", "resource");
    check_error("UPDATE", "PATCH", ERR_REVIEW, "u-1", "operation");
    check_error("\"operation\":\"UPDATE\"", "\"operation\":5", ERR_REVIEW, "u-1", "operation");
    check_error("\"username\":\"s1\"", "\"username\":null", ERR_REVIEW, "u-1", "username");
    check_error("\"object\":{", "\"object\":null,\"x\":{", ERR_REVIEW, "u-1", "object");
    check_error("\"oldObject\":{", "\"oldObject\":null,\"x\":{", ERR_REVIEW, "u-1", "oldObject");
}

TEST(wrong_types_are_named_with_their_place)
{
    check_error("\"object\":{", "\"object\":[],\"x\":{", ERR_TYPE, "u-1", "object");
    check_error("\"replicas\":1", "\"replicas\":\"1\"", ERR_TYPE, "u-1", "object: spec.replicas");
    check_error("\"replicas\":1", "\"replicas\":1.5", ERR_TYPE, "u-1", "spec.replicas");
    check_error("\"containers\":[", "\"containers\":{},\"initContainers\":[", ERR_TYPE, "u-1",
                "spec.template.spec.containers");
    check_error("\"image\":\"registry.example/app:v1\"", "\"image\":{}", ERR_TYPE, "u-1",
                "containers[0].image");
    check_error("\"resources\":{}", "\"resources\":{\"limits\":{\"cpu\":\"much\"}}", ERR_TYPE,
                "u-1", "limits.cpu");
    check_error("\"metadata\":{\"labels\":{\"app\":\"a\"}}",
                "\"metadata\":{\"labels\":{\"app\":1}}", ERR_TYPE, "u-1", "labels.app");
}

/* A resource that is known comes as a kind that is known; else every rule would pass it by. */
TEST(a_version_from_the_future_is_not_let_pass)
{
    check_error("\"version\":\"v1\",\"kind\":\"Deployment\"",
                "\"version\":\"v9\",\"kind\":\"Deployment\"", ERR_REVIEW, "u-1",
                "deployments.apps");
    check_error("\"kind\":\"Deployment\"}", "\"kind\":\"StatefulSet\"}", ERR_REVIEW, "u-1",
                "StatefulSet");
}

TEST(kinds_that_the_table_lacks_still_have_metadata)
{
    static const char *const kind =
        "\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},"
        "\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"}";
    static const char *const other =
        "\"kind\":{\"group\":\"x.org\",\"version\":\"v1\",\"kind\":\"Thing\"},"
        "\"resource\":{\"group\":\"x.org\",\"version\":\"v1\",\"resource\":\"things\"}";
    struct admit_request request;
    struct err err;
    engine_begin();
    char *text = spoilt(kind, other);
    CHECK(parse(text, &request, &err) == 0);
    CHECK(request.schema == NULL);
    char *labels = strstr(text, "\"metadata\":{\"name\":\"one\"");
    CHECK(labels != NULL);
    text =
        arena_printf(&engine_arena, "%.*s\"metadata\":{\"labels\":[],\"name\":\"one\"%s",
                     (int)(labels - text), text, labels + strlen("\"metadata\":{\"name\":\"one\""));
    CHECK_INT(parse(text, &request, &err), -(int)ERR_TYPE);
    CHECK(strstr(err.text, "metadata.labels") != NULL);
}

TEST(depth_and_size_have_limits)
{
    struct admit_request request;
    struct buf deep, wide;
    struct err err;
    engine_begin();
    buf_init(&deep, &engine_arena, LIMIT_MIB);
    for (size_t i = 0; i < LIMIT_JSON_DEPTH; i++)
        buf_add_string(&deep, "[");
    for (size_t i = 0; i < LIMIT_JSON_DEPTH; i++)
        buf_add_string(&deep, "]");
    const char *text =
        spoilt("\"groups\":[", arena_printf(&engine_arena, "\"x\":%s,\"groups\":[", deep.data));
    CHECK_INT(parse(text, &request, &err), -(int)ERR_LIMIT);
    buf_init(&wide, &engine_arena, LIMIT_MIB);
    for (size_t i = 0; i < LIMIT_JSON_NODES; i++)
        buf_add_string(&wide, "0,");
    text =
        spoilt("\"groups\":[", arena_printf(&engine_arena, "\"x\":[%s0],\"groups\":[", wide.data));
    CHECK_INT(parse(text, &request, &err), -(int)ERR_LIMIT);
}

/* ---- bytes to bytes --------------------------------------------------------------------- */

static cJSON *answer_in(struct arena *arena, const char *text, int *ret_rc)
{
    struct admit_request request;
    struct verdict verdict;
    struct buf answer;
    struct err err;
    bool answered;
    struct policy_set *set = engine_load_rules(POLICY);
    buf_init(&answer, &engine_arena, LIMIT_BODY_BYTES);
    *ret_rc = admit_answer(set, ADMIT_VALIDATE, text, strlen(text), ENGINE_NOW, arena, &answer,
                           &request, &verdict, &answered, &err);
    policy_set_unref(set);
    return answered ? json_get(engine_json(answer.data), "response") : NULL;
}

TEST(an_error_with_a_uid_is_answered)
{
    int rc;
    engine_begin();
    const cJSON *response =
        answer_in(&engine_arena, spoilt("\"replicas\":1", "\"replicas\":true"), &rc);
    CHECK_INT(rc, -(int)ERR_TYPE);
    CHECK_STRING(json_get_string(response, "uid"), "u-1");
    CHECK(json_is_bool(json_get(response, "allowed")) &&
          !json_is_true(json_get(response, "allowed")));
    const cJSON *status = json_get(response, "status");
    CHECK_STRING(json_get_string(status, "reason"), "BadRequest");
    CHECK(strstr(json_get_string(status, "message"), "spec.replicas") != NULL);
    CHECK_STRING(json_get_string(json_get(response, "auditAnnotations"), "verdict"), "error");
}

TEST(an_error_without_a_uid_is_not)
{
    int rc;
    engine_begin();
    CHECK(answer_in(&engine_arena, spoilt("AdmissionReview", "Pod"), &rc) == NULL);
    CHECK_INT(rc, -(int)ERR_REVIEW);
}

/* Whatever the cap, the answer is the verdict, a refusal with the uid, or none at all. */
TEST(running_out_of_memory_never_allows)
{
    size_t refused = 0, judged = 0;
    for (size_t cap = 4096; cap <= 1024 * 1024; cap += cap / 8) {
        struct arena small;
        int rc;
        engine_begin();
        const char *text = spoilt("\"replicas\":1", "\"replicas\":5");
        arena_init(&small, cap);
        const cJSON *response = answer_in(&small, text, &rc);
        if (response != NULL) {
            CHECK_STRING(json_get_string(response, "uid"), "u-1");
            CHECK(!json_is_true(json_get(response, "allowed")));
        }
        refused += response != NULL && rc == -(int)ERR_LIMIT;
        judged += rc == 0;
        arena_done(&small);
    }
    CHECK(refused > 0);
    CHECK(judged > 0);
}

TEST_MAIN
