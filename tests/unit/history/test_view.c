/* The API server's objects as the machine sees them, and a template's identity. */
#include "base/limits.h"
#include "history/view.h"
#include "tests/unit/test.h"

static struct arena arena;

static cJSON *parse(const char *text)
{
    cJSON *root;
    struct err err;
    arena_install_cjson_hooks();
    arena_done(&arena);
    arena_init(&arena, 16 * LIMIT_MIB);
    if (json_parse(&arena, text, strlen(text), &json_limits_review, &root, &err) < 0)
        TEST_FAIL("%s", err.text);
    return root;
}

#define METADATA                                                                                   \
    "'metadata':{'name':'x','namespace':'n','uid':'u','generation':7,'resourceVersion':'9',"       \
    "'annotations':{'deployment.kubernetes.io/revision':'4','proctor.dev/history-id':'h'},"        \
    "'managedFields':[{'manager':'kubectl','time':'2026-11-21T05:00:00Z'},"                        \
    "{'manager':'helm','time':'2026-11-21T06:00:00Z'},"                                            \
    "{'manager':'kube-controller-manager','subresource':'status',"                                 \
    "'time':'2026-11-21T07:00:00Z'}]}"

/* JSON with ' for ". */
static cJSON *parse_quoted(const char *text)
{
    static char buffer[8192];
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < sizeof buffer; i++)
        buffer[i] = text[i] == '\'' ? '"' : text[i];
    buffer[i] = '\0';
    return parse(buffer);
}

static struct view_deployment deployment_of(const char *text)
{
    struct view_deployment view;
    struct err err;
    if (view_deployment(&arena, parse_quoted(text), &view, &err) < 0)
        TEST_FAIL("%s", err.text);
    return view;
}

TEST(a_deployment_is_read)
{
    const struct view_deployment view = deployment_of(
        "{" METADATA ",'spec':{'replicas':3,'paused':true,'progressDeadlineSeconds':600,"
        "'strategy':{'type':'Recreate'},'template':{}},'status':{'observedGeneration':6,"
        "'updatedReplicas':1,'availableReplicas':2,'replicas':4,'readyReplicas':2,'conditions':["
        "{'type':'Progressing','status':'False','reason':'ProgressDeadlineExceeded',"
        "'lastUpdateTime':'2026-11-21T05:00:00Z',"
        "'message':'ReplicaSet \\'x-1\\' has timed out progressing.'},"
        "{'type':'ReplicaFailure','status':'True','message':'exceeded quota'}]}}");
    CHECK_STRING(view.uid, "u");
    CHECK_INT(view.generation, 7);
    CHECK_INT(view.observed_generation, 6);
    CHECK_INT(view.k8s_revision, 4);
    CHECK_INT(view.updated * 1000 + view.available * 100 + view.total * 10 + view.ready, 1242);
    CHECK(view.paused && view.recreate && !view.deleting && view.progressing.is_false);
    CHECK_STRING(view.progressing.names_set, "x-1");
    CHECK_STRING(view.replica_failure, "exceeded quota");
    CHECK_STRING(view.history_id, "h");
    CHECK_STRING(view.manager, "helm");
    CHECK_INT(view.deadline_seconds, 600);
}

TEST(a_message_that_names_the_deployment_names_no_set)
{
    const struct view_deployment view = deployment_of(
        "{" METADATA ",'spec':{'template':{},'progressDeadlineSeconds':2147483647},'status':{"
        "'conditions':[{'type':'Progressing','status':'True',"
        "'message':'Deployment \\'x\\' is progressing.'}]}}");
    CHECK(view.progressing.is_true && view.progressing.names_set == NULL);
    CHECK_INT(view.deadline_seconds, 0);
    CHECK_INT(view.replicas, 1);
}

TEST(what_is_no_object_is_refused)
{
    static const char *const texts[] = {"{}", "{'metadata':{'name':'x','uid':'u'}}",
                                        "{'metadata':{'uid':'u'},'spec':{'template':{}}}",
                                        "{'metadata':{'name':1,'uid':'u'},'spec':{}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct view_deployment deployment;
        struct view_set set;
        struct view_pod pod;
        struct err err;
        CHECK_INT(view_deployment(&arena, parse_quoted(texts[i]), &deployment, &err), -ERR_ANSWER);
        CHECK_INT(view_set(&arena, parse_quoted(texts[i]), &set, &err), -ERR_ANSWER);
        CHECK_INT(view_pod(&arena, parse_quoted(texts[i]), &pod, &err), -ERR_ANSWER);
    }
}

TEST(members_of_another_type_are_absent)
{
    const struct view_deployment view = deployment_of(
        "{'metadata':{'name':'x','uid':'u','generation':'7','annotations':[1],'managedFields':{}},"
        "'spec':{'replicas':'3','paused':1,'template':{},'strategy':[]},"
        "'status':{'conditions':{'a':1},'replicas':null}}");
    CHECK_INT(view.generation, 0);
    CHECK(!view.paused && !view.recreate && !view.progressing.present && view.manager == NULL);
}

TEST(numbers_that_no_api_server_counts_are_absent)
{
    static const char *const wrong[] = {"-1", "9223372036854775807", "1000000000001", "1.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{'metadata':{'name':'x','uid':'u','generation':%s},"
                 "'spec':{'replicas':%s,'template':{}},'status':{'observedGeneration':%s}}",
                 wrong[i], wrong[i], wrong[i]);
        const struct view_deployment view = deployment_of(text);
        CHECK_INT(view.generation, 0);
        CHECK_INT(view.observed_generation, 0);
        CHECK_INT(view.replicas, 1);
    }
}

