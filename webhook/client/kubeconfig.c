#include "base/limits.h"
#include "base/yaml.h"
#include "client/file.h"
#include "client/kubeconfig_internal.h"
#include "client/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K3S_PATH    "/etc/rancher/k3s/k3s.yaml"
#define NAMES_SHOWN 10
#define RUNES_SHOWN 60
#define PATHS_SHOWN 160

int(kubeconfig_wrong)(const struct kubeconfig_loader *loader, const struct kubeconfig_file *file,
                      const cJSON *node, const char *format, ...)
{
    char words[sizeof loader->err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    const char *path = say_visible(loader->arena, file->path, PATHS_SHOWN);
    const unsigned line = node != NULL ? yaml_value_mark(node).line : 0;
    if (line == 0)
        return say_fail(loader->arena, loader->err, ERR_KUBECONFIG, "%s: %s", path, words);
    return say_fail(loader->arena, loader->err, ERR_KUBECONFIG, "%s: line %u: %s", path, line,
                    words);
}

/* ---- members ---------------------------------------------------------------------------- */

/* "an object", "a string" */
static const char *type_words(const struct kubeconfig_loader *loader, const cJSON *node)
{
    const char *type = json_type_name(node);
    return arena_printf(loader->arena, "%s %s", strchr("ao", type[0]) != NULL ? "an" : "a", type);
}

static int wrong_type(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *entry,
                      const cJSON *node, const char *key, const char *wanted)
{
    return kubeconfig_wrong(loader, entry->file, node, "%s: %s is %s, not a %s%s", entry->what, key,
                            type_words(loader, node), wanted,
                            strcmp(wanted, "string") == 0 && !json_is_array(node) &&
                                    !json_is_object(node)
                                ? ": quote it"
                                : "");
}

int kubeconfig_string(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *entry,
                      const cJSON *object, const char *key, const char **ret_text)
{
    const cJSON *node = json_get(object, key);
    if (node == NULL)
        return 0;
    if (!json_is_string(node))
        return wrong_type(loader, entry, node, key, "string");
    if (node->valuestring[0] != '\0')
        *ret_text = node->valuestring;
    return 0;
}

int kubeconfig_strings(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *entry,
                       const cJSON *object, const char *key, const char *const **ret_texts)
{
    const cJSON *list = json_get(object, key);
    if (list == NULL)
        return 0;
    if (!json_is_array(list))
        return wrong_type(loader, entry, list, key, "list");
    const char **texts = arena_array(loader->arena, json_count(list) + 1, sizeof *texts);
    size_t count = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        if (!json_is_string(item))
            return wrong_type(loader, entry, item, key, "list of strings");
        texts[count++] = item->valuestring;
    }
    *ret_texts = texts;
    return 0;
}

int kubeconfig_bool(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *entry,
                    const cJSON *object, const char *key, bool *ret_value)
{
    const cJSON *node = json_get(object, key);
    if (node != NULL && !json_is_bool(node))
        return wrong_type(loader, entry, node, key, "boolean");
    *ret_value = json_is_true(node);
    return 0;
}

/* ---- files ------------------------------------------------------------------------------ */

/* Each of the three lists has objects {name, BODY: {}}. */
static int check_list(const struct kubeconfig_loader *loader, const struct kubeconfig_file *file,
                      const char *list_key, const char *body_key)
{
    const cJSON *list = json_get(file->root, list_key);
    if (list != NULL && !json_is_array(list))
        return kubeconfig_wrong(loader, file, list, "%s is %s, not a list", list_key,
                                type_words(loader, list));
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        const cJSON *body = json_get(item, body_key);
        if (json_get_string(item, "name") == NULL)
            return kubeconfig_wrong(loader, file, item, "an item of %s without a name", list_key);
        if (body != NULL && !json_is_object(body))
            return kubeconfig_wrong(loader, file, body, "%s is %s, not an object", body_key,
                                    type_words(loader, body));
    }
    return 0;
}

