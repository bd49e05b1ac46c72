#include "tests/fuzz/property.h"

#include "admit/admit.h"
#include "kube/pointer.h"
#include "policy/load.h"
#include "tests/fuzz/target.h"

/* The webhook's own arena, with its cap, and one for what the checks themselves build. */
static struct arena engine, checks;

struct policy_set *property_load(const char *path)
{
    const char *const paths[] = {path, NULL};
    const struct policy_load_options options = {.now = PROPERTY_NOW};
    struct diagnostics diagnostics;
    struct policy_set *set;
    struct arena arena;
    struct err err;
    arena_install_cjson_hooks();
    arena_init(&arena, 16 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) != 0)
        target_broken("the policies load", err.text);
    arena_done(&arena);
    return set;
}

/* ---- one answer ------------------------------------------------------------------------- */

struct answer {
    int rc;
    struct verdict verdict;
    struct admit_request request;
    struct buf text;
};

static void check_answer(const struct answer *answer, bool answered)
{
    if (!answered) {
        if (answer->rc == 0)
            target_broken("no error, no answer", "");
        return;
    }
    const cJSON *root =
        target_parse(&checks, answer->text.data, answer->text.length, "an answer is JSON");
    const cJSON *response = json_get(root, "response");
    const bool allowed = json_is_true(json_get(response, "allowed"));
    if (answer->rc != 0 && allowed)
        target_broken("an error never allows", answer->text.data);
    if (allowed != answer->verdict.allowed)
        target_broken("the answer is the verdict", answer->text.data);
    if (!allowed && json_get_string(json_get(response, "status"), "message") == NULL)
        target_broken("a refusal says why", answer->text.data);
}

static void ask(const struct policy_set *set, enum admit_phase phase, const char *body,
                size_t length, struct answer *ret_answer)
{
    bool answered;
    struct err err;
    arena_reset(&engine, LIMIT_ARENA_FIRST_BLOCK);
    buf_init(&ret_answer->text, &engine, LIMIT_BODY_BYTES * 2);
    ret_answer->rc =
        admit_answer(set, phase, body, length, PROPERTY_NOW, &engine, &ret_answer->text,
                     &ret_answer->request, &ret_answer->verdict, &answered, &err);
    check_answer(ret_answer, answered);
}

/* ---- the patch -------------------------------------------------------------------------- */

/* The review with what its patch makes of the object. */
static cJSON *patched(const cJSON *review, const struct answer *answer)
{
    struct err err;
    cJSON *copy = json_dup(&checks, review);
    cJSON *request = json_get(copy, "request"), *object = json_get(request, "object");
    if (answer->verdict.patch == NULL || object == NULL)
        return copy;
    const cJSON *patch = target_parse(&checks, answer->verdict.patch, answer->verdict.patch_length,
                                      "a patch is JSON");
    cJSON *after = json_dup(&checks, object);
    if (patch_apply(&checks, &after, patch, &err) != 0)
        target_broken("the patch applies", err.text);
    if (!json_equal(after, answer->request.object))
        target_broken("the patch makes the object that was judged", answer->verdict.patch);
    json_assign(&checks, object, after);
    return copy;
}

/* As the API server does before it asks; false: it would not have sent this object. */
static bool default_objects(cJSON *review)
{
    static const char *const keys[] = {"object", "oldObject"};
    cJSON *request = json_get(review, "request");
    const cJSON *kind = json_get(request, "kind");
    const char *group = json_get_string(kind, "group"), *name = json_get_string(kind, "kind");
    const char *version = json_get_string(kind, "version");
    struct err err;
    if (name == NULL || version == NULL)
        return false;
    const struct schema_kind *schema = schema_kind_find(group != NULL ? group : "", version, name);
    for (size_t i = 0; schema != NULL && i < 2; i++) {
        cJSON *object = json_get(request, keys[i]);
        if (json_is_object(object) && schema_default(&checks, schema, object, &err) != 0)
            return false;
    }
    return true;
}

static void check_fixed_point(const struct policy_set *set, cJSON *review)
{
    struct answer first, second;
    struct buf body, again;
    buf_init(&body, &checks, 4 * LIMIT_BODY_BYTES);
    json_write(&body, review);
    ask(set, ADMIT_MUTATE, body.data, body.length, &first);
    if (first.rc != 0)
        return;
    const bool conforms = first.verdict.violation_count == 0;
    cJSON *after = patched(review, &first);
    if (!default_objects(after))
        return;
    buf_init(&again, &checks, 4 * LIMIT_BODY_BYTES);
    json_write(&again, after);
    ask(set, ADMIT_MUTATE, again.data, again.length, &second);
    if (second.rc == 0 && second.verdict.patch != NULL)
        target_broken("a second /mutate changes nothing", second.verdict.patch);
    ask(set, ADMIT_VALIDATE, again.data, again.length, &second);
    if (conforms && second.rc == 0 && !second.verdict.allowed)
        target_broken("/validate accepts what /mutate made conforming", second.text.data);
}

void property_check_review(const struct policy_set *set, const char *body, size_t length)
{
    struct answer answer;
    struct err err;
    cJSON *review;
    if (engine.cap_bytes == 0) {
        arena_init(&engine, LIMIT_ARENA_BYTES);
        arena_init(&checks, 512 * LIMIT_MIB);
    }
    arena_reset(&checks, LIMIT_MIB);
    ask(set, ADMIT_VALIDATE, body, length, &answer);
    ask(set, ADMIT_MUTATE, body, length, &answer);
    if (answer.rc != 0 ||
        json_parse(&checks, body, length, &json_limits_review, &review, &err) != 0)
        return;
    patched(review, &answer);
    if (default_objects(review))
        check_fixed_point(set, review);
}
