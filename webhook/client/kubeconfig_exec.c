#include "client/file.h"
#include "client/kubeconfig_internal.h"
#include "client/say.h"

#include <string.h>

static const struct {
    const char *name;
    enum kube_interactive mode;
} modes[] = {
    {"Never", KUBE_INTERACTIVE_NEVER},
    {"IfAvailable", KUBE_INTERACTIVE_IF_TERMINAL},
    {"Always", KUBE_INTERACTIVE_ALWAYS},
};

static int read_mode(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *user,
                     const cJSON *object, struct kube_exec *exec)
{
    const char *text = NULL;
    const int rc = kubeconfig_string(loader, user, object, "interactiveMode", &text);
    exec->interactive = KUBE_INTERACTIVE_IF_TERMINAL;
    if (rc < 0 || text == NULL)
        return rc;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, text) == 0) {
            exec->interactive = modes[i].mode;
            return 0;
        }
    }
    return kubeconfig_wrong(loader, user->file, json_get(object, "interactiveMode"),
                            "%s: exec: interactiveMode is not Never, IfAvailable or Always",
                            user->what);
}

static int check_version(const struct kubeconfig_loader *loader,
                         const struct kubeconfig_entry *user, const cJSON *object,
                         const char *version)
{
    if (version != NULL && (strcmp(version, "client.authentication.k8s.io/v1") == 0 ||
                            strcmp(version, "client.authentication.k8s.io/v1beta1") == 0))
        return 0;
    return kubeconfig_wrong(loader, user->file, object,
                            "%s: exec: apiVersion is %s%s, not client.authentication.k8s.io/v1 or "
                            "v1beta1",
                            user->what, version != NULL ? "" : "not given",
                            version != NULL ? say_visible(loader->arena, version, 60) : "");
}

/* The program, found beside the file if it has a relative path, and its arguments. */
static int read_argv(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *user,
                     const cJSON *object, struct kube_exec *exec)
{
    const char *command = NULL;
    const char *const *args = NULL;
    int rc = kubeconfig_string(loader, user, object, "command", &command);
    if (rc == 0)
        rc = kubeconfig_strings(loader, user, object, "args", &args);
    if (rc < 0)
        return rc;
    if (command == NULL)
        return kubeconfig_wrong(loader, user->file, object, "%s: exec has no command", user->what);
    size_t count = 0;
    while (args != NULL && args[count] != NULL)
        count++;
    const char **argv = arena_array(loader->arena, count + 2, sizeof *argv);
    argv[0] = strchr(command, '/') != NULL
                  ? file_beside(loader->arena, user->file->folder_of, command)
                  : command;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = args[i];
    exec->argv = argv;
    return 0;
}

static int read_environment(const struct kubeconfig_loader *loader,
                            const struct kubeconfig_entry *user, const cJSON *object,
                            struct kube_exec *exec)
{
    const cJSON *list = json_get(object, "env");
    const char **pairs = arena_array(loader->arena, json_count(list) + 1, sizeof *pairs);
    size_t count = 0;
    if (list != NULL && !json_is_array(list))
        return kubeconfig_wrong(loader, user->file, list, "%s: exec: env is no list", user->what);
    for (const cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        const char *name = json_get_string(item, "name"), *value = json_get_string(item, "value");
        if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
            return kubeconfig_wrong(loader, user->file, item, "%s: exec: an env without a name",
                                    user->what);
        pairs[count++] = arena_printf(loader->arena, "%s=%s", name, value != NULL ? value : "");
    }
    exec->environment = pairs;
    return 0;
}

/* The extension that a cluster may have for plugins: handed on as it is. */
static const char *find_cluster_config(struct arena *arena, const cJSON *cluster)
{
    const cJSON *list = json_get(cluster, "extensions");
    for (const cJSON *item = json_is_array(list) ? list->child : NULL; item != NULL;
         item = item->next) {
        const char *name = json_get_string(item, "name");
        const cJSON *extension = json_get(item, "extension");
        if (name == NULL || strcmp(name, "client.authentication.k8s.io/exec") != 0 ||
            extension == NULL)
            continue;
        struct buf text;
        buf_init(&text, arena, 1UL << 20);
        json_write(&text, extension);
        return text.failed ? NULL : text.data;
    }
    return NULL;
}

int kubeconfig_read_exec(const struct kubeconfig_loader *loader,
                         const struct kubeconfig_entry *user,
                         const struct kubeconfig_entry *cluster, struct kube_config *config)
{
    const cJSON *object = json_get(user->body, "exec");
    if (object == NULL)
        return 0;
    if (!json_is_object(object))
        return kubeconfig_wrong(loader, user->file, object, "%s: exec is no object", user->what);
    struct kube_exec *exec = arena_alloc(loader->arena, sizeof *exec);
    int rc = kubeconfig_string(loader, user, object, "apiVersion", &exec->api_version);
    if (rc == 0)
        rc = check_version(loader, user, object, exec->api_version);
    if (rc == 0)
        rc = read_argv(loader, user, object, exec);
    if (rc == 0)
        rc = read_environment(loader, user, object, exec);
    if (rc == 0)
        rc = kubeconfig_string(loader, user, object, "installHint", &exec->install_hint);
    if (rc == 0)
        rc = kubeconfig_bool(loader, user, object, "provideClusterInfo",
                             &exec->provides_cluster_info);
    if (rc == 0)
        rc = read_mode(loader, user, object, exec);
    if (rc < 0)
        return rc;
    if (exec->provides_cluster_info)
        exec->cluster_config = find_cluster_config(loader->arena, cluster->body);
    config->exec = exec;
    return 0;
}
