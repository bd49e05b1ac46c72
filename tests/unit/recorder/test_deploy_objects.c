/* What a deploy writes: new objects, the smallest change of what is there, what the shipped
 * policies say of it. */
#include "admit/judge.h"
#include "base/limits.h"
#include "kube/pointer.h"
#include "policy/load.h"
#include "recorder/deploy_internal.h"
#include "tests/unit/test.h"

static struct arena arena;
static struct err err;
static struct deploy_spec spec;
static struct policy_set *policies;
static cJSON *causes;

static void begin(void)
{
    static bool installed;
    if (!installed)
        arena_install_cjson_hooks();
    installed = true;
    arena_done(&arena);
    arena_init(&arena, 256 * LIMIT_MIB);
    deploy_spec_default(&spec);
    spec.project = "student-1";
    spec.image = "registry.hydrosim.edu/a:v2";
    causes = json_new_array(&arena);
}

static cJSON *json(const char *text)
{
    cJSON *root;
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s\n%s", err.text, text);
    return root;
}

static const char *text_of(const cJSON *node)
{
    struct buf text;
    buf_init(&text, &arena, LIMIT_MIB);
    json_write(&text, node);
    return text.data;
}

static void same(const cJSON *got, const char *want)
{
    if (!json_equal(got, json(want)))
        TEST_FAIL("is   %s\n  want %s", text_of(got), want);
}

static cJSON *make(const cJSON *live)
{
    return deploy_make_deployment(&arena, &spec, "hydrosim-students", live, causes);
}

/* ---- new objects -------------------------------------------------------------------------- */

#define META                                                                                       \
    "\"metadata\":{\"name\":\"student-1\",\"namespace\":\"hydrosim-students\","                    \
    "\"labels\":{\"app\":\"student-1\"}}"

TEST(a_project_that_is_not_there_is_made_whole)
{
    static const struct deploy_env env[] = {{"A", "b"}, {"EMPTY", ""}, {"GONE", NULL}};
    begin();
    spec.env = env;
    spec.env_count = 3;
    cJSON *made = make(NULL);
    same(made,
         "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"," META ",\"spec\":{\"replicas\":1,"
         "\"selector\":{\"matchLabels\":{\"app\":\"student-1\"}},\"template\":{\"metadata\":"
         "{\"labels\":{\"app\":\"student-1\"}},\"spec\":{\"containers\":[{\"name\":\"app\","
         "\"image\":\"registry.hydrosim.edu/a:v2\",\"ports\":[{\"containerPort\":8000}],"
         "\"env\":[{\"name\":\"A\",\"value\":\"b\"},{\"name\":\"EMPTY\"}]}]}}}}");
    same(deploy_make_service(&arena, &spec, "hydrosim-students", made, NULL),
         "{\"apiVersion\":\"v1\",\"kind\":\"Service\"," META ",\"spec\":{\"type\":\"ClusterIP\","
         "\"selector\":{\"app\":\"student-1\"},\"ports\":[{\"port\":80,\"targetPort\":8000}]}}");
    same(deploy_make_ingress(&arena, &spec, "hydrosim-students", "project.hydrosim.edu", NULL),
         "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\"," META
         ",\"spec\":{\"rules\":[{\"host\":\"student-1.project.hydrosim.edu\",\"http\":{\"paths\":["
         "{\"path\":\"/\",\"pathType\":\"Prefix\",\"backend\":{\"service\":{\"name\":\"student-1\","
         "\"port\":{\"number\":80}}}}]}}]}}");
}

TEST(what_a_new_project_is_told_stands_in_it)
{
    begin();
    spec.container = "web";
    spec.port = 9000;
    spec.replicas = 0;
    spec.strategy = "Recreate";
    spec.host = "other.example";
    cJSON *made = make(NULL);
    const struct deploy_marks marks = {"why", "ann;nonce", "op-1"};
    deploy_mark(&arena, made, &marks);
    same(json_path(made, "metadata", "annotations", NULL),
         "{\"kubernetes.io/change-cause\":\"why\",\"proctor.dev/on-behalf-of\":\"ann;nonce\","
         "\"proctor.dev/history-id\":\"op-1\"}");
    CHECK(deploy_is_marked(made, "op-1") && !deploy_is_marked(made, "op-2"));
    CHECK(!deploy_is_marked(NULL, "op-1"));
    same(json_path(made, "spec", "strategy", NULL), "{\"type\":\"Recreate\"}");
    same(json_path(made, "spec", "replicas", NULL), "0");
    const cJSON *container = json_path(made, "spec", "template", "spec", "containers", NULL)->child;
    CHECK_STRING(json_get_string(container, "name"), "web");
    same(json_get(container, "ports"), "[{\"containerPort\":9000}]");
    same(json_path(deploy_make_service(&arena, &spec, "n", made, NULL), "spec", "ports", NULL),
         "[{\"port\":80,\"targetPort\":9000}]");
    cJSON *ingress = deploy_make_ingress(&arena, &spec, "n", "d", NULL);
    CHECK_STRING(json_get_string(json_path(ingress, "spec", "rules", NULL)->child, "host"),
                 "other.example");
}

