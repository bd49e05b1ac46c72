/* Where the rules of a set reach: the resources that it speaks of, and on which of them, and when,
 * a rule can act at all.
 *
 * A policy for "*" tells its rules apart by conditions on the request (`$request.resource.resource
 * equals pods`).  Those that a resource and an operation alone decide are decided here, by the
 * engine's own conditions on a request that holds nothing else; what hangs on the object or on who
 * asks stays open.
 */
#ifndef PROCTOR_CLI_REACH_H
#define PROCTOR_CLI_REACH_H

#include "policy/set.h"

struct reach_resource {
    const char *text; /* "deployments.apps/scale"; "anything else" for `rest` */
    const char *group, *resource, *subresource;
    const struct schema_kind *kind; /* NULL: none is known */
    bool rest;                      /* stands for all that is not listed, where "*" is matched */
};

struct reach {
    struct reach_resource *items;
    size_t count;
};

/* All that the set's policies name, and where one matches everything all that the schema knows and
 * the rest. */
struct reach reach_of(struct arena *arena, const struct policy_set *set);

/* The operations on which the rule can act on the resource; 0: it never does. */
unsigned reach_operations(struct arena *arena, const struct rule *rule,
                          const struct reach_resource *resource);

/* Whether the condition hangs on resource and operation alone. */
bool reach_decides(const struct condition *condition);

/* Whether a list of resources ("*", "pods", "deployments.apps/scale") holds it. */
bool reach_fits(policy_strings resources, const struct reach_resource *resource);

/* The resource without subresource that somebody calls "deployment", "Deployments", "deploy" or
 * "deployments.apps"; NULL: none.  *ret_near is then what may have been meant, or NULL. */
const struct reach_resource *reach_find(const struct reach *reach, const char *name,
                                        const char **ret_near);

#endif
