/* What RBAC gives a user: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac. */
#include "cli/coverage/coverage.h"

#include <stdio.h>
#include <string.h>

struct gather {
    const struct coverage_input *input;
    struct coverage_grant **tail;
    void (*missing)(void *context, const char *text);
    void *context;
};

static bool text_is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool in_group(const struct coverage_input *input, const char *group)
{
    if (strcmp(group, "system:authenticated") == 0)
        return true;
    for (size_t i = 0; input->groups[i] != NULL; i++)
        if (strcmp(input->groups[i], group) == 0)
            return true;
    return false;
}

static bool is_subject(const struct coverage_input *input, const cJSON *subject,
                       const char *binding_space)
{
    const char *kind = json_get_string(subject, "kind");
    const char *name = json_get_string(subject, "name");
    const char *name_space = json_get_string(subject, "namespace");
    if (name == NULL)
        return false;
    if (text_is(kind, "User"))
        return strcmp(name, input->user) == 0;
    if (text_is(kind, "Group"))
        return in_group(input, name);
    if (name_space == NULL)
        name_space = binding_space;
    return text_is(kind, "ServiceAccount") && name_space != NULL &&
           strcmp(input->user,
                  arena_printf(input->arena, "system:serviceaccount:%s:%s", name_space, name)) == 0;
}

static bool binds(const struct coverage_input *input, const cJSON *binding,
                  const char *binding_space)
{
    const cJSON *subjects = json_get(binding, "subjects");
    const cJSON *subject = json_is_array(subjects) ? subjects->child : NULL;
    for (; subject != NULL; subject = subject->next)
        if (is_subject(input, subject, binding_space))
            return true;
    return false;
}

/* A file's own rules of such a role are overwritten; one that came from a cluster (it has a uid)
 * has those that are in force. */
static bool is_put_together_elsewhere(const cJSON *role)
{
    return json_get(role, "aggregationRule") != NULL &&
           json_path(role, "metadata", "uid", NULL) == NULL;
}

static const cJSON *find_role(const struct coverage_input *input, const char *kind,
                              const char *name, const char *name_space)
{
    for (const cJSON *role = input->roles->child; role != NULL; role = role->next) {
        const cJSON *metadata = json_get(role, "metadata");
        if (!text_is(json_get_string(role, "kind"), kind) ||
            !text_is(json_get_string(metadata, "name"), name))
            continue;
        if (strcmp(kind, "ClusterRole") == 0 ||
            text_is(json_get_string(metadata, "namespace"), name_space))
            return role;
    }
    return NULL;
}

static void add_grants(struct gather *gather, const cJSON *role, const char *title,
                       const char *name_space)
{
    const cJSON *rules = json_get(role, "rules");
    const cJSON *rule = json_is_array(rules) ? rules->child : NULL;
    for (; rule != NULL; rule = rule->next) {
        struct coverage_grant *grant = arena_alloc(gather->input->arena, sizeof *grant);
        *grant = (struct coverage_grant){.name_space = name_space, .role = title, .rule = rule};
        *gather->tail = grant;
        gather->tail = &grant->next;
    }
}

static void follow(struct gather *gather, const cJSON *binding)
{
    const struct coverage_input *input = gather->input;
    const bool everywhere = text_is(json_get_string(binding, "kind"), "ClusterRoleBinding");
    const cJSON *metadata = json_get(binding, "metadata");
    const char *own = json_get_string(metadata, "name");
    const char *name_space = everywhere ? NULL : json_get_string(metadata, "namespace");
    if (!everywhere && name_space == NULL)
        name_space = input->name_space;
    if (!binds(input, binding, name_space))
        return;
    const cJSON *reference = json_get(binding, "roleRef");
    const char *kind = json_get_string(reference, "kind");
    const char *name = json_get_string(reference, "name");
    if (kind == NULL || name == NULL) {
        gather->missing(gather->context, arena_printf(input->arena, "the binding %s names no role",
                                                      own != NULL ? own : "(without a name)"));
        return;
    }
    const cJSON *role = find_role(input, kind, name, name_space);
    const char *title = arena_printf(input->arena, "%s %s", kind, name);
    if (role == NULL)
        gather->missing(gather->context,
                        arena_printf(input->arena,
                                     "the %s, which the binding %s gives, is not "
                                     "among what was read",
                                     title, own != NULL ? own : "(without a name)"));
    else if (is_put_together_elsewhere(role))
        gather->missing(gather->context, arena_printf(input->arena,
                                                      "the %s is put together by the cluster "
                                                      "(aggregationRule)",
                                                      title));
    else
        add_grants(gather, role, title, name_space);
}

struct coverage_grant *coverage_grants(const struct coverage_input *input,
                                       void (*missing)(void *context, const char *text),
                                       void *context)
{
    struct coverage_grant *grants = NULL;
    struct gather gather = {input, &grants, missing, context};
    for (const cJSON *binding = input->bindings->child; binding != NULL; binding = binding->next)
        follow(&gather, binding);
    return grants;
}

static bool lists(const cJSON *rule, const char *key, const char *wanted)
{
    const cJSON *list = json_get(rule, key);
    const cJSON *item = json_is_array(list) ? list->child : NULL;
    for (; item != NULL; item = item->next)
        if (json_is_string(item) &&
            (strcmp(item->valuestring, "*") == 0 || strcmp(item->valuestring, wanted) == 0))
            return true;
    return false;
}

/* "pods/exec" is named by itself and by "*", and any resource's exec by "*" + "/exec". */
static bool lists_resource(const cJSON *rule, const char *resource, size_t length,
                           const char *subresource)
{
    char whole[256], any[256];
    const char *slash = subresource != NULL ? "/" : "";
    const char *tail = subresource != NULL ? subresource : "";
    snprintf(whole, sizeof whole, "%.*s%s%s", (int)length, resource, slash, tail);
    snprintf(any, sizeof any, "*%s%s", slash, tail);
    return lists(rule, "resources", whole) || lists(rule, "resources", any);
}

/* resourceNames bind the name, which the user may choose, except where a request has none. */
static bool names_allow(const cJSON *rule, const char *subresource, const char *verb)
{
    return json_count(json_get(rule, "resourceNames")) == 0 || subresource != NULL ||
           (strcmp(verb, "create") != 0 && strcmp(verb, "deletecollection") != 0);
}

const struct coverage_grant *coverage_allows(const struct coverage_grant *grants,
                                             const char *name_space, const char *resource,
                                             const char *subresource, const char *verb)
{
    const char *dot = strchr(resource, '.');
    const size_t length = dot == NULL ? strlen(resource) : (size_t)(dot - resource);
    for (const struct coverage_grant *grant = grants; grant != NULL; grant = grant->next) {
        if (grant->name_space != NULL &&
            (name_space == NULL || strcmp(grant->name_space, name_space) != 0))
            continue;
        if (lists(grant->rule, "apiGroups", dot == NULL ? "" : dot + 1) &&
            lists_resource(grant->rule, resource, length, subresource) &&
            lists(grant->rule, "verbs", verb) && names_allow(grant->rule, subresource, verb))
            return grant;
    }
    return NULL;
}
