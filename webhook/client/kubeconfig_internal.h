/* Between the files of kubeconfig: which files there are, and what a context says. */
#ifndef PROCTOR_CLIENT_KUBECONFIG_INTERNAL_H
#define PROCTOR_CLIENT_KUBECONFIG_INTERNAL_H

#include "base/json.h"
#include "client/kubeconfig.h"

/* A kubeconfig file; several are looked through in their order. */
struct kubeconfig_file {
    const char *path;
    const char *folder_of; /* what relative paths in it are beside */
    const cJSON *root;     /* an object, its lists checked; NULL: an empty file */
};

struct kubeconfig_loader {
    struct arena *arena;
    struct kubeconfig_file *files;
    size_t count;
    const char *names; /* all paths, for messages */
    struct err *err;
};

/* A cluster, user or context: the object in it, and where it stands. */
struct kubeconfig_entry {
    const char *what; /* "user \"anna\"", visible */
    const struct kubeconfig_file *file;
    const cJSON *item; /* {name, cluster: {}} */
    const cJSON *body;
};

/* "FILE: line N: words" as ERR_KUBECONFIG. */
int kubeconfig_wrong(const struct kubeconfig_loader *loader, const struct kubeconfig_file *file,
                     const cJSON *node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __clang_analyzer__
#define kubeconfig_wrong(loader, file, node, ...)                                                  \
    (kubeconfig_wrong(loader, file, node, __VA_ARGS__), -(int)ERR_KUBECONFIG)
#endif

/* A member that must be a string if it is there; "" and null count as absent (NULL). */
NODISCARD int kubeconfig_string(const struct kubeconfig_loader *loader,
                                const struct kubeconfig_entry *entry, const cJSON *object,
                                const char *key, const char **ret_text);

/* The same for a list of strings (NULL if absent; ends with NULL), and for a boolean. */
NODISCARD int kubeconfig_strings(const struct kubeconfig_loader *loader,
                                 const struct kubeconfig_entry *entry, const cJSON *object,
                                 const char *key, const char *const **ret_texts);
NODISCARD int kubeconfig_bool(const struct kubeconfig_loader *loader,
                              const struct kubeconfig_entry *entry, const cJSON *object,
                              const char *key, bool *ret_value);

/* What cluster and user say, checked and put into *config. */
NODISCARD int kubeconfig_read_cluster(const struct kubeconfig_loader *loader,
                                      const struct kubeconfig_entry *cluster,
                                      struct kube_config *config);
NODISCARD int kubeconfig_read_user(const struct kubeconfig_loader *loader,
                                   const struct kubeconfig_entry *user, struct kube_config *config);
NODISCARD int kubeconfig_read_exec(const struct kubeconfig_loader *loader,
                                   const struct kubeconfig_entry *user,
                                   const struct kubeconfig_entry *cluster,
                                   struct kube_config *config);

/* What is wrong with an API server's address; NULL: nothing. */
const char *kubeconfig_check_server(const char *server);

#endif
