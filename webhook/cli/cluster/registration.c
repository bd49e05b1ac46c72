#include "cli/cluster/registration.h"

#include "base/limits.h"

#include <string.h>

#define GROUP  "/apis/admissionregistration.k8s.io/v1/"
#define ENDING ".proctor.dev"

const struct registration registrations[REGISTRATION_COUNT] = {
    [REGISTRATION_MUTATING] = {"MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
                               GROUP "mutatingwebhookconfigurations",
                               GROUP "mutatingwebhookconfigurations/" REGISTRATION_NAME,
                               "puts defaults in and corrects"},
    [REGISTRATION_VALIDATING] = {"ValidatingWebhookConfiguration",
                                 "validatingwebhookconfigurations",
                                 GROUP "validatingwebhookconfigurations",
                                 GROUP "validatingwebhookconfigurations/" REGISTRATION_NAME,
                                 "refuses"},
};

bool registration_is_ours(const cJSON *entry)
{
    const char *name = json_get_string(entry, "name");
    const size_t length = name != NULL ? strlen(name) : 0;
    return length > strlen(ENDING) && strcmp(name + length - strlen(ENDING), ENDING) == 0;
}

static const cJSON *find_switch(const cJSON *entry)
{
    const cJSON *condition;
    cJSON_ArrayForEach(condition, json_get(entry, "matchConditions"))
    {
        const char *name = json_get_string(condition, "name");
        if (name != NULL && strcmp(name, REGISTRATION_CONDITION) == 0)
            return condition;
    }
    return NULL;
}

bool registration_is_disarmed(const cJSON *entry)
{
    const char *expression = json_get_string(find_switch(entry), "expression");
    return expression != NULL && strcmp(expression, "false") == 0;
}

const cJSON *registration_note(struct arena *arena, const cJSON *configuration)
{
    const char *text = json_get_string(json_path(configuration, "metadata", "annotations", NULL),
                                       REGISTRATION_ANNOTATION);
    cJSON *note = NULL;
    struct err err;
    if (text == NULL)
        return NULL;
    if (json_parse(arena, text, strlen(text), &json_limits_review, &note, &err) == 0 &&
        json_is_object(note))
        return note;
    note = json_new_object(arena);
    json_add(arena, note, "why", json_new_string(arena, text));
    return note;
}

static cJSON *change_entry(struct arena *arena, const cJSON *entry, bool disarm)
{
    cJSON *changed = json_new_object(arena);
    cJSON *list = json_new_array(arena);
    cJSON *condition = json_new_object(arena);
    json_add(arena, changed, "name", json_new_string(arena, json_get_string(entry, "name")));
    json_add(arena, condition, "name", json_new_string(arena, REGISTRATION_CONDITION));
    if (disarm)
        json_add(arena, condition, "expression", json_new_string(arena, "false"));
    else
        json_add(arena, condition, "$patch", json_new_string(arena, "delete"));
    json_append(list, condition);
    json_add(arena, changed, "matchConditions", list);
    return changed;
}

static cJSON *change_metadata(struct arena *arena, const cJSON *configuration, const cJSON *note)
{
    cJSON *metadata = json_new_object(arena);
    cJSON *annotations = json_new_object(arena);
    cJSON *value = cJSON_CreateNull();
    const char *version = json_get_string(json_get(configuration, "metadata"), "resourceVersion");
    if (note != NULL) {
        struct buf text;
        buf_init(&text, arena, LIMIT_MIB);
        json_write(&text, note);
        value = json_new_string(arena, text.data);
    }
    json_add(arena, annotations, REGISTRATION_ANNOTATION, value);
    json_add(arena, metadata, "annotations", annotations);
    if (version != NULL)
        json_add(arena, metadata, "resourceVersion", json_new_string(arena, version));
    return metadata;
}

cJSON *registration_patch(struct arena *arena, const cJSON *configuration, const cJSON *note)
{
    cJSON *entries = json_new_array(arena);
    const cJSON *entry;
    const bool noted = registration_note(arena, configuration) != NULL;
    cJSON_ArrayForEach(entry, json_get(configuration, "webhooks"))
    {
        const bool as_wanted =
            note != NULL ? registration_is_disarmed(entry) : find_switch(entry) == NULL;
        if (registration_is_ours(entry) && !as_wanted)
            json_append(entries, change_entry(arena, entry, note != NULL));
    }
    if (json_count(entries) == 0 && noted == (note != NULL))
        return NULL;
    cJSON *patch = json_new_object(arena);
    json_add(arena, patch, "metadata", change_metadata(arena, configuration, note));
    if (json_count(entries) > 0)
        json_add(arena, patch, "webhooks", entries);
    return patch;
}
