/* What the engine's unit tests share: a policy set from text, reviews from objects, a verdict.
 * Everything lives in one arena, which engine_begin empties. */
#ifndef PROCTOR_TEST_ENGINE_H
#define PROCTOR_TEST_ENGINE_H

#include "admit/admit.h"
#include "base/limits.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#define ENGINE_NOW 1795262400 /* 2026-11-21T12:00:00Z */

#define ENGINE_CONTAINER                                                                           \
    "{\"name\":\"app\",\"image\":\"registry.example/app:v1\",\"resources\":{},"                    \
    "\"ports\":[{\"containerPort\":8000,\"protocol\":\"TCP\"}]}"
#define ENGINE_SPEC(replicas, containers)                                                          \
    "\"spec\":{\"replicas\":" replicas ",\"selector\":{\"matchLabels\":{\"app\":\"a\"}},"          \
    "\"template\":{\"metadata\":{\"labels\":{\"app\":\"a\"}},"                                     \
    "\"spec\":{\"containers\":[" containers "]}}}"
#define ENGINE_DEPLOYMENT(replicas, containers)                                                    \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","                                         \
    "\"metadata\":{\"name\":\"one\",\"namespace\":\"class\"}," ENGINE_SPEC(replicas,               \
                                                                           containers) "}"

static struct arena engine_arena;

__attribute__((unused)) static void engine_begin(void)
{
    static bool installed;
    if (!installed) {
        arena_install_cjson_hooks();
        arena_init(&engine_arena, 256 * LIMIT_MIB);
    }
    installed = true;
    arena_reset(&engine_arena, 0);
}

__attribute__((unused)) static cJSON *engine_json(const char *text)
{
    cJSON *root;
    struct err err;
    if (json_parse(&engine_arena, text, strlen(text), &json_limits_review, &root, &err) != 0)
        TEST_FAIL("%s\n%s", err.text, text);
    return root;
}

__attribute__((unused)) static char *engine_text(const cJSON *node)
{
    struct buf text;
    buf_init(&text, &engine_arena, LIMIT_BODY_BYTES);
    json_write(&text, node);
    return text.data;
}

/* The caller owns one reference. */
__attribute__((unused)) static struct policy_set *engine_load(const char *text)
{
    struct diagnostics diagnostics;
    const struct policy_load_options options = {.now = ENGINE_NOW};
    struct policy_set *set;
    struct err err;
    diag_init(&diagnostics, &engine_arena);
    if (policy_load_text("test.yaml", text, strlen(text), &options, &diagnostics, &set, &err) == 0)
        return set;
    struct buf words;
    buf_init(&words, &engine_arena, LIMIT_BODY_BYTES);
    diag_write(&diagnostics, &words);
    TEST_FAIL("%s\n%s%s", err.text, words.data, text);
}

/* A policy p for Deployments; `rules` are lines that begin with "    - id:". */
__attribute__((unused)) static struct policy_set *engine_load_rules(const char *rules)
{
    return engine_load(arena_printf(&engine_arena,
                                    "apiVersion: proctor.dev/v1\nkind: Policy\n"
                                    "metadata: { name: p }\nspec:\n  title: A test\n"
                                    "  match: { resources: [deployments.apps] }\n"
                                    "  rules:\n%s",
                                    rules));
}

/* The review of a Deployment; `old` NULL: a CREATE. */
__attribute__((unused)) static char *engine_review(const char *object, const char *old)
{
    return arena_printf(
        &engine_arena,
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{"
        "\"uid\":\"u-1\",\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},"
        "\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},"
        "\"name\":\"one\",\"namespace\":\"class\",\"operation\":\"%s\","
        "\"userInfo\":{\"username\":\"s1\",\"groups\":[\"students\"]},"
        "\"object\":%s,\"oldObject\":%s}}",
        old == NULL ? "CREATE" : "UPDATE", object, old == NULL ? "null" : old);
}

__attribute__((unused)) static struct verdict
engine_judge(const struct policy_set *set, enum admit_phase phase, const char *review, int64_t now)
{
    struct admit_request request;
    struct verdict verdict;
    struct err err;
    if (admit_request_parse(&engine_arena, review, strlen(review), phase, &request, &err) != 0 ||
        admit_review(set, &request, now, &engine_arena, &verdict, &err) != 0)
        TEST_FAIL("%s\n%s", err.text, review);
    return verdict;
}

#endif