static int check_root(const struct kubeconfig_loader *loader, struct kubeconfig_file *file)
{
    if (!json_is_object(file->root))
        return kubeconfig_wrong(loader, file, NULL, "is no kubeconfig, but %s",
                                type_words(loader, file->root));
    const char *kind = json_get_string(file->root, "kind");
    if (kind != NULL && strcmp(kind, "Config") != 0)
        return kubeconfig_wrong(loader, file, NULL, "is no kubeconfig, but has the kind %s",
                                say_visible(loader->arena, kind, RUNES_SHOWN));
    const cJSON *current = json_get(file->root, "current-context");
    if (current != NULL && !json_is_string(current))
        return kubeconfig_wrong(loader, file, current, "current-context is no string: quote it");
    int rc = check_list(loader, file, "clusters", "cluster");
    if (rc == 0)
        rc = check_list(loader, file, "users", "user");
    return rc == 0 ? check_list(loader, file, "contexts", "context") : rc;
}

static int read_file(const struct kubeconfig_loader *loader, struct kubeconfig_file *file)
{
    const char *text;
    size_t length;
    struct yaml_documents documents;
    struct err why;
    int rc = file_read(loader->arena, file->path, LIMIT_KUBECONFIG_BYTES, &text, &length, &why);
    if (rc == -ERR_NO_MEMORY)
        return err_set(loader->err, ERR_NO_MEMORY, "out of memory");
    if (rc < 0)
        return kubeconfig_wrong(loader, file, NULL, "%s", why.text);
    rc = yaml_parse(loader->arena, text, length, YAML_KUBECTL, &documents, &why);
    if (rc == -ERR_NO_MEMORY)
        return err_set(loader->err, ERR_NO_MEMORY, "out of memory");
    if (rc < 0)
        return kubeconfig_wrong(loader, file, NULL, "is not YAML: %s", why.text);
    if (documents.count == 0)
        return 0;
    if (documents.count > 1)
        return kubeconfig_wrong(loader, file, documents.roots[1],
                                "has %zu documents: a kubeconfig is one", documents.count);
    file->root = documents.roots[0];
    return check_root(loader, file);
}

/* The files to read, named by --kubeconfig, KUBECONFIG or custom; *ret_named: by whom. */
static void add_file(struct kubeconfig_loader *loader, const char *path)
{
    loader->files[loader->count++] = (struct kubeconfig_file){.path = path, .folder_of = path};
}

static void add_listed(struct kubeconfig_loader *loader, const char *list)
{
    loader->files = arena_array(loader->arena, strlen(list) + 1, sizeof *loader->files);
    while (*list != '\0') {
        const size_t length = strcspn(list, ":");
        const char *path = arena_strndup(loader->arena, list, length);
        if (length > 0 && file_exists(path))
            add_file(loader, path);
        list += length + (list[length] == ':');
    }
}

/* 1: there is no file, and none was named. */
static int find_files(struct kubeconfig_loader *loader, const char *path)
{
    const char *listed = getenv("KUBECONFIG"), *home = getenv("HOME");
    if (path == NULL && listed != NULL && listed[0] != '\0') {
        add_listed(loader, listed);
        if (loader->count > 0)
            return 0;
        return say_fail(loader->arena, loader->err, ERR_KUBECONFIG,
                        "KUBECONFIG names %s, which does not exist",
                        say_visible(loader->arena, listed, PATHS_SHOWN));
    }
    loader->files = arena_alloc(loader->arena, sizeof *loader->files);
    if (path != NULL) {
        add_file(loader, path);
        return 0;
    }
    path = home != NULL ? arena_printf(loader->arena, "%s/.kube/config", home) : K3S_PATH;
    if (!file_exists(path))
        path = K3S_PATH;
    if (!file_exists(path))
        return 1;
    add_file(loader, path);
    return 0;
}