/* ---- what is there ------------------------------------------------------------------------ */

/* With much that a deploy is not told about. */
#define LIVE(containers, more)                                                                     \
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"student-1\","    \
    "\"uid\":\"u-1\",\"generation\":4,\"resourceVersion\":\"99\",\"labels\":{\"app\":"             \
    "\"student-1\",\"mine\":\"x\"}},\"spec\":{\"replicas\":3," more                                \
    "\"selector\":{\"matchLabels\":{\"app\":\"student-1\"}},\"template\":{\"metadata\":"           \
    "{\"creationTimestamp\":null,\"labels\":{\"app\":\"student-1\"}},\"spec\":{\"containers\":"    \
    "[" containers                                                                                 \
    "],\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}},\"status\":{\"replicas\":3}}"
#define ONE(image)                                                                                 \
    "{\"name\":\"program\",\"image\":\"" image "\",\"ports\":[{\"containerPort\":8000,"            \
    "\"protocol\":\"TCP\"}],\"readinessProbe\":{\"tcpSocket\":{\"port\":8000}},"                   \
    "\"livenessProbe\":{\"httpGet\":{\"port\":9,\"path\":\"/\"}},\"env\":["                        \
    "{\"name\":\"A\",\"value\":\"a\"},{\"name\":\"DB_HOST\",\"value\":\"db\"},"                    \
    "{\"name\":\"S\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}]}"
#define FENCE                                                                                      \
    "{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u-1\"},"                              \
    "{\"op\":\"test\",\"path\":\"/metadata/generation\",\"value\":4}"
#define C0 "/spec/template/spec/containers/0"

/* The patch of what is there; and applied it makes what was wanted. */
static cJSON *patch_of(const cJSON *live)
{
    cJSON *wanted = make(live);
    if (wanted == NULL)
        TEST_FAIL("refused: %s", text_of(causes));
    cJSON *patch = deploy_patch(&arena, DEPLOY_DEPLOYMENT, live, wanted);
    cJSON *applied = json_dup(&arena, live);
    CHECK_INT(patch_apply(&arena, &applied, patch, &err), 0);
    if (!json_equal(applied, wanted))
        TEST_FAIL("the patch %s makes %s", text_of(patch), text_of(applied));
    return patch;
}

TEST(only_what_differs_is_patched)
{
    begin();
    const cJSON *live = json(LIVE(ONE("registry.hydrosim.edu/a:v1"), ""));
    same(patch_of(live), "[" FENCE ",{\"op\":\"replace\",\"path\":\"" C0
                         "/image\",\"value\":\"registry.hydrosim.edu/a:v2\"}]");
    same(patch_of(json(LIVE(ONE("registry.hydrosim.edu/a:v2"), ""))), "[]");
}

TEST(variables_are_merged_by_name_or_replaced)
{
    static const struct deploy_env env[] = {
        {"A", "new"}, {"S", "plain"}, {"B", "b"}, {"DB_HOST", NULL}, {"NONE", NULL}};
    begin();
    const cJSON *live = json(LIVE(ONE("registry.hydrosim.edu/a:v2"), ""));
    spec.env = env;
    spec.env_count = 1;
    same(patch_of(live),
         "[" FENCE ",{\"op\":\"replace\",\"path\":\"" C0 "/env/0/value\",\"value\":\"new\"}]");
    spec.env_count = 5;
    cJSON *made = make(live);
    same(json_get(json_path(made, "spec", "template", "spec", "containers", NULL)->child, "env"),
         "[{\"name\":\"A\",\"value\":\"new\"},{\"name\":\"S\",\"value\":\"plain\"},"
         "{\"name\":\"B\",\"value\":\"b\"}]");
    spec.env_count = 1;
    spec.env_replace = true;
    same(patch_of(live), "[" FENCE ",{\"op\":\"replace\",\"path\":\"" C0
                         "/env\",\"value\":[{\"name\":\"A\",\"value\":\"new\"}]}]");
    spec.env_count = 0;
    same(patch_of(live), "[" FENCE ",{\"op\":\"remove\",\"path\":\"" C0 "/env\"}]");
}

