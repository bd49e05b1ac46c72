#include "cli/live/live.h"

#include "cli/explain/reach.h"

#include <string.h>

#define ACCOUNT "system:serviceaccount:kube-system:"

int live_connect(const struct cli *cli, struct arena *arena, struct kube_client **ret_client,
                 struct err *reterr)
{
    const struct kube_config *config;
    const struct kubeconfig_choice choice = {.path = cli_flag_string(cli, "kubeconfig"),
                                             .context = cli_flag_string(cli, "context")};
    const struct client_options options = {0};
    const int r = kubeconfig_load(arena, &choice, &config, reterr);
    return r < 0 ? r : client_new(config, &options, ret_client, reterr);
}

static struct live_kind of_schema(const struct schema_kind *kind)
{
    return (struct live_kind){kind->group, kind->version, kind->resource, kind->kind,
                              kind->namespaced};
}

static bool is_spoken_of(const struct reach *reach, const struct schema_kind *kind)
{
    for (size_t i = 0; i < reach->count; i++)
        if (reach->items[i].kind == kind && *reach->items[i].subresource == '\0')
            return true;
    return false;
}

struct live_kinds live_kinds_known(struct arena *arena, const struct policy_set *const *sets)
{
    struct live_kinds kinds = {.items = arena_array(arena, schema_kind_count, sizeof *kinds.items)};
    bool *wanted = arena_array(arena, schema_kind_count, sizeof *wanted);
    for (size_t set = 0; sets[set] != NULL; set++) {
        const struct reach reach = reach_of(arena, sets[set]);
        for (size_t i = 0; i < schema_kind_count; i++)
            wanted[i] |=
                *schema_kinds[i].resource != '\0' && is_spoken_of(&reach, &schema_kinds[i]);
    }
    for (size_t i = 0; i < schema_kind_count; i++)
        if (wanted[i])
            kinds.items[kinds.count++] = of_schema(&schema_kinds[i]);
    return kinds;
}

const char *live_resource(struct arena *arena, const struct live_kind *kind)
{
    return *kind->group == '\0' ? kind->resource
                                : arena_printf(arena, "%s.%s", kind->resource, kind->group);
}

/* ---- lists -------------------------------------------------------------------------------- */

static const char *path_of(struct arena *arena, const struct live_kind *kind,
                           const char *name_space)
{
    const char *root = *kind->group != '\0'
                           ? client_path(arena, "/apis/%s/%s", kind->group, kind->version)
                           : client_path(arena, "/api/%s", kind->version);
    return name_space != NULL
               ? arena_printf(arena, "%s%s", root,
                              client_path(arena, "/namespaces/%s/%s", name_space, kind->resource))
               : arena_printf(arena, "%s%s", root, client_path(arena, "/%s", kind->resource));
}

int live_list(struct kube_client *client, struct arena *arena, const struct live_kind *kind,
              const char *name_space, cJSON **ret_items, struct err *reterr)
{
    return client_list(client, arena, path_of(arena, kind, name_space), ret_items, reterr);
}

/* ---- who made it -------------------------------------------------------------------------- */

static const cJSON *controller_of(const cJSON *object)
{
    const cJSON *owner, *owners = json_path(object, "metadata", "ownerReferences", NULL);
    cJSON_ArrayForEach(owner, owners)
    {
        if (json_is_true(json_get(owner, "controller")))
            return owner;
    }
    return NULL;
}

bool live_is_made(const cJSON *object)
{
    return controller_of(object) != NULL;
}

