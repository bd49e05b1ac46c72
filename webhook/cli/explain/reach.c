#include "cli/explain/reach.h"

#include "kube/names.h"
#include "policy/condition.h"
#include "policy/verb.h"

#include <string.h>
#include <strings.h>

/* The operations that an API server has for a subresource (pkg/registry and the generic endpoints'
 * installer): whatever is not listed has all but CONNECT. */
static const struct {
    const char *subresource;
    unsigned operations;
} subresources[] = {
    {"attach", OPERATION_CONNECT},
    {"exec", OPERATION_CONNECT},
    {"portforward", OPERATION_CONNECT},
    {"proxy", OPERATION_CONNECT},
    {"binding", OPERATION_CREATE},
    {"eviction", OPERATION_CREATE},
    {"token", OPERATION_CREATE},
    {"status", OPERATION_UPDATE},
    {"scale", OPERATION_UPDATE},
    {"resize", OPERATION_UPDATE},
    {"finalize", OPERATION_UPDATE},
    {"ephemeralcontainers", OPERATION_UPDATE},
    {"log", 0},
    {"", OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE},
};

/* kubectl's own short names (kubectl api-resources). */
static const char *const short_names[][2] = {
    {"cm", "configmaps"},
    {"cj", "cronjobs"},
    {"deploy", "deployments"},
    {"ds", "daemonsets"},
    {"ep", "endpoints"},
    {"hpa", "horizontalpodautoscalers"},
    {"ing", "ingresses"},
    {"netpol", "networkpolicies"},
    {"ns", "namespaces"},
    {"pdb", "poddisruptionbudgets"},
    {"po", "pods"},
    {"pvc", "persistentvolumeclaims"},
    {"rc", "replicationcontrollers"},
    {"rs", "replicasets"},
    {"sa", "serviceaccounts"},
    {"sts", "statefulsets"},
    {"svc", "services"},
};

/* ---- resources ---------------------------------------------------------------------------- */

static bool matches_all(policy_strings resources)
{
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++)
        if (strcmp(resources[i], "*") == 0)
            return true;
    return resources == NULL;
}

static unsigned has_operations(const struct reach_resource *resource)
{
    if (resource->rest)
        return OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE | OPERATION_CONNECT;
    for (size_t i = 0; i < sizeof subresources / sizeof *subresources; i++)
        if (strcmp(subresources[i].subresource, resource->subresource) == 0)
            return subresources[i].operations;
    return OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE;
}

static void add(struct arena *arena, struct reach *reach, struct reach_resource resource)
{
    for (size_t i = 0; i < reach->count; i++)
        if (strcmp(reach->items[i].text, resource.text) == 0)
            return;
    if (has_operations(&resource) == 0)
        return;
    if ((reach->count & (reach->count - 1)) == 0) { /* at each power of two */
        struct reach_resource *grown = arena_array(arena, reach->count * 2 + 1, sizeof *grown);
        if (reach->count > 0)
            memcpy(grown, reach->items, reach->count * sizeof *grown);
        reach->items = grown;
    }
    reach->items[reach->count++] = resource;
}

static struct reach_resource read_text(struct arena *arena, const char *text)
{
    bool known;
    const struct schema_resource_name name = schema_resource_split(arena, text);
    return (struct reach_resource){
        .text = text,
        .group = name.group,
        .resource = name.resource,
        .subresource = name.subresource,
        .kind = schema_kind_of_resource(name.group, name.resource, name.subresource, &known)};
}

struct reach reach_of(struct arena *arena, const struct policy_set *set)
{
    struct reach reach = {0};
    struct schema_resource_name row;
    bool all = false;
    for (size_t i = 0; i < set->policy_count; i++) {
        policy_strings names = set->policies[i].match.resources;
        all |= matches_all(names);
        for (size_t j = 0; names != NULL && names[j] != NULL; j++)
            if (strcmp(names[j], "*") != 0)
                add(arena, &reach, read_text(arena, names[j]));
    }
    for (size_t i = 0; all && schema_resource_at(i, &row); i++)
        add(arena, &reach,
            read_text(arena, arena_printf(arena, "%s%s%s%s%s", row.resource,
                                          *row.group != '\0' ? "." : "", row.group,
                                          *row.subresource != '\0' ? "/" : "", row.subresource)));
    if (all)
        add(arena, &reach,
            (struct reach_resource){.text = "anything else",
                                    .group = "*",
                                    .resource = "*",
                                    .subresource = "",
                                    .rest = true});
    return reach;
}

bool reach_fits(policy_strings resources, const struct reach_resource *resource)
{
    if (matches_all(resources))
        return true;
    for (size_t i = 0; resources[i] != NULL; i++)
        if (strcmp(resources[i], resource->text) == 0)
            return true;
    return false;
}

