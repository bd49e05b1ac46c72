/* The objects of a cluster for commands that judge them: which kinds there are to read, their
 * lists, and what an object was as it was sent.
 *
 *   live_kinds_known   what policies speak of, of the kinds that Proctor's schema knows   (diff)
 *   live_kinds_served  what policies speak of, of all that the API server serves          (audit)
 *      -> live_list -> live_clean, live_maker for each object
 *
 * Only GET is sent.
 */
#ifndef PROCTOR_CLI_LIVE_H
#define PROCTOR_CLI_LIVE_H

#include "base/json.h"
#include "cli/cli.h"
#include "client/client.h"
#include "policy/set.h"

/* clang-format off */
#define LIVE_FLAGS                                                                                 \
    {.name = "kubeconfig", .value = "FILE", .help = "as kubectl: else KUBECONFIG and so on"},      \
    {.name = "context", .value = "NAME", .help = "one of the kubeconfig; else its current"}
/* clang-format on */

/* A client for the cluster that LIVE_FLAGS name, to be freed by client_free; the configuration
 * lives in `arena`.  With the rights of whoever the kubeconfig names: --as of these commands says
 * whom the policies see.  Errors are kubeconfig_load's and client_new's. */
NODISCARD int live_connect(const struct cli *cli, struct arena *arena,
                           struct kube_client **ret_client, struct err *reterr);

struct live_kind {
    const char *group, *version, *resource, *kind;
    bool namespaced;
};

struct live_kinds {
    struct live_kind *items;
    size_t count;
};

/* Whom live_kinds_served tells what it could not find out; both texts live until the call returns.
 */
struct live_visitor {
    void *context;
    void (*problem)(void *context, const char *what, const char *text);
};

/* Of the schema's kinds those that one of the sets (ends with NULL) speaks of; lives in `arena`. */
struct live_kinds live_kinds_known(struct arena *arena, const struct policy_set *const *sets);

/* Of the kinds that the API server serves, can list and lets somebody make those that the set
 * speaks of, each once: in the schema's version where that is served.  A resource that a policy
 * names and that is not served is told, and so is a group whose kinds cannot be found out.  ERR_*,
 * as client_get: nothing is known at all. */
NODISCARD int live_kinds_served(struct kube_client *client, struct arena *arena,
                                const struct policy_set *set, const struct live_visitor *visitor,
                                struct live_kinds *ret_kinds, struct err *reterr);

/* "deployments.apps", "pods"; lives in `arena`. */
const char *live_resource(struct arena *arena, const struct live_kind *kind);

/* All objects of the kind, in one namespace or (NULL) everywhere.  Errors are client_list's. */
NODISCARD int live_list(struct kube_client *client, struct arena *arena,
                        const struct live_kind *kind, const char *name_space, cJSON **ret_items,
                        struct err *reterr);

/* Whether some controller made it. */
bool live_is_made(const cJSON *object);

/* The account by which the cluster makes such an object: of what has a controller, and of what it
 * puts into every namespace.  NULL: none is known; somebody sent it.
 *
 * Whoever writes an owner into an object of his own gains nothing by it: the garbage collector
 * deletes what has an owner that is not there, and a controller releases, scales down or deletes
 * what it did not make. */
const char *live_maker(const struct live_kind *kind, const cJSON *object);

/* As it would be sent: without what the API server writes itself, and of a controller's pod the
 * node, which only the scheduler chooses.  An item of a list has no apiVersion and no kind: it gets
 * them. */
void live_clean(struct arena *arena, const struct live_kind *kind, cJSON *object);

#endif