/* k8s.io/kubernetes/pkg/controller and cmd/kube-controller-manager/app: who makes what of whose. */
static const struct maker {
    const char *group, *resource;
    const char *owner_group, *owner; /* NULL: of nobody, by its name */
    const char *name;                /* NULL: any */
    const char *account;
    const char *minds; /* what its label says whose it is; NULL: the owner is enough */
} makers[] = {
    {"apps", "replicasets", "apps", "Deployment", NULL, ACCOUNT "deployment-controller", NULL},
    {"", "pods", "apps", "ReplicaSet", NULL, ACCOUNT "replicaset-controller", NULL},
    {"", "pods", "apps", "StatefulSet", NULL, ACCOUNT "statefulset-controller", NULL},
    {"", "pods", "apps", "DaemonSet", NULL, ACCOUNT "daemon-set-controller", NULL},
    {"", "pods", "", "ReplicationController", NULL, ACCOUNT "replication-controller", NULL},
    {"", "pods", "batch", "Job", NULL, ACCOUNT "job-controller", NULL},
    {"batch", "jobs", "batch", "CronJob", NULL, ACCOUNT "cronjob-controller", NULL},
    {"apps", "controllerrevisions", "apps", "StatefulSet", NULL, ACCOUNT "statefulset-controller",
     NULL},
    {"apps", "controllerrevisions", "apps", "DaemonSet", NULL, ACCOUNT "daemon-set-controller",
     NULL},
    {"resource.k8s.io", "resourceclaims", "", "Pod", NULL, ACCOUNT "resource-claim-controller",
     NULL},
    {"discovery.k8s.io", "endpointslices", "", "Service", NULL, ACCOUNT "endpointslice-controller",
     "endpointslice-controller.k8s.io"},
    {"discovery.k8s.io", "endpointslices", "", "Endpoints", NULL,
     ACCOUNT "endpointslicemirroring-controller", "endpointslicemirroring-controller.k8s.io"},
    {"", "configmaps", NULL, NULL, "kube-root-ca.crt", ACCOUNT "root-ca-cert-publisher", NULL},
    {"", "serviceaccounts", NULL, NULL, "default", ACCOUNT "service-account-controller", NULL},
};

static bool text_is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool is_owned_by(const cJSON *owner, const char *group, const char *kind)
{
    const char *version = json_get_string(owner, "apiVersion");
    const size_t length = strlen(group);
    if (version == NULL || !text_is(json_get_string(owner, "kind"), kind))
        return false;
    return length == 0 ? strchr(version, '/') == NULL
                       : strncmp(version, group, length) == 0 && version[length] == '/';
}

/* kube-proxy follows every slice that names a Service, its controller minds only those with its own
 * label: others are somebody's. */
static bool is_minded(const struct maker *maker, const cJSON *object)
{
    const cJSON *labels = json_path(object, "metadata", "labels", NULL);
    return maker->minds == NULL ||
           text_is(json_get_string(labels, "endpointslice.kubernetes.io/managed-by"), maker->minds);
}

const char *live_maker(const struct live_kind *kind, const cJSON *object)
{
    const cJSON *owner = controller_of(object);
    const char *name = json_string(json_path(object, "metadata", "name", NULL));
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        const struct maker *maker = &makers[i];
        if (strcmp(kind->group, maker->group) != 0 || strcmp(kind->resource, maker->resource) != 0)
            continue;
        if (maker->owner != NULL
                ? owner != NULL && is_owned_by(owner, maker->owner_group, maker->owner) &&
                      is_minded(maker, object)
                : owner == NULL && text_is(name, maker->name))
            return maker->account;
    }
    return NULL;
}

/* ---- as it was sent ----------------------------------------------------------------------- */

static void drop(cJSON *object, const char *key)
{
    cJSON *member = object != NULL ? json_find(object, key) : NULL;
    if (member != NULL)
        json_unlink(object, member);
}

/* What the garbage collector puts there while it deletes what belongs to the object. */
static void drop_collectors(cJSON *metadata)
{
    cJSON *next, *finalizers = json_get(metadata, "finalizers");
    if (json_get(metadata, "deletionTimestamp") == NULL || !json_is_array(finalizers))
        return;
    for (cJSON *item = finalizers->child; item != NULL; item = next) {
        next = item->next;
        if (text_is(json_string(item), "foregroundDeletion") ||
            text_is(json_string(item), "orphan"))
            json_unlink(finalizers, item);
    }
    if (finalizers->child == NULL)
        drop(metadata, "finalizers");
}

void live_clean(struct arena *arena, const struct live_kind *kind, cJSON *object)
{
    static const char *const written[] = {"uid",
                                          "resourceVersion",
                                          "generation",
                                          "selfLink",
                                          "creationTimestamp",
                                          "managedFields",
                                          "deletionTimestamp",
                                          "deletionGracePeriodSeconds"};
    cJSON *metadata = json_get(object, "metadata");
    drop_collectors(metadata);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        drop(metadata, written[i]);
    if (live_is_made(object) && *kind->group == '\0' && strcmp(kind->resource, "pods") == 0)
        drop(json_get(object, "spec"), "nodeName");
    drop(object, "status");
    drop(object, "apiVersion");
    drop(object, "kind");
    json_add(arena, object, "apiVersion",
             json_new_string(arena, *kind->group != '\0'
                                        ? arena_printf(arena, "%s/%s", kind->group, kind->version)
                                        : kind->version));
    json_add(arena, object, "kind", json_new_string(arena, kind->kind));
}
