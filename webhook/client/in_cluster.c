#include "base/limits.h"
#include "client/file.h"
#include "client/kubeconfig_internal.h"
#include "client/pem.h"
#include "client/say.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"

static int read_part(struct arena *arena, const char *folder, const char *name, size_t most,
                     const char **ret_path, const char **ret_text, struct err *reterr)
{
    size_t length;
    *ret_path = arena_printf(arena, "%s/%s", folder, name);
    const int rc = file_read(arena, *ret_path, most, ret_text, &length, reterr);
    if (rc == 0 || rc == -ERR_NO_MEMORY)
        return rc;
    struct err why = *reterr;
    return say_fail(arena, reterr, ERR_KUBECONFIG,
                    "in-cluster: %s %s (is a service account's token mounted?)",
                    say_visible(arena, *ret_path, 160), why.text);
}

int kubeconfig_in_cluster(struct arena *arena, const char *folder,
                          const struct kube_config **ret_config, struct err *reterr)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    const char *path, *token, *space;
    struct err why = {.code = ERR_NONE};
    if (host == NULL || port == NULL || host[0] == '\0' || port[0] == '\0')
        return err_set(reterr, ERR_KUBECONFIG,
                       "in-cluster: this is no pod: KUBERNETES_SERVICE_HOST and "
                       "KUBERNETES_SERVICE_PORT are not set");
    struct kube_config *config = arena_alloc(arena, sizeof *config);
    folder = folder != NULL ? folder : FOLDER;
    config->origin = "in-cluster";
    config->server = arena_printf(
        arena, strchr(host, ':') != NULL ? "https://[%s]:%s" : "https://%s:%s", host, port);
    const char *wrong = kubeconfig_check_server(config->server);
    if (wrong != NULL)
        return say_fail(arena, reterr, ERR_KUBECONFIG,
                        "in-cluster: KUBERNETES_SERVICE_HOST and _PORT: %s %s",
                        say_visible(arena, config->server, 100), wrong);
    int rc =
        read_part(arena, folder, "token", LIMIT_TOKEN_BYTES, &config->token_file, &token, &why);
    if (rc == 0)
        rc = read_part(arena, folder, "ca.crt", LIMIT_KUBECONFIG_BYTES, &path, &config->ca_pem,
                       &why);
    if (rc == 0 && (rc = pem_check_certs(config->ca_pem, &why)) < 0)
        err_wrap(&why, "in-cluster: %s/ca.crt", folder);
    if (rc < 0)
        return err_set(reterr, why.code, "%s", why.text);
    /* Only convenience: a projected token may come without it. */
    config->namespace_ = read_part(arena, folder, "namespace", 1024, &path, &space, &why) == 0
                             ? arena_strndup(arena, space, strcspn(space, "\r\n"))
                             : "default";
    *ret_config = config;
    return 0;
}