TEST(a_variable_that_is_there_twice_is_there_once)
{
    static const struct deploy_env env[] = {{"A", "x"}, {"E", ""}};
    begin();
    spec.env = env;
    spec.env_count = 2;
    const cJSON *live = json(
        LIVE("{\"name\":\"p\",\"image\":\"registry.hydrosim.edu/a:v2\",\"env\":["
             "{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"E\"},{\"name\":\"A\",\"value\":\"2\"}]}",
             ""));
    same(json_get(json_path(make(live), "spec", "template", "spec", "containers", NULL)->child,
                  "env"),
         "[{\"name\":\"A\",\"value\":\"x\"},{\"name\":\"E\"}]");
    patch_of(live);
}

TEST(probes_go_with_the_port_that_they_asked)
{
    begin();
    spec.port = 8080;
    same(patch_of(json(LIVE(ONE("registry.hydrosim.edu/a:v2"), ""))),
         "[" FENCE ",{\"op\":\"replace\",\"path\":\"" C0
         "/ports/0/containerPort\",\"value\":8080},{\"op\":\"replace\",\"path\":\"" C0
         "/readinessProbe/tcpSocket/port\",\"value\":8080}]");
    spec.port = 8000;
    same(patch_of(json(LIVE(ONE("registry.hydrosim.edu/a:v2"), ""))), "[]");
}

TEST(strategy_and_replicas_stay_unless_they_are_told)
{
    begin();
    const cJSON *live = json(LIVE(ONE("registry.hydrosim.edu/a:v2"),
                                  "\"strategy\":{\"type\":\"RollingUpdate\",\"rollingUpdate\":"
                                  "{\"maxSurge\":1}},"));
    spec.strategy = "RollingUpdate";
    same(patch_of(live), "[]");
    spec.strategy = "Recreate";
    spec.replicas = 0;
    same(patch_of(live),
         "[" FENCE ",{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":0},"
         "{\"op\":\"remove\",\"path\":\"/spec/strategy/rollingUpdate\"},"
         "{\"op\":\"replace\",\"path\":\"/spec/strategy/type\",\"value\":\"Recreate\"}]");
}

TEST(of_several_containers_one_is_chosen_or_asked_for)
{
    begin();
#define TWO(a, b)                                                                                  \
    LIVE("{\"name\":\"" a "\",\"image\":\"a:v1\"},{\"name\":\"" b "\",\"image\":\"a:v1\"}", "")
#define PATH(i) "/spec/template/spec/containers/" i "/image"
    const char *image = "registry.hydrosim.edu/a:v2";
    CHECK_STRING(
        json_get_string(
            pointer_get(make(json(TWO("x", "app"))), "/spec/template/spec/containers/1"), "image"),
        image);
    CHECK_STRING(json_get_string(pointer_get(make(json(TWO("student-1", "x"))),
                                             "/spec/template/spec/containers/0"),
                                 "image"),
                 image);
    CHECK(make(json(TWO("x", "y"))) == NULL);
    CHECK_STRING(json_get_string(causes->child, "field"), "container");
    CHECK(strstr(json_get_string(causes->child, "message"), "x, y") != NULL);
    spec.container = "y";
    CHECK_STRING(
        json_get_string(pointer_get(make(json(TWO("x", "y"))), "/spec/template/spec/containers/1"),
                        "image"),
        image);
    spec.container = "z";
    CHECK(make(json(TWO("x", "y"))) == NULL);
    CHECK(make(json(TWO("z\\u001b[2J", "y"))) == NULL);
    CHECK(strchr(json_get_string(causes->child->next->next, "message"), 0x1b) == NULL);
}

TEST(an_object_of_any_shape_gives_an_object_or_a_cause)
{
    static const char *const shapes[] = {
        "{}",
        "{\"spec\":null}",
        "{\"spec\":{\"template\":[]}}",
        "{\"spec\":7}",
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[7]}}}}",
        "{\"spec\":{\"template\":{\"spec\":{\"containers\":[null,{}]}}}}",
        ("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"env\":7,"
         "\"ports\":\"x\"}]}}},\"metadata\":[]}"),
        "{\"spec\":{\"selector\":[],\"rules\":{},\"ports\":[7],\"tls\":[{\"hosts\":[7]}]}}"};
    static const struct deploy_env env[] = {{"A", "x"}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        begin();
        spec.env = env;
        spec.env_count = 1;
        spec.port = 9000;
        spec.strategy = "Recreate";
        const cJSON *live = json(shapes[i]);
        cJSON *made = make(live);
        CHECK(made != NULL || causes->child != NULL);
        const struct deploy_marks marks = {"w", "o", "h"};
        if (made != NULL)
            deploy_mark(&arena, made, &marks);
        CHECK(json_is_object(deploy_make_service(&arena, &spec, "n", made, live)));
        CHECK(json_is_object(deploy_make_ingress(&arena, &spec, "n", "d", live)));
    }
}