static int read_files(struct kubeconfig_loader *loader)
{
    struct buf names;
    buf_init(&names, loader->arena, LIMIT_KUBECONFIG_BYTES);
    for (size_t i = 0; i < loader->count; i++) {
        const int rc = read_file(loader, &loader->files[i]);
        if (rc < 0)
            return rc;
        buf_add_string(&names, i > 0 ? ":" : "");
        buf_add_string(&names, loader->files[i].path);
    }
    loader->names = say_visible(loader->arena, names.data, PATHS_SHOWN);
    return 0;
}

/* ---- contexts --------------------------------------------------------------------------- */

/* The first file that has an entry of that name wins. */
static bool find_entry(const struct kubeconfig_loader *loader, const char *list_key,
                       const char *body_key, const char *name, struct kubeconfig_entry *ret_entry)
{
    for (size_t i = 0; i < loader->count; i++) {
        const cJSON *list = json_get(loader->files[i].root, list_key);
        for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL;
             item = item->next) {
            if (strcmp(json_get_string(item, "name"), name) != 0)
                continue;
            *ret_entry = (struct kubeconfig_entry){
                .what = arena_printf(loader->arena, "%s \"%s\"", body_key,
                                     say_visible(loader->arena, name, RUNES_SHOWN)),
                .file = &loader->files[i],
                .item = item,
                .body = json_get(item, body_key),
            };
            return true;
        }
    }
    return false;
}

/* "a, b, c" */
static const char *known_contexts(const struct kubeconfig_loader *loader)
{
    struct buf names;
    size_t count = 0;
    buf_init(&names, loader->arena, NAMES_SHOWN * (RUNES_SHOWN * 4 + 8));
    for (size_t i = 0; i < loader->count; i++) {
        const cJSON *list = json_get(loader->files[i].root, "contexts");
        for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL;
             item = item->next) {
            if (++count > NAMES_SHOWN)
                continue;
            buf_add_string(&names, count > 1 ? ", " : "");
            buf_add_visible(&names, json_get_string(item, "name"), RUNES_SHOWN);
        }
    }
    if (count > NAMES_SHOWN)
        buf_add_string(&names, ", ...");
    return count > 0 ? arena_printf(loader->arena, "there are: %s", names.data) : "there are none";
}

static int find_context(const struct kubeconfig_loader *loader, const char *wanted,
                        struct kubeconfig_entry *ret_context)
{
    const char *name = wanted;
    for (size_t i = 0; i < loader->count && name == NULL; i++) {
        name = json_get_string(loader->files[i].root, "current-context");
        name = name != NULL && name[0] != '\0' ? name : NULL;
    }
    if (name == NULL)
        return say_fail(loader->arena, loader->err, ERR_KUBECONFIG,
                        "%s: has no current-context: name one with --context (%s)", loader->names,
                        known_contexts(loader));
    if (find_entry(loader, "contexts", "context", name, ret_context))
        return 0;
    return say_fail(loader->arena, loader->err, ERR_KUBECONFIG, "%s: has no context \"%s\" (%s)",
                    loader->names, say_visible(loader->arena, name, RUNES_SHOWN),
                    known_contexts(loader));
}

/* The cluster or user that the context names; the latter may be absent: *ret_entry has no file. */
static int follow(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *context,
                  const char *list_key, const char *key, struct kubeconfig_entry *ret_entry)
{
    const char *name = NULL;
    const int rc = kubeconfig_string(loader, context, context->body, key, &name);
    if (rc < 0)
        return rc;
    if (name == NULL && strcmp(key, "user") == 0)
        return 0;
    if (name == NULL)
        return kubeconfig_wrong(loader, context->file, context->item, "%s names no %s",
                                context->what, key);
    if (find_entry(loader, list_key, key, name, ret_entry))
        return 0;
    return kubeconfig_wrong(loader, context->file, context->item,
                            "%s names the %s \"%s\", which does not exist", context->what, key,
                            say_visible(loader->arena, name, RUNES_SHOWN));
}

