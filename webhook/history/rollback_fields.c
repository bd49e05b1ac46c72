#include "history/rollback_internal.h"

#include <string.h>

static bool same_text(const cJSON *a, const cJSON *b, const char *key)
{
    const char *x = json_get_string(a, key), *y = json_get_string(b, key);
    return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

static bool is_ours(const cJSON *entry)
{
    const char *manager = json_get_string(entry, "manager");
    return manager != NULL && strcmp(manager, ROLLBACK_MANAGER) == 0;
}

/* Status and scale are written by others, and were not rolled back. */
static bool is_of_subresource(const cJSON *entry)
{
    const char *subresource = json_get_string(entry, "subresource");
    return subresource != NULL && subresource[0] != '\0';
}

static bool is_same_entry(const cJSON *a, const cJSON *b)
{
    return same_text(a, b, "manager") && same_text(a, b, "operation") &&
           same_text(a, b, "apiVersion") && same_text(a, b, "subresource");
}

static const cJSON *find_entry(const cJSON *entries, const cJSON *like)
{
    for (const cJSON *entry = json_is_array(entries) ? entries->child : NULL; entry != NULL;
         entry = entry->next)
        if (is_same_entry(entry, like))
            return entry;
    return NULL;
}

static const cJSON *template_part(const cJSON *entry)
{
    return json_path(entry, "fieldsV1", "f:spec", "f:template", NULL);
}

static void take_out(cJSON *object, const char *key)
{
    cJSON *member = json_find(object, key);
    if (member != NULL)
        json_unlink(object, member);
}

/* What `entry` owns of the template becomes what `then` owns of it. */
static void set_template_part(struct arena *arena, cJSON *entry, const cJSON *then)
{
    const cJSON *part = template_part(then);
    cJSON *fields = json_get(entry, "fieldsV1");
    if (!json_is_object(fields)) {
        take_out(entry, "fieldsV1");
        fields = json_new_object(arena);
        json_add(arena, entry, "fieldsV1", fields);
    }
    cJSON *spec = json_get(fields, "f:spec");
    if (spec != NULL)
        take_out(spec, "f:template");
    if (part != NULL) {
        if (spec == NULL) {
            spec = json_new_object(arena);
            json_add(arena, fields, "f:spec", spec);
        }
        cJSON *copy = json_dup(arena, part);
        json_add(arena, spec, "f:template", copy);
    } else if (spec != NULL && spec->child == NULL) {
        take_out(fields, "f:spec");
    }
}

static bool owns_anything(const cJSON *entry)
{
    return json_count(json_get(entry, "fieldsV1")) > 0;
}

/* An entry of then that is no more: only what it owned of the template comes back. */
static cJSON *revive(struct arena *arena, const cJSON *then)
{
    cJSON *entry = json_dup(arena, then);
    take_out(entry, "fieldsV1");
    set_template_part(arena, entry, then);
    return entry;
}

cJSON *rollback_fields(struct arena *arena, const cJSON *now, const cJSON *then)
{
    cJSON *result = json_new_array(arena);
    for (const cJSON *entry = json_is_array(now) ? now->child : NULL; entry != NULL;
         entry = entry->next) {
        if (is_ours(entry) && !is_of_subresource(entry))
            continue;
        cJSON *copy = json_dup(arena, entry);
        if (then != NULL && !is_of_subresource(entry))
            set_template_part(arena, copy, find_entry(then, entry));
        if (owns_anything(copy))
            json_append(result, copy);
    }
    for (const cJSON *entry = json_is_array(then) ? then->child : NULL; entry != NULL;
         entry = entry->next)
        if (!is_ours(entry) && !is_of_subresource(entry) && template_part(entry) != NULL &&
            find_entry(now, entry) == NULL)
            json_append(result, revive(arena, entry));
    return result;
}
