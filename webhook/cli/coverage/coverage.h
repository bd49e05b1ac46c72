/* The bypass matrix: which requests lead to a running pod or to traffic that is not one's own, and
 * what closes each of them.
 *
 *   coverage_ways (requests that do harm) x RBAC x webhook configurations x policies -> findings
 *
 * A way is closed by the Roles, if none of its verbs is allowed; or by rules, if the API server
 * asks the webhook and the engine itself, asked with that very request, refuses it or changes the
 * harm away.  Anything else is a hole.  What cannot be decided (a matchCondition in other words
 * than `proctor export match-conditions` writes, an objectSelector, failurePolicy Ignore) counts
 * as not asked.
 *
 * The requests are changes of objects that the policies accept as they are; coverage_check shows
 * that they do, since otherwise everything would look closed.
 */
#ifndef PROCTOR_CLI_COVERAGE_H
#define PROCTOR_CLI_COVERAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/input.h"
#include "policy/set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COVERAGE_CHANGES_MAX 4
#define COVERAGE_RULES_MAX   24
#define COVERAGE_REASONS_MAX 2

struct coverage_change {
    const char *pointer; /* JSON Pointer in the object */
    const char *value;   /* JSON; NULL: taken away */
};

/* One request that does harm.  In its texts $ME is a project of the user's own, $THEM another. */
struct coverage_way {
    const char *gain;     /* "a pod in the node's network" */
    const char *resource; /* "deployments.apps" */
    const char *subresource;
    unsigned operations; /* enum operation; 0: no admission is asked, only `verbs` counts */
    const char *object;  /* JSON; NULL: the resource's own */
    struct coverage_change changes[COVERAGE_CHANGES_MAX]; /* UPDATE: what is new; ends with NULL */
    const char *options;                                  /* of DELETE, JSON */
    const char *verbs;      /* RBAC's, with commas; NULL: those of the operation */
    const char *name_space; /* NULL: the one asked about */
    bool theirs;            /* the object is another project's */
    bool cluster;           /* cluster-scoped */
};
extern const struct coverage_way coverage_ways[];
extern const size_t coverage_way_count;

/* An object of the resource that the policies should accept, as JSON; NULL: none is known. */
const char *coverage_object(const char *resource);

/* What was read, and who asks. */
struct coverage_input {
    struct arena *arena;
    const char *user;
    const char **groups; /* ends with NULL; without system:authenticated */
    const char *name_space;
    const char *project, *other;
    bool for_others; /* the user may touch every project */
    const struct policy_set *set;
    int64_t now;
    cJSON *roles;    /* array: Role and ClusterRole */
    cJSON *bindings; /* array: RoleBinding and ClusterRoleBinding */
    cJSON *hooks;    /* array: webhook configurations */
    cJSON *spaces;   /* array: Namespace */
};

/* Shows `visitor` what coverage is about in the cluster that the flags name (live.h): Roles,
 * bindings, webhook configurations, Namespaces.  A list that cannot be read is a problem. */
void coverage_live(const struct cli *cli, const struct input_visitor *visitor);

/* What a binding gives the user. */
struct coverage_grant {
    struct coverage_grant *next;
    const char *name_space; /* NULL: everywhere */
    const char *role;       /* "Role student-project-manager" */
    const cJSON *rule;
};

/* The user's grants, NULL if there are none; each binding whose role is not there, or is put
 * together by the cluster (aggregationRule), is told to `missing`. */
struct coverage_grant *coverage_grants(const struct coverage_input *input,
                                       void (*missing)(void *context, const char *text),
                                       void *context);

/* The first grant that allows the verb; NULL: none.  `name_space` NULL: cluster-scoped. */
const struct coverage_grant *coverage_allows(const struct coverage_grant *grants,
                                             const char *name_space, const char *resource,
                                             const char *subresource, const char *verb);

/* What the API server would ask, as far as the configurations say. */
struct coverage_asked {
    bool mutate, validate;
    const char *why_not; /* of validate, if it is not asked */
};
struct coverage_request {
    const char *resource, *subresource, *version, *operation;
    const char *name_space; /* NULL: cluster-scoped */
};
struct coverage_asked coverage_asks(const struct coverage_input *input,
                                    const struct coverage_request *request);

enum coverage_state { COVERAGE_BY_ROLE, COVERAGE_BY_RULE, COVERAGE_HOLE, COVERAGE_STATES };
extern const char *const coverage_state_names[];

/* One way by one operation in one namespace. */
struct coverage_finding {
    struct coverage_finding *next;
    const struct coverage_way *way;
    const char *gain;
    const char *name_space;
    const char *operation; /* "CREATE"; "" if no admission is asked */
    const char *verbs[8];  /* RBAC's that lead there; ends with NULL */
    bool allowed[8];
    enum coverage_state state;
    const char *role; /* that allows it; NULL if none does */
    const char *rules[COVERAGE_RULES_MAX +
                      1]; /* that close it, or would if a Role allowed it; ends with NULL */
    const char *why;      /* of a hole */
    const char *command;  /* of a hole: would use it */
};

/* All ways, in the table's order, then a row for every kind that a Role names and the table does
 * not.  ERR_*: a way could not be judged (its words are in *reterr); nothing was returned. */
NODISCARD int coverage_find(const struct coverage_input *input, const struct coverage_grant *grants,
                            struct coverage_finding **ret_findings, struct err *reterr);

/* Whether the policies accept the objects that the ways are changes of.  ERR_USAGE names the
 * first that they do not, and what they say. */
NODISCARD int coverage_check(const struct coverage_input *input, struct err *reterr);

#endif
