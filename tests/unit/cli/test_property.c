/* What must hold of every request, whatever the policies say (POLICY.md, "Effects"):
 *
 *   - the patch that is sent makes exactly the object that was judged;
 *   - defaulting -> mutate -> defaulting -> mutate gives no second patch;
 *   - what /mutate found conforming, /validate accepts.
 *
 * Held over every recorded review and over objects made of them by a dice with a fixed seed:
 * members dropped, numbers and quantities changed, containers added. */
#include "admit/judge.h"
#include "base/limits.h"
#include "cli/files.h"
#include "kube/pointer.h"
#include "policy/load.h"
#include "tests/unit/test.h"

#define VARIANTS  12
#define NOW       1795262400 /* 2026-11-21T12:00:00Z */
#define NODES_MAX 2048

static struct arena arena;
static struct policy_set *set;
static uint64_t seed;
static const char *current_file;
static unsigned current_variant;
static size_t files, judged, patched, denied, conforming, refused;

static unsigned dice(unsigned sides)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % sides;
}

/* ---- odd objects -------------------------------------------------------------------------- */

struct places {
    cJSON *parents[NODES_MAX];
    cJSON *nodes[NODES_MAX];
    unsigned count;
};

static void collect(struct places *places, cJSON *parent)
{
    for (cJSON *child = parent->child; child != NULL; child = child->next) {
        bool keep = child->string != NULL && (strcmp(child->string, "managedFields") == 0 ||
                                              strcmp(child->string, "kind") == 0 ||
                                              strcmp(child->string, "apiVersion") == 0);
        if (keep || places->count == NODES_MAX)
            continue;
        places->parents[places->count] = parent;
        places->nodes[places->count++] = child;
        collect(places, child);
    }
}

static void change_scalar(cJSON *node)
{
    static const char *const texts[] = {"500m",
                                        "0.5",
                                        "500000u",
                                        "1Gi",
                                        "1024Mi",
                                        "3e2",
                                        "0",
                                        "",
                                        "25%",
                                        "0%",
                                        "nginx",
                                        "nginx:latest",
                                        "a/b@c",
                                        "Recreate",
                                        "${user}",
                                        "hydrosim-students",
                                        "$(X)",
                                        "RollingUpdate",
                                        "host:5000/x:v1",
                                        "registry.hydrosim.edu/x:v2"};
    static const char *const numbers[] = {"0", "1", "2", "-1", "5", "600", "2147483647", "100000"};
    cJSON *value = NULL;
    if (json_is_string(node))
        value = json_new_string(&arena, texts[dice(sizeof texts / sizeof texts[0])]);
    else if (json_is_number(node))
        value = json_new_number_text(&arena, numbers[dice(sizeof numbers / sizeof numbers[0])]);
    else if (json_is_bool(node))
        value = json_new_bool(&arena, !json_is_true(node));
    if (value != NULL)
        json_assign(&arena, node, value);
}

static void add_container(cJSON *object)
{
    static const char *const lists[] = {"containers", "initContainers"};
    cJSON *spec = json_path(object, "spec", "template", "spec", NULL);
    if (spec == NULL)
        spec = json_get(object, "spec");
    if (!json_is_object(spec))
        return;
    const char *key = lists[dice(2)];
    cJSON *list = json_get(spec, key);
    if (list == NULL) {
        if (json_find(spec, key) != NULL)
            return;
        list = json_new_array(&arena);
        json_add(&arena, spec, key, list);
    }
    static const char *const texts[] = {
        "{\"image\":\"busybox\"}",
        "{\"image\":\"registry.hydrosim.edu/s:v1\",\"restartPolicy\":\"Always\"}",
        "{\"image\":\"x:v1\",\"resources\":{\"requests\":{\"cpu\":\"2\",\"memory\":\"1Ti\"}}}",
        "{\"image\":\"x:v1\",\"resources\":{\"limits\":{\"cpu\":0.25,\"memory\":\"64M\"}}}",
        "{\"image\":\"x:v1\",\"ports\":[{\"containerPort\":8080,\"name\":\"http\"}]}",
        ("{\"image\":\"x:v1\",\"env\":[{\"name\":\"DB_HOST\",\"value\":\"a\"},"
         "{\"name\":\"DB_HOST\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"spec.nodeName\"}}}]}"),
        "{\"image\":\"x:v1\",\"lifecycle\":{\"preStop\":{\"sleep\":{\"seconds\":40}}}}",
        "{\"image\":\"x:v1\",\"securityContext\":{\"privileged\":true}}"};
    const char *text = texts[dice(sizeof texts / sizeof texts[0])];
    cJSON *container = NULL;
    struct err err;
    CHECK_INT(json_parse(&arena, text, strlen(text), &json_limits_review, &container, &err), 0);
    json_add(&arena, container, "name",
             json_new_string(&arena, arena_printf(&arena, "extra-%u", dice(1000))));
    json_append(list, container);
}

static void change(cJSON *object)
{
    static struct places places;
    places.count = 0;
    collect(&places, object);
    if (places.count == 0)
        return;
    unsigned i = dice(places.count);
    switch (dice(4)) {
    case 0:
        json_unlink(places.parents[i], places.nodes[i]);
        break;
    case 1:
        add_container(object);
        break;
    default:
        for (unsigned tries = 0; tries < 20 && places.nodes[i]->child != NULL; tries++)
            i = dice(places.count);
        change_scalar(places.nodes[i]);
    }
}