/* ---- Service and Ingress that are there ---------------------------------------------------- */

static cJSON *service_of(const char *inner)
{
    return deploy_make_service(
        &arena, &spec, "n", json(LIVE(ONE("a:v1"), "")),
        json(arena_printf(&arena,
                          "{\"metadata\":{\"uid\":\"u-1\",\"resourceVersion\":\"5\"},"
                          "\"spec\":%s}",
                          inner)));
}

TEST(a_service_that_fits_stays_as_it_is)
{
    static const char *const fitting[] = {
        "{\"type\":\"ClusterIP\",\"clusterIP\":\"10.0.0.1\",\"selector\":{\"app\":\"student-1\"},"
        "\"ports\":[{\"port\":80,\"targetPort\":8000}]}",
        "{\"selector\":{\"app\":\"student-1\"},\"ports\":[{\"port\":80,\"targetPort\":\"http\"},"
        "{\"port\":81}]}"};
    begin();
    for (size_t i = 0; i < sizeof fitting / sizeof fitting[0]; i++)
        same(json_get(service_of(fitting[i]), "spec"), fitting[i]);
}

TEST(a_service_that_leads_elsewhere_is_led_here)
{
    begin();
    same(json_get(service_of("{\"clusterIP\":\"10.0.0.1\",\"selector\":{\"app\":\"other\"},"
                             "\"ports\":[{\"port\":8080,\"targetPort\":1}]}"),
                  "spec"),
         "{\"clusterIP\":\"10.0.0.1\",\"selector\":{\"app\":\"student-1\"},"
         "\"ports\":[{\"port\":80,\"targetPort\":8000}]}");
    spec.port = 9000;
    const char *was = "{\"selector\":{\"app\":\"student-1\"},"
                      "\"ports\":[{\"port\":80,\"targetPort\":8000}]}";
    cJSON *wanted = service_of(was);
    spec.port = 0;
    same(deploy_patch(&arena, DEPLOY_SERVICE, service_of(was), wanted),
         "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"u-1\"},"
         "{\"op\":\"test\",\"path\":\"/metadata/resourceVersion\",\"value\":\"5\"},"
         "{\"op\":\"replace\",\"path\":\"/spec/ports/0/targetPort\",\"value\":9000}]");
}

#define RULE(host, service)                                                                        \
    "{\"host\":\"" host "\",\"http\":{\"paths\":[{\"path\":\"/\",\"pathType\":\"Prefix\","         \
    "\"backend\":{\"service\":{\"name\":\"" service "\",\"port\":{\"number\":80}}}}]}}"

static void check_ingress(const char *was, const char *is)
{
    const cJSON *live = json(arena_printf(&arena, "{\"spec\":%s}", was));
    same(json_get(deploy_make_ingress(&arena, &spec, "n", "d.example", live), "spec"), is);
}

TEST(an_ingress_keeps_its_hosts_unless_told)
{
    begin();
    check_ingress("{\"rules\":[" RULE("mine", "student-1") "]}",
                  "{\"rules\":[" RULE("mine", "student-1") "]}");
    check_ingress(
        "{\"rules\":[" RULE("x", "other") "]}",
        "{\"rules\":[" RULE("x", "other") "," RULE("student-1.d.example", "student-1") "]}");
    spec.host = "b.example";
    check_ingress(
        "{\"tls\":[{\"hosts\":[\"mine\"]}],\"rules\":[" RULE("mine", "student-1") "]}",
        "{\"tls\":[{\"hosts\":[\"b.example\"]}],\"rules\":[" RULE("b.example", "student-1") "]}");
    check_ingress("{\"rules\":[" RULE("b.example", "student-1") "," RULE("c", "student-1") "]}",
                  "{\"rules\":[" RULE("b.example", "student-1") "," RULE("c", "student-1") "]}");
    check_ingress("{\"rules\":[" RULE("a", "student-1") "," RULE("c", "student-1") "]}",
                  "{\"rules\":[" RULE("a", "student-1") "," RULE("c", "student-1") "," RULE(
                      "b.example", "student-1") "]}");
}

