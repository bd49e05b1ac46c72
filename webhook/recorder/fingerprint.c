#include "recorder/fingerprint.h"

#include "client/say.h"
#include "history/config_ref.h"

#include <string.h>

#define NAME_SHOWN 100U
#define NAMES_MAX  8U

/* One object's fingerprint; *ret_text NULL: it may not be read. */
static int take_one(struct kube_client *client, struct arena *arena, const char *namespace_,
                    const struct config_ref *ref, const char **ret_text, struct err *reterr)
{
    cJSON *object;
    const char *path =
        ref->secret
            ? client_path(arena, "/api/v1/namespaces/%s/secrets/%s", namespace_, ref->name)
            : client_path(arena, "/api/v1/namespaces/%s/configmaps/%s", namespace_, ref->name);
    const int rc = ref->secret ? client_get_metadata(client, arena, path, &object, reterr)
                               : client_get(client, arena, path, &object, reterr);
    if (rc == -ERR_NOT_FOUND)
        *ret_text = FINGERPRINT_MISSING;
    else if (rc == -ERR_FORBIDDEN)
        *ret_text = NULL;
    else if (rc < 0)
        return rc;
    else
        *ret_text = ref->secret ? json_get_string(json_get(object, "metadata"), "resourceVersion")
                                : config_ref_hash(arena, object);
    return 0;
}

int fingerprint_take(struct kube_client *client, struct arena *arena, const char *namespace_,
                     const cJSON *pod_template, bool secrets, struct store_config_ref **ret_refs,
                     size_t *ret_count, struct err *reterr)
{
    struct config_ref *named;
    size_t named_count, count = 0;
    config_refs(arena, pod_template, &named, &named_count);
    struct store_config_ref *refs = arena_array(arena, named_count + 1, sizeof *refs);
    for (size_t i = 0; i < named_count; i++) {
        const char *text;
        if (named[i].secret && !secrets)
            continue;
        const int rc = take_one(client, arena, namespace_, &named[i], &text, reterr);
        if (rc < 0)
            return rc;
        if (text == NULL)
            continue;
        refs[count++] = (struct store_config_ref){.kind = named[i].secret ? "Secret" : "ConfigMap",
                                                  .name = arena_strdup(arena, named[i].name),
                                                  .fingerprint = text};
    }
    *ret_refs = refs;
    *ret_count = count;
    return 0;
}

static const struct store_config_ref *find(const struct store_config_ref *refs, size_t count,
                                           const struct store_config_ref *like)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(refs[i].kind, like->kind) == 0 && strcmp(refs[i].name, like->name) == 0)
            return &refs[i];
    return NULL;
}

const char *fingerprint_warning(struct arena *arena, int64_t number,
                                const struct store_config_ref *then, size_t then_count,
                                const struct store_config_ref *now, size_t now_count)
{
    struct buf words;
    size_t told = 0;
    buf_init(&words, arena, 16384);
    for (size_t i = 0; i < then_count; i++) {
        const struct store_config_ref *is = find(now, now_count, &then[i]);
        if (is == NULL || then[i].fingerprint == NULL || is->fingerprint == NULL ||
            strcmp(then[i].fingerprint, is->fingerprint) == 0)
            continue;
        if (told++ >= NAMES_MAX)
            continue;
        buf_printf(&words, "%s%s %s %s", told > 1 ? ", " : "", then[i].kind,
                   say_visible(arena, then[i].name, NAME_SHOWN),
                   strcmp(is->fingerprint, FINGERPRINT_MISSING) == 0 ? "does not exist any more"
                                                                     : "has changed since");
    }
    if (told == 0)
        return NULL;
    if (told > NAMES_MAX)
        buf_printf(&words, " and %zu more", told - NAMES_MAX);
    return arena_printf(arena,
                        "version %lld would run with today's configuration, not with its own: %s",
                        (long long)number, words.data);
}