/* Into the namespace and the hands that the shipped packs are about. */
static void move_to_students(cJSON *request)
{
    static const char *const keys[] = {"object", "oldObject"};
    const char *space = "hydrosim-students";
    cJSON *old = json_get(request, "namespace");
    if (old == NULL)
        return;
    json_assign(&arena, old, json_new_string(&arena, space));
    for (size_t i = 0; i < 2; i++) {
        cJSON *own = json_path(request, keys[i], "metadata", "namespace", NULL);
        if (own != NULL)
            json_assign(&arena, own, json_new_string(&arena, space));
    }
}

static bool default_objects(cJSON *request)
{
    static const char *const keys[] = {"object", "oldObject"};
    const struct schema_kind *schema =
        schema_kind_find(json_string(json_path(request, "kind", "group", NULL)),
                         json_string(json_path(request, "kind", "version", NULL)),
                         json_string(json_path(request, "kind", "kind", NULL)));
    struct err err;
    for (size_t i = 0; schema != NULL && i < 2; i++) {
        cJSON *object = json_get(request, keys[i]);
        if (object != NULL && schema_default(&arena, schema, object, &err) < 0)
            return false;
    }
    return true;
}

/* ---- the properties ----------------------------------------------------------------------- */

static void fail_with(const char *property, const cJSON *review, const char *more)
{
    struct buf text;
    buf_init(&text, &arena, 4 * LIMIT_MIB);
    json_write(&text, review);
    TEST_FAIL("%s\n  %s, variant %u\n  %s\n  %s", property, current_file, current_variant,
              more == NULL ? "" : more, text.data);
}

static void check_patch(const cJSON *review)
{
    struct buf bytes;
    struct admit_request request;
    struct verdict verdict;
    struct err err;
    cJSON *patch = NULL;
    buf_init(&bytes, &arena, 8 * LIMIT_MIB);
    json_write(&bytes, review);
    CHECK_INT(admit_request_parse(&arena, bytes.data, bytes.length, ADMIT_MUTATE, &request, &err),
              0);
    CHECK_INT(admit_review(set, &request, NOW, &arena, &verdict, &err), 0);
    const cJSON *object = json_get(json_get(review, "request"), "object");
    cJSON *after = object != NULL ? json_dup(&arena, object) : NULL;
    if (verdict.patch != NULL) {
        CHECK_INT(json_parse(&arena, verdict.patch, verdict.patch_length, &json_limits_review,
                             &patch, &err),
                  0);
        if (patch_apply(&arena, &after, patch, &err) < 0)
            fail_with("the patch does not apply", review, err.text);
    }
    if (after != NULL && !json_equal(after, request.object))
        fail_with("the patch makes another object than was judged", review, verdict.patch);
}

static void check_review(const cJSON *review)
{
    const struct judge_settings settings = {.set = set, .now = NOW};
    struct judgement judgement;
    struct err err;
    int r = judge_review(&arena, &settings, review, &judgement, &err);
    if (r == -ERR_TYPE || r == -ERR_REVIEW) {
        refused++; /* the API server would not have sent it either */
        return;
    }
    if (r < 0)
        fail_with("it cannot be judged", review, err.text);
    judged++;
    patched += judgement.patch != NULL;
    denied += judgement.outcome == VERDICT_DENIED;
    if (judgement.second_patch != NULL)
        fail_with("no fixed point", review, judgement.second_patch);
    if (judgement.mutation.allowed && judgement.mutation.violation_count == 0) {
        conforming++;
        if (!judgement.validation.allowed)
            fail_with("conforming for /mutate, refused by /validate", review,
                      judgement.validation.message);
    }
    check_patch(review);
}

static void try_file(void *context, const char *path, bool in_folder)
{
    (void)context;
    (void)in_folder;
    size_t length;
    char *text = NULL;
    struct err err;
    CHECK_INT(files_read(path, &text, &length, &err), 0);
    files++;
    current_file = path;
    for (current_variant = 0; current_variant <= VARIANTS; current_variant++) {
        cJSON *review = NULL;
        arena_reset(&arena, 4 * LIMIT_MIB);
        CHECK_INT(json_parse(&arena, text, length, &json_limits_review, &review, &err), 0);
        cJSON *request = json_get(review, "request");
        if (current_variant % 2 == 1)
            move_to_students(request);
        cJSON *object = json_get(request, "object");
        for (unsigned i = current_variant > 1 ? 1 + dice(4) : 0; object != NULL && i > 0; i--)
            change(object);
        if (current_variant <= 1 || default_objects(request))
            check_review(review);
        else
            refused++;
    }
    free(text);
}

static void no_problem(void *context, const char *path, const char *text)
{
    (void)context;
    TEST_FAIL("%s: %s", path, text);
}

TEST(every_request_has_one_outcome)
{
    static const char *const paths[] = {"policies", NULL};
    const struct policy_load_options options = {.now = NOW};
    struct files_visitor visitor = {NULL, NULL, try_file, no_problem};
    struct diagnostics diagnostics;
    struct err err;
    arena_install_cjson_hooks();
    arena_init(&arena, 512 * LIMIT_MIB);
    diag_init(&diagnostics, &arena);
    if (policy_load(paths, &options, &diagnostics, &set, &err) < 0)
        TEST_FAIL("%s", err.text);
    seed = 20261121;
    files_find("tests/reviews", &visitor);
    printf("%zu files, %zu judged: %zu patched, %zu denied, %zu conforming; %zu malformed\n", files,
           judged, patched, denied, conforming, refused);
    /* A test that met nothing has shown nothing. */
    CHECK(files > 100);
    CHECK(judged > files * VARIANTS / 2);
    CHECK(patched > 100 && denied > 100 && conforming > 100);
    policy_set_unref(set);
    arena_done(&arena);
}

TEST_MAIN
