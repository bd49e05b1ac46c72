/* What stands in a cluster, as it was sent, and by whom. */
#include "base/limits.h"
#include "cli/live/live.h"
#include "tests/unit/test.h"

#define CONTROLLER "system:serviceaccount:kube-system:"

static struct arena arena;

static void begin(void)
{
    if (arena.cap_bytes > 0)
        return;
    arena_install_cjson_hooks();
    arena_init(&arena, 64 * LIMIT_MIB);
    arena_use(&arena);
}

static cJSON *parse(const char *text)
{
    cJSON *object = NULL;
    struct err err;
    CHECK_INT(json_parse(&arena, text, strlen(text), &json_limits_review, &object, &err), 0);
    return object;
}

static const struct live_kind pods = {"", "v1", "pods", "Pod", true};
static const struct live_kind slices = {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice",
                                        true};

static cJSON *owned(const char *version, const char *kind, const char *controller)
{
    return parse(arena_printf(&arena,
                              "{\"metadata\":{\"name\":\"x\",\"ownerReferences\":[{"
                              "\"apiVersion\":\"%s\",\"kind\":\"%s\",\"controller\":%s}]}}",
                              version, kind, controller));
}

static const char *maker(const struct live_kind *kind, const cJSON *object)
{
    const char *account = live_maker(kind, object);
    return account != NULL ? account : "somebody";
}

TEST(an_object_is_its_controllers)
{
    begin();
    CHECK_STRING(maker(&pods, owned("apps/v1", "ReplicaSet", "true")),
                 CONTROLLER "replicaset-controller");
    CHECK_STRING(maker(&pods, owned("v1", "ReplicationController", "true")),
                 CONTROLLER "replication-controller");
    CHECK_STRING(maker(&pods, owned("batch/v1", "Job", "true")), CONTROLLER "job-controller");
    CHECK_STRING(maker(&pods, owned("apps/v1", "ReplicaSet", "false")), "somebody");
    CHECK_STRING(maker(&pods, owned("apps/v1", "Deployment", "true")), "somebody");
    CHECK_STRING(maker(&pods, owned("appsx/v1", "ReplicaSet", "true")), "somebody");
    CHECK_STRING(maker(&pods, owned("v1", "ReplicaSet", "true")), "somebody");
    CHECK_STRING(maker(&pods, owned("apps/v1", "ReplicationController", "true")), "somebody");
    CHECK_STRING(maker(&pods, parse("{\"metadata\":{\"name\":\"default\"}}")), "somebody");
}

TEST(what_is_in_every_namespace_is_the_clusters)
{
    begin();
    const struct live_kind maps = {"", "v1", "configmaps", "ConfigMap", true};
    const struct live_kind accounts = {"", "v1", "serviceaccounts", "ServiceAccount", true};
    CHECK_STRING(maker(&maps, parse("{\"metadata\":{\"name\":\"kube-root-ca.crt\"}}")),
                 CONTROLLER "root-ca-cert-publisher");
    CHECK_STRING(maker(&maps, parse("{\"metadata\":{\"name\":\"mine\"}}")), "somebody");
    CHECK_STRING(maker(&maps, parse("{}")), "somebody");
    CHECK_STRING(maker(&accounts, parse("{\"metadata\":{\"name\":\"default\"}}")),
                 CONTROLLER "service-account-controller");
}

TEST(a_slice_is_a_controllers_only_by_its_label)
{
    begin();
    cJSON *slice = owned("v1", "Service", "true");
    CHECK_STRING(maker(&slices, slice), "somebody");
    json_add(&arena, json_get(slice, "metadata"), "labels",
             parse("{\"endpointslice.kubernetes.io/managed-by\":"
                   "\"endpointslice-controller.k8s.io\"}"));
    CHECK_STRING(maker(&slices, slice), CONTROLLER "endpointslice-controller");
    cJSON *mirror = owned("v1", "Endpoints", "true");
    json_add(&arena, json_get(mirror, "metadata"), "labels",
             parse("{\"endpointslice.kubernetes.io/managed-by\":"
                   "\"endpointslice-controller.k8s.io\"}"));
    CHECK_STRING(maker(&slices, mirror), "somebody");
}

static const char *cleaned(const struct live_kind *kind, cJSON *object)
{
    struct buf text;
    live_clean(&arena, kind, object);
    buf_init(&text, &arena, LIMIT_MIB);
    json_write(&text, object);
    return text.data;
}

TEST(an_object_as_it_was_sent)
{
    begin();
    const struct live_kind things = {"example.com", "v2", "things", "Thing", false};
    CHECK_STRING(cleaned(&things, parse("{\"metadata\":{\"name\":\"a\",\"uid\":\"1\","
                                        "\"resourceVersion\":\"2\",\"generation\":3,"
                                        "\"selfLink\":\"4\",\"creationTimestamp\":\"5\","
                                        "\"managedFields\":[],\"finalizers\":[\"f\"]},"
                                        "\"spec\":{},\"status\":{}}")),
                 "{\"metadata\":{\"name\":\"a\",\"finalizers\":[\"f\"]},\"spec\":{},"
                 "\"apiVersion\":\"example.com/v2\",\"kind\":\"Thing\"}");
    CHECK_STRING(cleaned(&pods, parse("{\"metadata\":{\"deletionTimestamp\":\"1\","
                                      "\"finalizers\":[\"foregroundDeletion\",\"mine\"]}}")),
                 "{\"metadata\":{\"finalizers\":[\"mine\"]},\"apiVersion\":\"v1\","
                 "\"kind\":\"Pod\"}");
    CHECK_STRING(cleaned(&pods, parse("{\"metadata\":{\"deletionTimestamp\":\"1\","
                                      "\"finalizers\":[\"orphan\"]}}")),
                 "{\"metadata\":{},\"apiVersion\":\"v1\",\"kind\":\"Pod\"}");
    CHECK_STRING(cleaned(&pods, parse("{\"metadata\":{\"finalizers\":[\"orphan\"]}}")),
                 "{\"metadata\":{\"finalizers\":[\"orphan\"]},\"apiVersion\":\"v1\","
                 "\"kind\":\"Pod\"}");
    CHECK_STRING(cleaned(&pods, parse("{\"kind\":\"Other\",\"spec\":{\"nodeName\":\"n\"}}")),
                 "{\"spec\":{\"nodeName\":\"n\"},\"apiVersion\":\"v1\",\"kind\":\"Pod\"}");
    cJSON *made = owned("apps/v1", "ReplicaSet", "true");
    json_add(&arena, made, "spec", parse("{\"nodeName\":\"n\"}"));
    cleaned(&pods, made);
    CHECK(json_get(json_get(made, "spec"), "nodeName") == NULL);
    CHECK_STRING(live_resource(&arena, &pods), "pods");
    CHECK_STRING(live_resource(&arena, &things), "things.example.com");
}

TEST_MAIN