static bool is_called(const struct reach_resource *resource, const char *name)
{
    for (size_t i = 0; i < sizeof short_names / sizeof *short_names; i++)
        if (strcasecmp(short_names[i][0], name) == 0)
            name = short_names[i][1];
    return strcasecmp(resource->resource, name) == 0 || strcasecmp(resource->text, name) == 0 ||
           (resource->kind != NULL && strcasecmp(resource->kind->kind, name) == 0);
}

const struct reach_resource *reach_find(const struct reach *reach, const char *name,
                                        const char **ret_near)
{
    *ret_near = NULL;
    size_t best = strlen(name) / 3 + 1;
    for (size_t i = 0; i < reach->count; i++) {
        const struct reach_resource *resource = &reach->items[i];
        if (*resource->subresource != '\0' || resource->rest)
            continue;
        if (is_called(resource, name))
            return resource;
        const size_t apart = name_distance(name, resource->resource, best);
        if (apart < best) {
            best = apart;
            *ret_near = resource->text;
        }
    }
    return NULL;
}

/* ---- rules -------------------------------------------------------------------------------- */

static bool is_open(const struct action *action)
{
    return !action->value.is_constant;
}

bool reach_decides(const struct condition *condition)
{
    static const char *const members[] = {"resource", "requestResource", "subResource",
                                          "requestSubResource", "operation"};
    const struct field *field = condition->field;
    if (field->root != FIELD_REQUEST || field->step_count == 0)
        return false;
    for (size_t i = 0; i < condition->action_count; i++)
        if (is_open(&condition->actions[i]))
            return false;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (strcmp(field->steps[0].name, members[i]) == 0)
            return true;
    return false;
}

/* A request of which nothing is known but what is asked for. */
static cJSON *make_request(struct arena *arena, const struct reach_resource *resource,
                           const char *operation)
{
    static const char *const keys[][2] = {{"resource", "subResource"},
                                          {"requestResource", "requestSubResource"}};
    cJSON *request = json_new_object(arena);
    for (size_t i = 0; i < 2; i++) {
        cJSON *name = json_new_object(arena);
        json_add(arena, name, "group", json_new_string(arena, resource->group));
        if (resource->kind != NULL)
            json_add(arena, name, "version", json_new_string(arena, resource->kind->version));
        json_add(arena, name, "resource", json_new_string(arena, resource->resource));
        json_add(arena, request, keys[i][0], name);
        if (*resource->subresource != '\0')
            json_add(arena, request, keys[i][1], json_new_string(arena, resource->subresource));
    }
    json_add(arena, request, "operation", json_new_string(arena, operation));
    return request;
}

static bool may_hold(struct arena *arena, const struct rule *rule,
                     const struct reach_resource *resource, const char *name,
                     enum operation operation)
{
    struct eval eval = {
        .arena = arena, .kind_index = field_kind_index(resource->kind), .operation = operation};
    for (size_t i = 0; i < rule->condition_count; i++) {
        const char *why = NULL;
        struct rule one = *rule;
        if (!reach_decides(&rule->conditions[i]))
            continue;
        if (eval.request == NULL)
            eval.request = make_request(arena, resource, name);
        one.conditions = &rule->conditions[i];
        one.condition_count = 1;
        if (conditions_hold(&eval, &one, NULL, &why) == CONDITION_NO)
            return false;
    }
    return true;
}

/* When there is something at the rule's field to judge. */
static unsigned field_operations(const struct rule *rule)
{
    const unsigned all = OPERATION_CREATE | OPERATION_UPDATE | OPERATION_DELETE | OPERATION_CONNECT;
    for (size_t i = 0; i < rule->action_count; i++)
        if (strcmp(rule->actions[i].verb->name, "immutable") == 0)
            return OPERATION_UPDATE;
    if (rule->field == NULL || rule->field->root == FIELD_REQUEST ||
        rule->field->root == FIELD_OPTIONS)
        return all;
    if (rule->field->root == FIELD_OLD)
        return OPERATION_UPDATE | OPERATION_DELETE;
    return OPERATION_CREATE | OPERATION_UPDATE;
}

unsigned reach_operations(struct arena *arena, const struct rule *rule,
                          const struct reach_resource *resource)
{
    static const struct {
        const char *name;
        enum operation operation;
    } rows[] = {{"CREATE", OPERATION_CREATE},
                {"UPDATE", OPERATION_UPDATE},
                {"DELETE", OPERATION_DELETE},
                {"CONNECT", OPERATION_CONNECT}};
    const struct policy_match *match = &rule->policy->match;
    unsigned possible = has_operations(resource) & field_operations(rule), found = 0;
    if (match->operations != 0)
        possible &= match->operations;
    if (!reach_fits(match->resources, resource))
        return 0;
    if (rule->field != NULL &&
        field_paths(rule->field, field_kind_index(resource->kind))->count == 0)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((possible & rows[i].operation) != 0 &&
            may_hold(arena, rule, resource, rows[i].name, rows[i].operation))
            found |= rows[i].operation;
    return found;
}