static int read_context(const struct kubeconfig_loader *loader,
                        const struct kubeconfig_entry *context, struct kube_config *config)
{
    struct kubeconfig_entry cluster, user = {.file = NULL};
    int rc = kubeconfig_string(loader, context, context->body, "namespace", &config->namespace_);
    if (rc == 0)
        rc = follow(loader, context, "clusters", "cluster", &cluster);
    if (rc == 0)
        rc = follow(loader, context, "users", "user", &user);
    if (rc == 0)
        rc = kubeconfig_read_cluster(loader, &cluster, config);
    if (rc == 0 && user.file != NULL)
        rc = kubeconfig_read_user(loader, &user, config);
    if (rc == 0 && user.file != NULL)
        rc = kubeconfig_read_exec(loader, &user, &cluster, config);
    return rc;
}

/* ---- the whole -------------------------------------------------------------------------- */

static int check_impersonation(const struct kube_config *config, struct err *reterr)
{
    if (config->as_user == NULL && config->as_groups != NULL && config->as_groups[0] != NULL)
        return err_set(reterr, ERR_KUBECONFIG, "%s: as-groups without as", config->origin);
    if (config->as_user != NULL && !say_fits_header(config->as_user))
        return err_set(reterr, ERR_KUBECONFIG, "%s: a control character in the impersonated name",
                       config->origin);
    for (size_t i = 0; config->as_groups != NULL && config->as_groups[i] != NULL; i++)
        if (!say_fits_header(config->as_groups[i]))
            return err_set(reterr, ERR_KUBECONFIG,
                           "%s: a control character in an impersonated group", config->origin);
    return 0;
}

static int load(struct kubeconfig_loader *loader, const struct kubeconfig_choice *choice,
                struct kube_config *config)
{
    struct kubeconfig_entry context = {.file = NULL};
    int rc = read_files(loader);
    if (rc == 0)
        rc = find_context(loader, choice->context, &context);
    if (rc < 0 || context.file == NULL)
        return rc;
    config->origin =
        arena_printf(loader->arena, "%s, %s",
                     say_visible(loader->arena, context.file->path, PATHS_SHOWN), context.what);
    rc = read_context(loader, &context, config);
    if (choice->as_user != NULL)
        config->as_user = arena_strdup(loader->arena, choice->as_user);
    if (config->namespace_ == NULL)
        config->namespace_ = "default";
    return rc == 0 ? check_impersonation(config, loader->err) : rc;
}

static int load_nothing(struct arena *arena, const struct kubeconfig_choice *choice,
                        const struct kube_config **ret_config, struct err *reterr)
{
    const struct kube_config *found;
    const int rc = kubeconfig_in_cluster(arena, NULL, &found, reterr);
    if (rc < 0 && getenv("KUBERNETES_SERVICE_HOST") == NULL)
        return err_set(reterr, ERR_KUBECONFIG,
                       "no kubeconfig: neither --kubeconfig nor KUBECONFIG names one, "
                       "~/.kube/config and " K3S_PATH " do not exist, and this is no pod");
    if (rc < 0)
        return rc;
    if (choice->context != NULL)
        return say_fail(arena, reterr, ERR_KUBECONFIG,
                        "no kubeconfig, so no context \"%s\": this is a pod",
                        say_visible(arena, choice->context, RUNES_SHOWN));
    struct kube_config *config = arena_alloc(arena, sizeof *config);
    *config = *found;
    if (choice->as_user != NULL)
        config->as_user = arena_strdup(arena, choice->as_user);
    *ret_config = config;
    return check_impersonation(config, reterr);
}

int kubeconfig_load(struct arena *arena, const struct kubeconfig_choice *choice,
                    const struct kube_config **ret_config, struct err *reterr)
{
    struct kubeconfig_loader loader = {.arena = arena, .err = reterr};
    int rc = find_files(&loader, choice->path);
    if (rc < 0)
        return rc;
    if (rc > 0)
        return load_nothing(arena, choice, ret_config, reterr);
    struct kube_config *config = arena_alloc(arena, sizeof *config);
    rc = load(&loader, choice, config);
    if (rc == 0)
        *ret_config = config;
    return rc;
}
