/* Resources as policies name them.  The table knows the kinds that Proctor types, not all that a
 * cluster has: a name that it lacks is refused only if it looks like a slip for one that it has.
 */
#include "policy/load_internal.h"

#include "kube/names.h"

#include <ctype.h>
#include <string.h>

static const char *spell(struct arena *arena, const struct schema_resource_name *row)
{
    return arena_printf(arena, "%s%s%s", row->resource, *row->group != '\0' ? "." : "", row->group);
}

static bool is_near(const char *name, const char *candidate)
{
    const char *const candidates[] = {candidate, NULL};
    return name_nearest(name, candidates) != NULL;
}

/* How unlike the two plurals are; SIZE_MAX: no slip of the pen. */
static size_t distance(const char *name, const char *candidate)
{
    return is_near(name, candidate) ? name_distance(name, candidate, strlen(candidate)) : SIZE_MAX;
}

/* A group that was left out may be any; a custom resource may have a built-in kind's plural
 * (services.serving.knative.dev), so that a whole group of its own is no slip. */
static bool group_may_mean(const struct schema_resource_name *name,
                           const struct schema_resource_name *row)
{
    if (*name->group == '\0' || strcmp(name->group, row->group) == 0)
        return true;
    if (strchr(name->group, '.') == NULL && strcmp(name->resource, row->resource) == 0)
        return true; /* a custom resource's group has a dot */
    return *row->group != '\0' && is_near(name->group, row->group);
}

/* The known resource that was meant; false if none looks like it. */
static bool find_nearest(const struct schema_resource_name *name,
                         struct schema_resource_name *ret_found)
{
    struct schema_resource_name row;
    size_t best = SIZE_MAX;
    for (size_t i = 0; schema_resource_at(i, &row); i++) {
        if (*row.subresource != '\0' || !group_may_mean(name, &row))
            continue;
        const size_t apart = distance(name->resource, row.resource);
        if (apart < best) {
            best = apart;
            *ret_found = row;
        }
    }
    return best < SIZE_MAX;
}

static bool looks_like_version(const char *text)
{
    return text[0] == 'v' && isdigit((unsigned char)text[1]);
}

static void check_subresource(struct loader *loader, const cJSON *node, const char *text,
                              const struct schema_resource_name *name)
{
    struct schema_resource_name row;
    const char *near = NULL;
    size_t best = SIZE_MAX;
    if (looks_like_version(name->subresource)) {
        load_fail(loader, node, "unknown-resource",
                  "\"%s\": a resource is named without its version: write \"%.*s\"", text,
                  (int)(strchr(text, '/') - text), text);
        return;
    }
    for (size_t i = 0; schema_resource_at(i, &row); i++) {
        if (strcmp(row.group, name->group) != 0 || strcmp(row.resource, name->resource) != 0 ||
            *row.subresource == '\0' || distance(name->subresource, row.subresource) >= best)
            continue;
        best = distance(name->subresource, row.subresource);
        near = row.subresource;
    }
    if (near != NULL && best > 0)
        load_fail(loader, node, "unknown-resource",
                  "\"%s\": %s have no subresource %s; did you mean \"%.*s%s\"?", text,
                  name->resource, name->subresource, (int)(strchr(text, '/') + 1 - text), text,
                  near);
}

/* A name that is misspelt, or a group left out, makes a policy that never fires. */
static void check_known(struct loader *loader, const cJSON *node, const char *text)
{
    bool known;
    const struct schema_resource_name name = schema_resource_split(loader->arena, text);
    (void)schema_kind_of_resource(name.group, name.resource, "", &known);
    if (known && *name.subresource != '\0')
        check_subresource(loader, node, text, &name);
    if (known)
        return;
    struct schema_resource_name row;
    if (find_nearest(&name, &row))
        load_fail(loader, node, "unknown-resource", "no resource \"%s\"; did you mean \"%s%s%s\"?",
                  text, spell(loader->arena, &row), *name.subresource != '\0' ? "/" : "",
                  name.subresource);
}

/* "Deployment" -> what it would be as a resource. */
static const char *advice_for(struct loader *loader, const char *text)
{
    char *lower = arena_strdup(loader->arena, text);
    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    const struct schema_resource_name name = schema_resource_split(loader->arena, lower);
    struct schema_resource_name row;
    if (!find_nearest(&name, &row))
        return ", as deployments.apps";
    return arena_printf(loader->arena, "; did you mean \"%s\"?", spell(loader->arena, &row));
}

static void check_resource(struct loader *loader, const cJSON *node, const char *text)
{
    if (strcmp(text, "*") == 0)
        return;
    if (glob_is_pattern(text))
        load_fail(loader, node, "bad-resource",
                  "resources takes name.group[/subresource], or \"*\" for all, not \"%s\"", text);
    else if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-/") != strlen(text))
        load_fail(loader, node, "bad-resource",
                  "\"%s\" is no resource: write the plural in small letters%s", text,
                  advice_for(loader, text));
    else
        check_known(loader, node, text);
}

bool load_check_resources(struct loader *loader, const cJSON *list, policy_strings resources)
{
    const size_t errors = loader->diagnostics->error_count;
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++)
        check_resource(loader, load_string_node(list, i), resources[i]);
    return loader->diagnostics->error_count == errors;
}
