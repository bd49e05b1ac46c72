#include "history/config_ref.h"

#include "history/view.h"

#include <stdlib.h>
#include <string.h>

/* Names as they are found, with repetitions. */
struct found {
    struct arena *arena;
    struct config_ref *refs;
    size_t count, capacity;
};

static void add(struct found *found, bool secret, const char *name)
{
    if (name == NULL || name[0] == '\0')
        return;
    if (found->count == found->capacity) {
        const size_t capacity = found->capacity * 2 + 8;
        struct config_ref *refs = arena_array(found->arena, capacity, sizeof *refs);
        for (size_t i = 0; i < found->count; i++)
            refs[i] = found->refs[i];
        found->refs = refs;
        found->capacity = capacity;
    }
    found->refs[found->count++] = (struct config_ref){.secret = secret, .name = name};
}

/* The two members of `object` that may name one, of those keys. */
static void add_both(struct found *found, const cJSON *object, const char *map_key,
                     const char *secret_key, const char *secret_name)
{
    add(found, false, json_get_string(json_get(object, map_key), "name"));
    add(found, true, json_get_string(json_get(object, secret_key), secret_name));
}

static void add_containers(struct found *found, const cJSON *containers)
{
    const cJSON *container, *one;
    cJSON_ArrayForEach(container, containers)
    {
        cJSON_ArrayForEach(one, json_get(container, "env"))
        {
            add_both(found, json_get(one, "valueFrom"), "configMapKeyRef", "secretKeyRef", "name");
        }
        cJSON_ArrayForEach(one, json_get(container, "envFrom"))
        {
            add_both(found, one, "configMapRef", "secretRef", "name");
        }
    }
}

static void add_volumes(struct found *found, const cJSON *volumes)
{
    const cJSON *volume, *source;
    cJSON_ArrayForEach(volume, volumes)
    {
        add_both(found, volume, "configMap", "secret", "secretName");
        cJSON_ArrayForEach(source, json_get(json_get(volume, "projected"), "sources"))
        {
            add_both(found, source, "configMap", "secret", "name");
        }
    }
}

static int compare(const void *a, const void *b)
{
    const struct config_ref *x = a, *y = b;
    return x->secret != y->secret ? (x->secret ? 1 : -1) : strcmp(x->name, y->name);
}

void config_refs(struct arena *arena, const cJSON *pod_template, struct config_ref **ret_refs,
                 size_t *ret_count)
{
    struct found found = {.arena = arena};
    const cJSON *spec = json_get(pod_template, "spec");
    size_t kept = 0;
    add_containers(&found, json_get(spec, "initContainers"));
    add_containers(&found, json_get(spec, "containers"));
    add_volumes(&found, json_get(spec, "volumes"));
    if (found.count > 1)
        qsort(found.refs, found.count, sizeof *found.refs, compare);
    for (size_t i = 0; i < found.count; i++)
        if (kept == 0 || compare(&found.refs[kept - 1], &found.refs[i]) != 0)
            found.refs[kept++] = found.refs[i];
    *ret_refs = found.refs;
    *ret_count = kept;
}

const char *config_ref_hash(struct arena *arena, const cJSON *config_map)
{
    cJSON *content = json_new_object(arena);
    static const char *const keys[] = {"data", "binaryData"};
    for (size_t i = 0; i < 2; i++)
        if (json_count(json_get(config_map, keys[i])) > 0)
            json_add(arena, content, keys[i], json_dup(arena, json_get(config_map, keys[i])));
    return view_template_sha(arena, content);
}