TEST(a_pod_is_read_init_containers_first)
{
    struct view_pod pod;
    struct err err;
    CHECK(view_pod(
              &arena,
              parse_quoted("{'metadata':{'name':'p','uid':'u','creationTimestamp':"
                           "'2026-11-21T05:00:00Z','ownerReferences':[{'uid':'other'},"
                           "{'uid':'set','controller':true}]},'spec':{'nodeName':'n1'},"
                           "'status':{'phase':'Pending','initContainerStatuses':[{'name':'i',"
                           "'restartCount':2,'state':{'terminated':{'exitCode':3,'reason':'Error',"
                           "'message':'no database','finishedAt':'2026-11-21T05:00:01.5Z'}}}],"
                           "'containerStatuses':[{'name':'c','image':'a:1','imageID':"
                           "'docker.io/library/a@sha256:ab','state':{'waiting':{'reason':"
                           "'ImagePullBackOff','message':'no such image'}}}]}}"),
              &pod, &err) == 0);
    CHECK_STRING(pod.owner_uid, "set");
    CHECK_STRING(pod.node, "n1");
    CHECK_INT(pod.container_count, 2);
    CHECK_STRING(pod.containers[0].last_message, "no database");
    CHECK_INT(pod.containers[0].exit_code, 3);
    CHECK_INT(pod.containers[0].ended_at - pod.created_at, 1500000);
    CHECK_STRING(pod.containers[1].waiting_reason, "ImagePullBackOff");
    CHECK_STRING(pod.containers[1].image_digest, "sha256:ab");
}

static void check_same(const char *a, const char *b, bool same)
{
    static char first[65];
    snprintf(first, sizeof first, "%s", view_template_sha(&arena, parse_quoted(a)));
    if ((strcmp(first, view_template_sha(&arena, parse_quoted(b))) == 0) != same)
        TEST_FAIL("%s and %s are %s", a, b, same ? "different" : "the same");
}

TEST(a_template_is_known_by_its_content)
{
    check_same("{'a':1,'b':2}", "{'b':2,'a':1}", true);
    check_same("{'a':1,'b':null}", "{'a':1}", true);
    check_same("{'metadata':{'labels':{'app':'x','pod-template-hash':'5d'}}}",
               "{'metadata':{'labels':{'app':'x'}}}", true);
    check_same("{'metadata':{'labels':{'pod-template-hash':'5d'}}}", "{'metadata':{}}", true);
    check_same("{'metadata':{'annotations':{'pod-template-hash':'5d'}}}",
               "{'metadata':{'annotations':{}}}", false);
    check_same("{'a':[1,2]}", "{'a':[2,1]}", false);
    check_same("{'a':'1'}", "{'a':1}", false);
    check_same("{'a':{}}", "{}", false);
}

static void check_kind(const char *before, const char *after, const char *kind)
{
    static char whole[4096];
    snprintf(whole, sizeof whole, "{'before':%s,'after':%s}", before, after);
    const cJSON *root = parse_quoted(whole);
    CHECK_STRING(view_change_kind(json_get(root, "before"), json_get(root, "after")), kind);
}

#define TEMPLATE(annotations, container, more)                                                     \
    "{'metadata':{'annotations':{" annotations "},'labels':{'app':'x'}},'spec':{'containers':"     \
    "[{'name':'c'" container "}]" more "}}"

TEST(kinds_of_changes)
{
    const char *const before = TEMPLATE("", ",'image':'a:1'", "");
    check_kind(before, TEMPLATE("", ",'image':'a:2'", ""), "image");
    check_kind(before, TEMPLATE("", ",'image':'a:1','env':[{'name':'A'}]", ""), "env");
    check_kind(before, TEMPLATE("", ",'image':'a:1'", ",'volumes':[{'name':'v'}]"), "config");
    check_kind(before, TEMPLATE("'kubectl.kubernetes.io/restartedAt':'t'", ",'image':'a:1'", ""),
               "restart");
    check_kind(before, TEMPLATE("'proctor.dev/x':'t'", ",'image':'a:1'", ""), "policy");
    check_kind(before, TEMPLATE("'proctor.dev/x':'t'", ",'image':'a:2'", ""), "image");
    check_kind(before, TEMPLATE("", ",'image':'a:2','env':[{'name':'A'}]", ""), "other");
    check_kind(before, TEMPLATE("", ",'image':'a:1','command':['x']", ""), "other");
}

TEST(the_new_set_is_the_oldest_of_equal_template_and_of_this_owner)
{
    const struct view_deployment deployment = {.uid = "u", .template_sha = "t"};
    const struct view_set sets[] = {
        {.name = "c", .owner_uid = "u", .template_sha = "t", .created_at = 5},
        {.name = "b", .owner_uid = "u", .template_sha = "t", .created_at = 3},
        {.name = "a", .owner_uid = "u", .template_sha = "t", .created_at = 3},
        {.name = "d", .owner_uid = "other", .template_sha = "t", .created_at = 1},
        {.name = "e", .owner_uid = NULL, .template_sha = "t", .created_at = 1},
        {.name = "f", .owner_uid = "u", .template_sha = "other", .created_at = 1}};
    const struct project_view view = {.deployment = &deployment, .sets = sets, .set_count = 6};
    CHECK_STRING(view_new_set(&view)->name, "a");
    const struct project_view none = {.deployment = &deployment, .sets = sets + 3, .set_count = 3};
    CHECK(view_new_set(&none) == NULL);
}

TEST_MAIN