/* ---- the shipped policies ------------------------------------------------------------------ */

static void load_policies(void)
{
    static const char *const paths[] = {"policies", NULL};
    struct diagnostics diagnostics;
    const struct policy_load_options options = {.now = 1795262400};
    diag_init(&diagnostics, &arena);
    if (policies == NULL && policy_load(paths, &options, &diagnostics, &policies, &err) < 0)
        TEST_FAIL("%s", err.text);
}

static struct buf warnings;

/* All three objects of a project that is not there yet, as that caller. */
static void judge_new(const char *user, const char *group)
{
    const char *const groups[] = {group, "system:authenticated", NULL};
    const struct caller caller = {.user = user, .groups = groups};
    load_policies();
    deploy_warnings_begin(&arena, &warnings);
    const struct deploy_question question = {.arena = &arena,
                                             .set = policies,
                                             .now = 1795262400,
                                             .namespace_ = "hydrosim-students",
                                             .caller = &caller,
                                             .spec = &spec,
                                             .causes = causes,
                                             .warnings = &warnings};
    cJSON *made = make(NULL);
    const cJSON *all[] = {
        made, deploy_make_service(&arena, &spec, "hydrosim-students", made, NULL),
        deploy_make_ingress(&arena, &spec, "hydrosim-students", "project.hydrosim.edu", NULL)};
    for (size_t i = 0; i < DEPLOY_KINDS; i++)
        CHECK_INT(deploy_judge(&question, (enum deploy_kind)i, NULL, all[i], &err), 0);
}

static bool has_cause(const char *field, const char *words)
{
    for (const cJSON *cause = causes->child; cause != NULL; cause = cause->next)
        if (strcmp(json_get_string(cause, "field"), field) == 0 &&
            strstr(json_get_string(cause, "message"), words) != NULL)
            return true;
    return false;
}

TEST(the_policies_take_what_a_deploy_makes)
{
    begin();
    judge_new("s1", "students");
    same(causes, "[]");
    CHECK(warnings.length > 0);
}

TEST(the_policies_refuse_all_at_once_and_by_object)
{
    begin();
    spec.image = "docker.io/x/a:latest";
    spec.port = 9000;
    spec.host = "other.project.hydrosim.edu";
    judge_new("s1", "students");
    CHECK(has_cause("spec.template.spec.containers[0].image", "registry.hydrosim.edu"));
    CHECK(has_cause("spec.template.spec.containers[0].image", "latest"));
    CHECK(has_cause("spec.ports[0].targetPort", "Service: "));
    CHECK(has_cause("spec.rules[0].host", "Ingress: "));
}

TEST(whose_a_project_is_counts)
{
    begin();
    judge_new("s2", "students");
    CHECK(has_cause("metadata.name", "student-2"));
    begin();
    judge_new("teacher", "teachers");
    same(causes, "[]");
}

TEST(a_strategy_that_the_policies_would_change_is_refused)
{
    begin();
    spec.strategy = "Recreate";
    judge_new("s1", "students");
    CHECK_INT(json_count(causes), 1);
    CHECK(has_cause("strategy", "do not allow Recreate here, only RollingUpdate"));
    CHECK(has_cause("strategy", "The old version serves until"));
    begin();
    spec.strategy = "RollingUpdate";
    judge_new("s1", "students");
    same(causes, "[]");
}

TEST(with_a_volume_of_its_own_recreate_is_allowed)
{
    begin();
    spec.strategy = "Recreate";
    load_policies();
    deploy_warnings_begin(&arena, &warnings);
    const char *const groups[] = {"students", NULL};
    const struct caller caller = {.user = "s1", .groups = groups};
    const struct deploy_question question = {.arena = &arena,
                                             .set = policies,
                                             .now = 1795262400,
                                             .namespace_ = "hydrosim-students",
                                             .caller = &caller,
                                             .spec = &spec,
                                             .causes = causes,
                                             .warnings = &warnings};
    cJSON *made = make(NULL);
    json_add(&arena, json_path(made, "spec", "template", "spec", NULL), "volumes",
             json("[{\"name\":\"v\",\"persistentVolumeClaim\":{\"claimName\":\"student-1\"}}]"));
    CHECK_INT(deploy_judge(&question, DEPLOY_DEPLOYMENT, NULL, made, &err), 0);
    same(causes, "[]");
}

TEST_MAIN
