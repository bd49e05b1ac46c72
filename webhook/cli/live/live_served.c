/* What an API server serves (its discovery documents: APIGroupList, APIResourceList). */
#include "cli/live/live.h"
#include "kube/schema.h"

#include <string.h>

struct search {
    struct kube_client *client;
    struct arena *arena;
    const struct policy_set *set;
    const struct live_visitor *visitor;
    struct live_kinds kinds;
    size_t capacity;
    bool all;    /* a policy is for every resource */
    bool unsure; /* some group could not be asked: what is missing may be there */
};

/* ---- what the policies name --------------------------------------------------------------- */

static bool is_all(policy_strings resources)
{
    for (size_t i = 0; resources != NULL && resources[i] != NULL; i++)
        if (strcmp(resources[i], "*") == 0)
            return true;
    return resources == NULL;
}

static bool names_everything(const struct policy_set *set)
{
    for (size_t i = 0; i < set->policy_count; i++)
        if (is_all(set->policies[i].match.resources))
            return true;
    return false;
}

/* Calls `tell` for each resource without subresource that a policy names, some more than once. */
static void for_named(struct search *search, void (*tell)(struct search *search, const char *name))
{
    for (size_t i = 0; i < search->set->policy_count; i++) {
        policy_strings names = search->set->policies[i].match.resources;
        for (size_t j = 0; names != NULL && names[j] != NULL; j++)
            if (strcmp(names[j], "*") != 0 && strchr(names[j], '/') == NULL)
                tell(search, names[j]);
    }
}

static bool is_named(const struct search *search, const char *resource)
{
    for (size_t i = 0; i < search->set->policy_count; i++) {
        policy_strings names = search->set->policies[i].match.resources;
        for (size_t j = 0; names != NULL && names[j] != NULL; j++)
            if (strcmp(names[j], resource) == 0)
                return true;
    }
    return search->all;
}

/* ---- resources ---------------------------------------------------------------------------- */

static bool has_verb(const cJSON *row, const char *verb)
{
    const cJSON *item, *verbs = json_get(row, "verbs");
    cJSON_ArrayForEach(item, verbs)
    {
        if (json_is_string(item) && strcmp(item->valuestring, verb) == 0)
            return true;
    }
    return false;
}

static struct live_kind *find(struct search *search, const char *group, const char *resource)
{
    for (size_t i = 0; i < search->kinds.count; i++)
        if (strcmp(search->kinds.items[i].group, group) == 0 &&
            strcmp(search->kinds.items[i].resource, resource) == 0)
            return &search->kinds.items[i];
    return NULL;
}

static void add(struct search *search, struct live_kind kind)
{
    struct live_kinds *kinds = &search->kinds;
    kinds->items = arena_room(search->arena, kinds->items, kinds->count, &search->capacity,
                              sizeof *kinds->items);
    kinds->items[kinds->count++] = kind;
}

/* Versions come with the preferred one first; the schema's, if it is served, is better. */
static void take_row(struct search *search, const char *group, const char *version,
                     const cJSON *row)
{
    bool ignored;
    const char *resource = json_get_string(row, "name");
    const char *kind = json_get_string(row, "kind");
    if (resource == NULL || kind == NULL || strchr(resource, '/') != NULL)
        return;
    struct live_kind found = {group, version, resource, kind,
                              json_is_true(json_get(row, "namespaced"))};
    if (!is_named(search, live_resource(search->arena, &found)))
        return;
    if (!has_verb(row, "list") || !has_verb(row, "create"))
        found.kind = NULL; /* of such there is nothing to judge */
    struct live_kind *before = find(search, group, resource);
    const struct schema_kind *schema = schema_kind_of_resource(group, resource, "", &ignored);
    if (before == NULL)
        add(search, found);
    else if (found.kind != NULL &&
             (before->kind == NULL || (schema != NULL && strcmp(schema->version, version) == 0)))
        *before = found;
}

static void tell(struct search *search, const char *what, const char *text)
{
    search->visitor->problem(search->visitor->context, what, text);
}

static void ask_version(struct search *search, const char *group, const char *version)
{
    struct err err;
    cJSON *answer;
    struct arena *arena = search->arena;
    const char *path = *group == '\0' ? client_path(arena, "/api/%s", version)
                                      : client_path(arena, "/apis/%s/%s", group, version);
    if (client_get(search->client, arena, path, &answer, &err) < 0) {
        search->unsure = true;
        tell(search, *group == '\0' ? version : arena_printf(arena, "%s/%s", group, version),
             err.text);
        return;
    }
    const cJSON *row, *rows = json_get(answer, "resources");
    cJSON_ArrayForEach(row, rows) take_row(search, group, version, row);
}

/* ---- groups ------------------------------------------------------------------------------- */

static void ask_group(struct search *search, const cJSON *group)
{
    const char *name = json_get_string(group, "name");
    const char *preferred = json_string(json_path(group, "preferredVersion", "version", NULL));
    const cJSON *row, *rows = json_get(group, "versions");
    if (name == NULL)
        return;
    if (preferred != NULL)
        ask_version(search, name, preferred);
    cJSON_ArrayForEach(row, rows)
    {
        const char *version = json_get_string(row, "version");
        if (version != NULL && (preferred == NULL || strcmp(version, preferred) != 0))
            ask_version(search, name, version);
    }
}

static bool is_group_named(const struct search *search, const char *group)
{
    for (size_t i = 0; i < search->set->policy_count; i++) {
        policy_strings names = search->set->policies[i].match.resources;
        for (size_t j = 0; names != NULL && names[j] != NULL; j++)
            if (strcmp(schema_resource_split(search->arena, names[j]).group, group) == 0)
                return true;
    }
    return search->all;
}

static void tell_unserved(struct search *search, const char *name)
{
    const struct schema_resource_name named = schema_resource_split(search->arena, name);
    if (find(search, named.group, named.resource) != NULL)
        return;
    /* Once, however often it is named. */
    add(search, (struct live_kind){.group = named.group, .resource = named.resource});
    tell(search, name,
         "a policy names it, and the cluster does not serve it: is it misspelt, or not installed?");
}

/* Takes out what cannot be read. */
static void drop_unread(struct search *search)
{
    size_t count = 0;
    for (size_t i = 0; i < search->kinds.count; i++)
        if (search->kinds.items[i].kind != NULL)
            search->kinds.items[count++] = search->kinds.items[i];
    search->kinds.count = count;
}

int live_kinds_served(struct kube_client *client, struct arena *arena, const struct policy_set *set,
                      const struct live_visitor *visitor, struct live_kinds *ret_kinds,
                      struct err *reterr)
{
    struct search search = {client, arena, set, visitor, .all = names_everything(set)};
    cJSON *answer;
    int r = client_get(client, arena, "/apis", &answer, reterr);
    if (r < 0)
        return r;
    if (is_group_named(&search, ""))
        ask_version(&search, "", "v1");
    const cJSON *group, *groups = json_get(answer, "groups");
    cJSON_ArrayForEach(group, groups)
    {
        const char *name = json_get_string(group, "name");
        if (name != NULL && is_group_named(&search, name))
            ask_group(&search, group);
    }
    if (!search.unsure)
        for_named(&search, tell_unserved);
    drop_unread(&search);
    *ret_kinds = search.kinds;
    return 0;
}
