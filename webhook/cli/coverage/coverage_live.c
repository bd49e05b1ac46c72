/* What `proctor coverage` looks at, read from a cluster. */
#include "base/limits.h"
#include "cli/coverage/coverage.h"
#include "cli/live/live.h"

#define LIST_BYTES (512 * LIMIT_MIB)

static const struct live_kind kinds[] = {
    {"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false},
    {"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false},
    {"rbac.authorization.k8s.io", "v1", "roles", "Role", true},
    {"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true},
    {"admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations",
     "MutatingWebhookConfiguration", false},
    {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations",
     "ValidatingWebhookConfiguration", false},
    {"", "v1", "namespaces", "Namespace", false},
};

static void tell(const struct input_visitor *visitor, const char *what, const char *text)
{
    const struct input_problem problem = {.file = what, .text = text};
    visitor->problem(visitor->context, &problem);
}

static void show(struct arena *arena, const struct live_kind *kind, cJSON *items,
                 const struct input_visitor *visitor)
{
    cJSON *next;
    for (cJSON *object = items->child; object != NULL; object = next) {
        const struct input_item item = {.file = "cluster", .object = object};
        next = object->next;
        json_add(arena, object, "kind", json_new_string(arena, kind->kind));
        visitor->object(visitor->context, arena, &item);
    }
}

void coverage_live(const struct cli *cli, const struct input_visitor *visitor)
{
    struct arena arena;
    struct kube_client *client = NULL;
    struct err err;
    arena_init(&arena, LIST_BYTES);
    struct arena *before = arena_use(&arena);
    int r = live_connect(cli, &arena, &client, &err);
    if (r < 0)
        tell(visitor, "cluster", err.text);
    for (size_t i = 0;
         r != -(int)ERR_UNREACHABLE && client != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        cJSON *items;
        r = live_list(client, &arena, &kinds[i], NULL, &items, &err);
        if (r == 0)
            show(&arena, &kinds[i], items, visitor);
        else
            tell(visitor, kinds[i].resource, err.text);
    }
    client_free(client);
    arena_use(before);
    arena_done(&arena);
}
