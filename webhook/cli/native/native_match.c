#include "base/limits.h"
#include "cli/native/native_cel.h"
#include "policy/match_conditions.h"

#include <string.h>

static const struct {
    enum operation bit;
    const char *name;
} operations[] = {{OPERATION_CREATE, "CREATE"},
                  {OPERATION_UPDATE, "UPDATE"},
                  {OPERATION_DELETE, "DELETE"},
                  {OPERATION_CONNECT, "CONNECT"}};

#define OPERATION_COUNT (sizeof operations / sizeof *operations)
#define ALL_OPERATIONS  15U

static struct buf new_buf(struct cel *cel)
{
    struct buf buf;
    buf_init(&buf, cel->arena, LIMIT_POLICY_SET_BYTES);
    return buf;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* As admit_effective_name: a generated name is its prefix, of which 58 characters are kept. */
const char *cel_match_name(struct cel *cel)
{
    const char *object = (cel->operations & OPERATION_DELETE) != 0
                             ? "(object != null ? object : oldObject)"
                             : "object";
    const char *given = cel_text(cel,
                                 "(request.?name.orValue(\"\") != \"\" ? request.name : "
                                 "%s.?metadata.?name.orValue(\"\"))",
                                 object);
    if ((cel->operations & OPERATION_CREATE) == 0)
        return given;
    const char *name = cel_name(cel), *prefix = cel_name(cel);
    const char *kept =
        cel_text(cel, "(size(%s) > 58 ? %s.substring(0, 58) : %s)", prefix, prefix, prefix);
    return cel_text(
        cel,
        "[%s].map(%s, [request.operation == \"CREATE\" ? "
        "object.?metadata.?generateName.orValue(\"\") : \"\"].map(%s, %s == \"\" ? %s : %s == "
        "\"\" ? %s : %s.startsWith(%s) && size(%s) == size(%s) + 5 ? %s : %s)[0])[0]",
        given, name, prefix, prefix, name, name, prefix, name, kept, name, kept, kept, name);
}

static const char *given_name(struct cel *cel)
{
    const char *object = (cel->operations & OPERATION_DELETE) != 0
                             ? "(object != null ? object : oldObject)"
                             : "object";
    return cel_text(cel,
                    "(request.?name.orValue(\"\") != \"\" ? request.name : "
                    "%s.?metadata.?name.orValue(\"\"))",
                    object);
}

static const char *names_fit(struct cel *cel, policy_strings names)
{
    const char *name = cel_name(cel), *given = cel_name(cel);
    const char *one = cel_bind(cel, name, cel_match_name(cel), cel_glob(cel, name, names));
    const char *other = cel_bind(cel, given, given_name(cel), cel_glob(cel, given, names));
    return cel_or(cel, one, other);
}

/* ---- labels ---------------------------------------------------------------------------------- */

static const char *one_label(struct cel *cel, const struct label_requirement *label,
                             const char *object)
{
    const char *value = cel_get(cel, cel_text(cel, "%s.?metadata.?labels", object), label->key);
    struct buf list = new_buf(cel);
    for (size_t i = 0; label->values != NULL && label->values[i] != NULL; i++)
        buf_add_strings(&list, i > 0 ? ", " : "", cel_quote(cel, label->values[i]), NULL);
    switch (label->test) {
    case LABEL_IN:
        return cel_text(cel, "%s in [%s]", value, list.data);
    case LABEL_NOT_IN:
        return cel_text(cel, "!(%s in [%s])", value, list.data);
    case LABEL_EXISTS:
        return cel_text(cel, "%s != null", value);
    case LABEL_ABSENT:
        break;
    }
    return cel_text(cel, "%s == null", value);
}

static const char *labels_fit(struct cel *cel, const struct policy_match *match, const char *object)
{
    const char *all = cel_text(cel, "%s != null", object);
    for (size_t i = 0; i < match->selector_count; i++)
        all = cel_and(cel, all, one_label(cel, &match->selector[i], object));
    return all;
}

/* ---- who, and what they make ----------------------------------------------------------------- */

static const char *operations_fit(struct cel *cel, unsigned mask)
{
    struct buf buf = new_buf(cel);
    if (mask == 0 || mask == ALL_OPERATIONS)
        return "true";
    match_conditions_add_operations(&buf, mask);
    return buf.data;
}

static const char *resources_fit(struct cel *cel, policy_strings resources)
{
    const char *any = "false";
    if (resources == NULL)
        return "true";
    for (size_t i = 0; resources[i] != NULL; i++) {
        struct buf buf = new_buf(cel);
        if (strcmp(resources[i], "*") == 0)
            return "true";
        match_conditions_add_resource(&buf, cel->arena, resources[i]);
        any = cel_or(cel, any, cel_text(cel, "(%s)", buf.data));
    }
    return any;
}

static const char *is_excluded(struct cel *cel, const struct policy_exclude *exclude)
{
    const char *all = exclude->user != NULL
                          ? cel_text(cel, "request.userInfo.?username.orValue(\"\") == %s",
                                     cel_quote(cel, exclude->user))
                          : cel_text(cel, "%s in request.userInfo.?groups.orValue([])",
                                     cel_quote(cel, exclude->group));
    all = cel_and(cel, all, operations_fit(cel, exclude->operations));
    all = cel_and(cel, all, resources_fit(cel, exclude->resources));
    if (exclude->only_metadata) {
        all = cel_and(cel, all, "request.operation == \"UPDATE\"");
        all = cel_and(cel, all, match_conditions_only_metadata);
    }
    return all;
}

static const char *groups_fit(struct cel *cel, policy_strings groups)
{
    const char *group = cel_name(cel);
    return cel_text(cel, "request.userInfo.?groups.orValue([]).exists(%s, %s)", group,
                    cel_glob(cel, group, groups));
}

static const char *namespaces_fit(struct cel *cel, policy_strings namespaces)
{
    const char *name = cel_name(cel);
    return cel_and(cel, "request.?namespace.orValue(\"\") != \"\"",
                   cel_bind(cel, name, "request.namespace", cel_glob(cel, name, namespaces)));
}

const char *cel_match(struct cel *cel, const struct policy_match *match, bool resources)
{
    const char *all = "true", *any = "false";
    if (resources) {
        all = cel_and(cel, operations_fit(cel, match->operations),
                      resources_fit(cel, match->resources));
    }
    if (match->namespaces != NULL)
        all = cel_and(cel, all, namespaces_fit(cel, match->namespaces));
    if (match->names != NULL)
        all = cel_and(cel, all, names_fit(cel, match->names));
    if (match->users != NULL)
        all = cel_and(cel, all,
                      cel_glob(cel, "request.userInfo.?username.orValue(\"\")", match->users));
    if (match->groups != NULL)
        all = cel_and(cel, all, groups_fit(cel, match->groups));
    if (match->selector_count > 0)
        all = cel_and(
            cel, all,
            cel_or(cel, labels_fit(cel, match, "object"), labels_fit(cel, match, "oldObject")));
    for (size_t i = 0; i < match->exclude_count; i++)
        any = cel_or(cel, any, is_excluded(cel, &match->excludes[i]));
    return cel_and(cel, all, cel_not(cel, any));
}

/* ---- matchConstraints ------------------------------------------------------------------------ */

static void add_string(struct cel *cel, cJSON *list, const char *text)
{
    json_append(list, json_new_string(cel->arena, text));
}

static cJSON *one_string(struct cel *cel, const char *text)
{
    cJSON *list = json_new_array(cel->arena);
    add_string(cel, list, text);
    return list;
}

static cJSON *new_rule(struct cel *cel, const struct policy_match *match, const char *group,
                       cJSON *resources)
{
    const unsigned mask = match->operations == 0 ? ALL_OPERATIONS : match->operations;
    cJSON *rule = json_new_object(cel->arena), *names = json_new_array(cel->arena);
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        if ((mask & operations[i].bit) != 0)
            add_string(cel, names, operations[i].name);
    json_add(cel->arena, rule, "apiGroups", one_string(cel, group));
    json_add(cel->arena, rule, "apiVersions", one_string(cel, "*"));
    json_add(cel->arena, rule, "resources", resources);
    json_add(cel->arena, rule, "operations", names);
    json_add(cel->arena, rule, "scope", json_new_string(cel->arena, "Namespaced"));
    return rule;
}

/* "deployments.apps/scale": apps, deployments/scale. */
static const char *split_group(struct cel *cel, const char *resource, const char **ret_name)
{
    const struct schema_resource_name name = schema_resource_split(cel->arena, resource);
    *ret_name = cel_text(cel, "%s%s", name.resource, resource + strcspn(resource, "/"));
    return name.group;
}

static cJSON *resource_rules(struct cel *cel, const struct policy_match *match)
{
    cJSON *rules = json_new_array(cel->arena);
    bool all = match->resources == NULL;
    for (size_t i = 0; match->resources != NULL && match->resources[i] != NULL; i++)
        all |= strcmp(match->resources[i], "*") == 0;
    if (all) {
        json_append(rules, new_rule(cel, match, "*", one_string(cel, "*/*")));
        return rules;
    }
    for (size_t i = 0; match->resources[i] != NULL; i++) {
        const char *name, *group = split_group(cel, match->resources[i], &name);
        cJSON *rule = rules->child;
        while (rule != NULL && strcmp(json_string(json_get(rule, "apiGroups")->child), group) != 0)
            rule = rule->next;
        if (rule != NULL)
            add_string(cel, json_get(rule, "resources"), name);
        else
            json_append(rules, new_rule(cel, match, group, one_string(cel, name)));
    }
    return rules;
}

/* A policy that names no namespace still keeps out of those that the cluster itself lives in, as
 * the webhook's registration does. */
static cJSON *not_of_the_system(struct cel *cel)
{
    static const char *const system[] = {"kube-system", "kube-public", "kube-node-lease", NULL};
    cJSON *selector = json_new_object(cel->arena), *list = json_new_array(cel->arena);
    cJSON *one = json_new_object(cel->arena), *values = json_new_array(cel->arena);
    for (size_t i = 0; system[i] != NULL; i++)
        add_string(cel, values, system[i]);
    json_add(cel->arena, one, "key", json_new_string(cel->arena, "kubernetes.io/metadata.name"));
    json_add(cel->arena, one, "operator", json_new_string(cel->arena, "NotIn"));
    json_add(cel->arena, one, "values", values);
    json_append(list, one);
    json_add(cel->arena, selector, "matchExpressions", list);
    return selector;
}

cJSON *cel_constraints(struct cel *cel, const struct policy_match *match)
{
    cJSON *constraints = json_new_object(cel->arena);
    json_add(cel->arena, constraints, "matchPolicy", json_new_string(cel->arena, "Equivalent"));
    if (match->namespaces == NULL)
        json_add(cel->arena, constraints, "namespaceSelector", not_of_the_system(cel));
    json_add(cel->arena, constraints, "resourceRules", resource_rules(cel, match));
    return constraints;
}

/* ---- matchConditions ------------------------------------------------------------------------- */

static void add_condition(struct cel *cel, cJSON *list, const char *name, const char *expression)
{
    cJSON *one = json_new_object(cel->arena);
    if (cel_is(expression, "true"))
        return;
    json_add(cel->arena, one, "name", json_new_string(cel->arena, name));
    json_add(cel->arena, one, "expression", json_new_string(cel->arena, expression));
    json_append(list, one);
}

/* Of an object on its way out: nothing but finalizers go.  A finalizer that stands there twice is
 * no list that shrinks, here; Kubernetes writes each once. */
static const char finishing[] =
    "request.operation == \"UPDATE\" && oldObject.?metadata.?deletionTimestamp.orValue(null) != "
    "null && "
    "object.all(k, k in [\"metadata\", \"status\"] || (k in oldObject && object[k] == "
    "oldObject[k])) && "
    "oldObject.all(k, k in [\"metadata\", \"status\"] || k in object) && "
    "object.?metadata.?labels.orValue(null) == oldObject.?metadata.?labels.orValue(null) && "
    "object.?metadata.?annotations.orValue(null) == oldObject.?metadata.?annotations.orValue(null) "
    "&& "
    "object.?metadata.?finalizers.orValue([]) == oldObject.?metadata.?finalizers.orValue([])"
    ".filter(f, f in object.?metadata.?finalizers.orValue([]))";

cJSON *cel_match_conditions(struct cel *cel, const struct policy_match *match)
{
    cJSON *list = json_new_array(cel->arena);
    struct policy_match one = {0};
    const char *any = "false";
    one.namespaces = match->namespaces;
    add_condition(cel, list, "namespaces", cel_match(cel, &one, false));
    one = (struct policy_match){.names = match->names};
    add_condition(cel, list, "names", cel_match(cel, &one, false));
    one = (struct policy_match){.users = match->users, .groups = match->groups};
    add_condition(cel, list, "who", cel_match(cel, &one, false));
    one = (struct policy_match){.selector = match->selector};
    one.selector_count = match->selector_count;
    add_condition(cel, list, "labels", cel_match(cel, &one, false));
    for (size_t i = 0; i < match->exclude_count; i++) {
        const char *excluded = is_excluded(cel, &match->excludes[i]);
        /* The API server takes 64 conditions. */
        if (match->exclude_count <= 48)
            add_condition(cel, list, cel_text(cel, "not-excluded-%zu", i + 1),
                          cel_not(cel, excluded));
        any = cel_or(cel, any, excluded);
    }
    if (match->exclude_count > 48)
        add_condition(cel, list, "not-excluded", cel_not(cel, any));
    if (match->operations == 0 || (match->operations & OPERATION_UPDATE) != 0)
        add_condition(cel, list, "not-finishing", cel_text(cel, "!(%s)", finishing));
    return list;
}
