/* The schema table against real API servers: what they sent must pass unchanged, what they made
 * of a file must be what schema_default makes of it.
 */
#include "base/limits.h"
#include "kube/schema.h"
#include "tests/unit/test.h"

#include <dirent.h>

#define REVIEWS  "tests/reviews"
#define DEFAULTS "tests/unit/kube/defaults"

static struct arena arena;

/* Every test works in a fresh arena. */
static void begin(void)
{
    static bool ready;
    if (!ready)
        arena_install_cjson_hooks();
    ready = true;
    arena_done(&arena);
    arena_init(&arena, 64 * LIMIT_MIB);
    arena_use(&arena);
}

static cJSON *parse(const char *text, size_t length)
{
    struct err err;
    cJSON *root = NULL;
    if (json_parse(&arena, text, length, &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

static cJSON *parse_text(const char *text)
{
    return parse(text, strlen(text));
}

static cJSON *parse_file(const char *path)
{
    size_t length;
    char *text = test_read_file(path, &length);
    cJSON *root = parse(text, length);
    free(text);
    return root;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Calls check(path) for each file of `folder` with that end; returns how many there were. */
static int each_file(const char *folder, const char *end, void (*check)(const char *path))
{
    struct dirent **entries;
    const int total = scandir(folder, &entries, NULL, alphasort);
    if (total < 0)
        TEST_FAIL("no folder %s", folder);
    static char paths[512][512];
    int count = 0;
    for (int i = 0; i < total; i++) {
        if (ends_with(entries[i]->d_name, end) && count < 512)
            snprintf(paths[count++], sizeof(paths[0]), "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    for (int i = 0; i < count; i++) {
        begin();
        check(paths[i]);
    }
    return count;
}

static const char *pretty(const cJSON *node)
{
    struct buf buf;
    buf_init(&buf, &arena, LIMIT_MIB);
    json_write_pretty(&buf, node);
    return buf.data;
}

static const struct schema_kind *kind_of(const cJSON *object)
{
    const char *version = json_get_string(object, "apiVersion");
    const char *slash = strchr(version, '/');
    const char *group =
        slash == NULL ? "" : arena_strndup(&arena, version, (size_t)(slash - version));
    return schema_kind_find(group, slash == NULL ? version : slash + 1,
                            json_get_string(object, "kind"));
}

static int fixed_points;

static void check_fixed_point(const char *path, const cJSON *object)
{
    if (object == NULL)
        return;
    const struct schema_kind *kind = kind_of(object);
    if (kind == NULL)
        return;
    struct err err;
    cJSON *copy = json_dup(&arena, object);
    if (schema_check(kind, object, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (schema_default(&arena, kind, copy, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (!json_equal(object, copy))
        TEST_FAIL("%s is changed from\n%s\nto\n%s", path, pretty(object), pretty(copy));
    fixed_points++;
}

static void check_review(const char *path)
{
    const cJSON *request = json_get(parse_file(path), "request");
    CHECK(request != NULL);
    check_fixed_point(path, json_get(request, "object"));
    check_fixed_point(path, json_get(request, "oldObject"));
}

TEST(reviews_of_1_30_are_fixed_points)
{
    fixed_points = 0;
    CHECK(each_file(REVIEWS "/v1.30.14", ".json", check_review) > 40);
    CHECK(fixed_points > 40);
}

TEST(reviews_of_1_36_are_fixed_points)
{
    fixed_points = 0;
    CHECK(each_file(REVIEWS "/v1.36.3", ".json", check_review) > 200);
    CHECK(fixed_points > 200);
}

static void check_default(const char *path)
{
    char out[512];
    snprintf(out, sizeof(out), "%.*s.out.json", (int)(strlen(path) - strlen(".in.json")), path);
    cJSON *object = parse_file(path);
    const cJSON *want = parse_file(out);
    const struct schema_kind *kind = kind_of(object);
    CHECK(kind != NULL);
    struct err err;
    if (schema_default(&arena, kind, object, &err) < 0)
        TEST_FAIL("%s: %s", path, err.text);
    if (!json_equal(object, want))
        TEST_FAIL("%s becomes\n%s\nwant\n%s", path, pretty(object), pretty(want));
    if (schema_default(&arena, kind, object, &err) < 0 || !json_equal(object, want))
        TEST_FAIL("%s: the second time is not the same", path);
}

TEST(files_become_what_the_api_server_made_of_them)
{
    CHECK(each_file(DEFAULTS, ".in.json", check_default) > 70);
}

static const struct schema_kind *deployment(void)
{
    return schema_kind_find("apps", "v1", "Deployment");
}

/* The table says what a place is: by the same steps as a path in a policy. */
static const struct schema_node *place(const struct schema_node *node, const char *const *steps)
{
    for (; *steps != NULL; steps++) {
        node = schema_member(node, *steps);
        if (node != NULL && node->type == SCHEMA_LIST)
            node = node->item;
    }
    return node;
}

TEST(kinds_are_found_by_group_version_and_kind)
{
    CHECK_STRING(deployment()->resource, "deployments");
    CHECK_STRING(schema_kind_find("", "v1", "Pod")->root.object->name, "io.k8s.api.core.v1.Pod");
    CHECK(schema_kind_find("autoscaling", "v1", "HorizontalPodAutoscaler") !=
          schema_kind_find("autoscaling", "v2", "HorizontalPodAutoscaler"));
    CHECK(!schema_kind_find("", "v1", "Namespace")->namespaced);
    CHECK(schema_kind_find("apps", "v1beta1", "Deployment") == NULL);
    CHECK(schema_kind_find("", "v1", "Deployment") == NULL);
    CHECK(schema_kind_find("apps", "v1", "deployment") == NULL);
}

TEST(every_pod_path_leads_to_a_pod_spec)
{
    int with_pods = 0;
    for (size_t i = 0; i < schema_kind_count; i++) {
        if (schema_kinds[i].pod_path == NULL)
            continue;
        const struct schema_node *spec = place(&schema_kinds[i].root, schema_kinds[i].pod_path);
        CHECK_STRING(spec->object->name, "io.k8s.api.core.v1.PodSpec");
        with_pods++;
    }
    CHECK_INT(with_pods, 8);
}

TEST(resources_carry_their_kinds)
{
    static const struct {
        const char *group, *resource, *subresource, *kind; /* kind NULL: none */
        bool known;
    } rows[] = {
        {"apps", "deployments", "", "Deployment", true},
        {"apps", "deployments", "scale", "Scale", true},
        {"apps", "deployments", "status", "Deployment", true},
        {"apps", "replicasets", "scale", "Scale", true},
        {"apps", "statefulsets", "scale", "Scale", true},
        {"apps", "daemonsets", "scale", NULL, false},
        {"", "replicationcontrollers", "scale", "Scale", true},
        {"", "pods", "", "Pod", true},
        {"", "pods", "status", "Pod", true},
        {"", "pods", "resize", "Pod", true},
        {"", "pods", "ephemeralcontainers", "Pod", true},
        {"", "pods", "exec", NULL, true},
        {"", "pods", "attach", NULL, true},
        {"", "pods", "portforward", NULL, true},
        {"", "pods", "proxy", NULL, true},
        {"", "pods", "binding", NULL, true},
        {"", "pods", "eviction", NULL, true},
        {"", "deployments", "", NULL, false},
        {"apps", "deployment", "", NULL, false},
        {"example.com", "things", "", NULL, false},
        {"autoscaling", "horizontalpodautoscalers", "", "HorizontalPodAutoscaler", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool known = !rows[i].known;
        const struct schema_kind *kind =
            schema_kind_of_resource(rows[i].group, rows[i].resource, rows[i].subresource, &known);
        CHECK_INT(known, rows[i].known);
        if (rows[i].kind == NULL)
            CHECK(kind == NULL);
        else
            CHECK_STRING(kind == NULL ? NULL : kind->kind, rows[i].kind);
    }
    bool known;
    CHECK_STRING(
        schema_kind_of_resource("autoscaling", "horizontalpodautoscalers", "", &known)->version,
        "v2");
}

TEST(places_have_types_and_lists_have_keys)
{
    const char *const containers[] = {"spec", "template", "spec", "containers", NULL};
    const struct schema_node *container = place(&deployment()->root, containers);
    CHECK_STRING(container->object->name, "io.k8s.api.core.v1.Container");
    const struct schema_node *ports = schema_member(container, "ports");
    CHECK_INT(ports->type, SCHEMA_LIST);
    CHECK_STRING(ports->merge_keys[0], "containerPort");
    CHECK_STRING(ports->merge_keys[1], "protocol");
    CHECK(ports->merge_keys[2] == NULL);
    CHECK(schema_member(container, "args")->merge_keys == NULL);
    CHECK_STRING(schema_member(container, "imagePullPolicy")->values[0], "Always");
    const struct schema_node *limits =
        schema_member(schema_member(container, "resources"), "limits");
    CHECK_INT(limits->type, SCHEMA_MAP);
    CHECK_INT(schema_member(limits, "any.example/thing")->type, SCHEMA_QUANTITY);
    const char *const unavailable[] = {"spec", "strategy", "rollingUpdate", "maxUnavailable", NULL};
    CHECK_INT(place(&deployment()->root, unavailable)->type, SCHEMA_INT_STRING);
    const char *const created[] = {"metadata", "creationTimestamp", NULL};
    CHECK_INT(place(&deployment()->root, created)->type, SCHEMA_TIME);
    CHECK(schema_member(container, "port") == NULL);
    CHECK(schema_member(schema_member(container, "name"), "x") == NULL);
    CHECK(schema_member(NULL, "x") == NULL);
}

TEST(zeros_defaults_and_unions_are_marked)
{
    const struct schema_node *spec = schema_member(&deployment()->root, "spec");
    CHECK(schema_field_find(spec->object, "paused")->zero_is_absent);
    CHECK(!schema_field_find(spec->object, "replicas")->zero_is_absent); /* a pointer */
    CHECK_STRING(schema_field_find(spec->object, "replicas")->default_json, "1");
    CHECK(schema_field_find(spec->object, "template")->required);
    CHECK(schema_field_find(spec->object, "replica") == NULL);
    const char *const probe[] = {"spec", "template", "spec", "containers", "livenessProbe", NULL};
    const struct schema_object *object = place(&deployment()->root, probe)->object;
    const uint8_t group = schema_field_find(object, "exec")->union_group;
    CHECK(group != 0);
    CHECK_INT(schema_field_find(object, "httpGet")->union_group, group);
    CHECK_INT(schema_field_find(object, "periodSeconds")->union_group, 0);
}

/* Binary search needs it. */
static void check_order(const struct schema_node *node, int depth)
{
    for (; node->type == SCHEMA_LIST || node->type == SCHEMA_MAP; node = node->item)
        continue;
    if (node->type != SCHEMA_OBJECT)
        return;
    CHECK(depth < 30);
    const struct schema_object *object = node->object;
    for (size_t i = 0; i < object->field_count; i++) {
        if (i > 0 && strcmp(object->fields[i - 1].name, object->fields[i].name) >= 0)
            TEST_FAIL("%s: %s is out of order", object->name, object->fields[i].name);
        CHECK(schema_field_find(object, object->fields[i].name) == &object->fields[i]);
        check_order(&object->fields[i].node, depth + 1);
    }
}

TEST(fields_are_sorted_everywhere)
{
    for (size_t i = 0; i < schema_kind_count; i++)
        check_order(&schema_kinds[i].root, 0);
}

TEST(slips_of_the_pen_are_recognised)
{
    const struct schema_node *spec = schema_member(&deployment()->root, "spec");
    CHECK_STRING(schema_suggest(spec->object, "replcas"), "replicas");
    CHECK_STRING(schema_suggest(spec->object, "Template"), "template");
    CHECK_STRING(schema_suggest(spec->object, "stratgey"), "strategy");
    CHECK(schema_suggest(spec->object, "containers") == NULL);
}

TEST(zero_is_what_go_omits)
{
    begin();
    const char *const zeros[] = {"false", "0", "0.0", "-0", "\"\"", "{}", "[]", "null"};
    const char *const others[] = {"true", "1", "\"0\"", "{\"a\":null}", "[0]", "0.1"};
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
        CHECK(schema_is_zero(parse_text(zeros[i])));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(!schema_is_zero(parse_text(others[i])));
    CHECK(schema_is_zero(NULL));
}

TEST(wrong_types_are_named_with_their_path)
{
    static const struct {
        const char *json, *text;
    } rows[] = {
        {"[]", "the object is array, must be object"},
        {"{\"spec\":3}", "spec is number, must be object"},
        {"{\"spec\":{\"replicas\":\"3\"}}", "spec.replicas is string, must be whole number"},
        {"{\"spec\":{\"replicas\":1.5}}", "spec.replicas is number, must be whole number"},
        {"{\"spec\":{\"paused\":1}}", "spec.paused is number, must be boolean"},
        {"{\"metadata\":{\"labels\":{\"a\":1}}}", "metadata.labels.a is number, must be string"},
        {"{\"metadata\":{\"labels\":[]}}", "metadata.labels is array, must be map"},
        {"{\"spec\":{\"template\":{\"spec\":{\"containers\":{}}}}}",
         "spec.template.spec.containers is object, must be list"},
        {"{\"spec\":{\"template\":{\"spec\":{\"containers\":[{},{\"resources\":{\"limits\":"
         "{\"cpu\":\"much\"}}}]}}}}",
         "spec.template.spec.containers[1].resources.limits.cpu is string, must be quantity"},
        {"{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":1.5}}}}",
         "spec.strategy.rollingUpdate.maxSurge is number, must be whole number or string"},
        {"{\"metadata\":{\"creationTimestamp\":1}}",
         "metadata.creationTimestamp is number, must be time"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        struct err err;
        cJSON *object = parse_text(rows[i].json);
        CHECK_INT(schema_check(deployment(), object, &err), -ERR_TYPE);
        CHECK_STRING(err.text, rows[i].text);
        CHECK_INT(schema_default(&arena, deployment(), object, &err), -ERR_TYPE);
    }
}

TEST(unknown_members_and_nulls_pass_the_check)
{
    begin();
    struct err err;
    const char *text = "{\"what\":[1,{}],\"spec\":{\"replicas\":null,\"more\":{}},\"status\":null}";
    cJSON *object = parse_text(text);
    CHECK_INT(schema_check(deployment(), object, &err), 0);
    CHECK_INT(schema_default(&arena, deployment(), object, &err), 0);
    CHECK(json_find(object, "what") == NULL);
    CHECK(json_find(json_get(object, "spec"), "more") == NULL);
    CHECK_INT(json_path(object, "spec", "replicas", NULL)->valueint, 1);
}

TEST(managed_fields_stay_as_they_are)
{
    begin();
    struct err err;
    const char *text =
        "{\"metadata\":{\"managedFields\":[{\"manager\":\"m\",\"fieldsV1\":{\"f:spec\":"
        "{\"f:replicas\":{},\".\":{}}}}]}}";
    cJSON *object = parse_text(text);
    CHECK_INT(schema_default(&arena, deployment(), object, &err), 0);
    CHECK(json_equal(json_get(object, "metadata"), json_get(parse_text(text), "metadata")));
}

TEST_MAIN
