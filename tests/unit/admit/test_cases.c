/* Runs every folder of tests/cases/engine: policy.yaml judges review.json, and what comes out is
 * compared byte for byte with expect.json:
 *
 *   mutate     what /mutate answers
 *   after      what /validate answers to the object that this patch made, with the API server's
 *              defaults in it
 *   again      the patch that a second /mutate would still make (a fixed point has none)
 *   validate   what /validate answers to the object as it was sent
 *
 * UPDATE_CASES=1 writes expect.json anew, to be read before it is committed.
 */
#include "admit/admit.h"
#include "kube/pointer.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <sys/stat.h>

#define CASES "tests/cases/engine"
#define NOW   1795262400 /* 2026-11-21T12:00:00Z */

static struct arena arena;

static cJSON *words(const char *const *strings, size_t count)
{
    cJSON *list = json_new_array(&arena);
    for (size_t i = 0; i < count; i++)
        json_append(list, json_new_string(&arena, strings[i]));
    return list;
}

static cJSON *show_verdict(const struct verdict *verdict)
{
    struct err err;
    cJSON *shown = json_new_object(&arena), *patch;
    json_add(&arena, shown, "allowed", json_new_bool(&arena, verdict->allowed));
    json_add(&arena, shown, "verdict", json_new_string(&arena, verdict->audit_verdict));
    if (verdict->patch != NULL) {
        CHECK(json_parse(&arena, verdict->patch, verdict->patch_length, &json_limits_review, &patch,
                         &err) == 0);
        json_add(&arena, shown, "patch", patch);
    }
    if (verdict->warning_count > 0)
        json_add(&arena, shown, "warnings", words(verdict->warnings, verdict->warning_count));
    if (*verdict->audit_rules != '\0')
        json_add(&arena, shown, "rules", json_new_string(&arena, verdict->audit_rules));
    if (!verdict->allowed) {
        json_add(&arena, shown, "message", json_new_string(&arena, verdict->message));
        if (verdict->details != NULL)
            json_add(&arena, shown, "details", json_dup(&arena, verdict->details));
    }
    return shown;
}

static cJSON *judge(const struct policy_set *set, enum admit_phase phase, const cJSON *review,
                    struct verdict *ret_verdict)
{
    struct buf body, answer;
    struct err err;
    struct admit_request request;
    bool answered;
    buf_init(&body, &arena, LIMIT_BODY_BYTES);
    json_write(&body, review);
    buf_init(&answer, &arena, LIMIT_BODY_BYTES);
    int rc = admit_answer(set, phase, body.data, body.length, NOW, &arena, &answer, &request,
                          ret_verdict, &answered, &err);
    if (rc != 0) {
        cJSON *shown = json_new_object(&arena);
        json_add(&arena, shown, "error", json_new_string(&arena, err.text));
        return shown;
    }
    return show_verdict(ret_verdict);
}

/* The review with the patched object in it. */
static cJSON *patched(const cJSON *review, const struct verdict *verdict)
{
    struct err err;
    cJSON *copy = json_dup(&arena, review), *patch;
    cJSON *request = json_get(copy, "request"), *object = json_get(request, "object");
    if (verdict->patch == NULL)
        return copy;
    CHECK(json_parse(&arena, verdict->patch, verdict->patch_length, &json_limits_review, &patch,
                     &err) == 0);
    json_unlink(request, object);
    if (patch_apply(&arena, &object, patch, &err) != 0)
        TEST_FAIL("the patch does not apply: %s", err.text);
    /* As the API server does after each mutating webhook. */
    const cJSON *kind = json_get(request, "kind");
    const struct schema_kind *schema =
        schema_kind_find(json_get_string(kind, "group"), json_get_string(kind, "version"),
                         json_get_string(kind, "kind"));
    CHECK(object != NULL);
    cJSON *const trees[] = {object, json_get(request, "oldObject")};
    for (size_t i = 0; i < 2 && schema != NULL; i++)
        if (trees[i] != NULL && schema_default(&arena, schema, trees[i], &err) != 0)
            TEST_FAIL("the patched object is not valid: %s", err.text);
    object->string = NULL;
    json_add(&arena, request, "object", object);
    return copy;
}

static cJSON *run_case(const struct policy_set *set, const cJSON *review)
{
    struct verdict first, second;
    cJSON *shown = json_new_object(&arena);
    json_add(&arena, shown, "mutate", judge(set, ADMIT_MUTATE, review, &first));
    const cJSON *after = patched(review, &first);
    if (first.patch != NULL) {
        json_add(&arena, shown, "after", judge(set, ADMIT_VALIDATE, after, &second));
        judge(set, ADMIT_MUTATE, after, &second);
        if (second.patch != NULL)
            json_add(&arena, shown, "again", json_new_string(&arena, second.patch));
    }
    json_add(&arena, shown, "validate", judge(set, ADMIT_VALIDATE, review, &second));
    return shown;
}

static struct policy_set *load(const char *path)
{
    struct diagnostics diagnostics;
    struct policy_load_options options = {.now = NOW};
    struct policy_set *set;
    struct err err;
    const char *const paths[] = {path, NULL};
    diag_init(&diagnostics, &arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) == 0)
        return set;
    struct buf text;
    buf_init(&text, &arena, LIMIT_BODY_BYTES);
    diag_write(&diagnostics, &text);
    TEST_FAIL("%s: %s\n%s", path, err.text, text.data);
}

static void compare(const char *path, const char *got)
{
    if (getenv("UPDATE_CASES") != NULL) {
        FILE *file = fopen(path, "w");
        CHECK(file != NULL);
        fputs(got, file);
        fclose(file);
        return;
    }
    char *want = test_read_file(path, NULL);
    if (strcmp(got, want) != 0)
        TEST_FAIL("%s differs; got\n%s", path, got);
    free(want);
}

static void run_folder(void *name)
{
    const char *folder = name;
    char path[512];
    struct err err;
    cJSON *review;
    struct buf got;
    snprintf(path, sizeof path, "%s/%s/policy.yaml", CASES, folder);
    struct policy_set *set = load(path);
    snprintf(path, sizeof path, "%s/%s/review.json", CASES, folder);
    size_t length;
    char *text = test_read_file(path, &length);
    CHECK(json_parse(&arena, text, length, &json_limits_review, &review, &err) == 0);
    free(text);
    buf_init(&got, &arena, LIMIT_BODY_BYTES);
    json_write_pretty(&got, run_case(set, review));
    buf_add_char(&got, '\n');
    policy_set_unref(set);
    snprintf(path, sizeof path, "%s/%s/expect.json", CASES, folder);
    compare(path, got.data);
}

TEST(engine_cases)
{
    int failures = 0, count = 0;
    struct dirent **names;
    arena_install_cjson_hooks();
    arena_init(&arena, 256 * LIMIT_MIB);
    int found = scandir(CASES, &names, NULL, alphasort);
    CHECK(found > 2);
    for (int i = 0; i < found; i++) {
        const char *name = names[i]->d_name;
        if (name[0] != '.') {
            failures += test_passes(run_folder, names[i]->d_name) ? 0 : 1;
            count++;
        }
        arena_reset(&arena, 0);
        free(names[i]);
    }
    free(names);
    if (failures > 0)
        TEST_FAIL("%d of %d cases differ", failures, count);
}

TEST_MAIN
