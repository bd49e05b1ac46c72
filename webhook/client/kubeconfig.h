/* Where the API server is, and who we are to it.
 *
 *     flags, KUBECONFIG, ~/.kube/config  --kubeconfig_load-->  struct kube_config
 *     /var/run/secrets/...               --kubeconfig_in_cluster-->
 *
 * A kubeconfig as kubectl reads it (client-go's clientcmd, v1 Config): several files merged, the
 * first that names a thing wins; relative paths are relative to their file; certificates and keys
 * as files or as data; token, tokenFile, exec (client.authentication.k8s.io/v1 and v1beta1),
 * as/as-groups, tls-server-name, insecure-skip-tls-verify, proxy-url.  Not supported, and said so
 * by name: username/password and auth-provider, which Kubernetes has removed; as-uid and
 * as-user-extra.  http:// only to this machine (kubectl proxy): a token would travel in clear.
 */
#ifndef PROCTOR_CLIENT_KUBECONFIG_H
#define PROCTOR_CLIENT_KUBECONFIG_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a plugin may ask the person: gets our stdin. */
enum kube_interactive {
    KUBE_INTERACTIVE_NEVER,
    KUBE_INTERACTIVE_IF_TERMINAL,
    KUBE_INTERACTIVE_ALWAYS
};

/* A credential plugin: a program that prints an ExecCredential. */
struct kube_exec {
    const char *api_version;
    const char *const *argv; /* argv[0] with its path if relative to the file; ends with NULL */
    const char *const *environment; /* NAME=value, beside the inherited; ends with NULL */
    const char *install_hint;       /* NULL: none */
    enum kube_interactive interactive;
    bool provides_cluster_info;
    const char *cluster_config; /* JSON that the cluster has for plugins, passed on; NULL: none */
};

/* All strings live in the arena that it was loaded into, keys and tokens too: they are wiped when
 * nobody else needs them, which only the owner of the arena knows.  NULL: not given. */
struct kube_config {
    const char *origin; /* for messages: "FILE, context k3s" or "in-cluster" */
    const char *server; /* https://host:port[/prefix], without a slash at the end */
    const char *ca_pem;
    const char *tls_server_name;
    const char *proxy_url;
    bool insecure;
    const char *client_cert_pem;
    const char *client_key_pem;
    const char *token;
    const char *token_file; /* read again as it changes: bound tokens expire */
    const struct kube_exec *exec;
    const char *as_user; /* impersonation */
    const char *const *as_groups;
    const char *namespace_; /* of the context; "default" if it has none */
};

struct kubeconfig_choice {
    const char *path;    /* --kubeconfig; NULL: KUBECONFIG (a list), then ~/.kube/config, then, if
                            neither exists, k3s' own /etc/rancher/k3s/k3s.yaml, then in-cluster */
    const char *context; /* --context; NULL: current-context */
    const char *as_user; /* --as; NULL: the context's */
};

/* ERR_KUBECONFIG with file, line where it is known, field and what to do: no file at all,
 * unreadable, not YAML, an unknown context (the known ones are named), a context whose cluster or
 * user is missing, no server, no http(s) address, data that is not base64 or not PEM, a key that
 * is not the certificate's, a certificate that has expired. */
NODISCARD int kubeconfig_load(struct arena *arena, const struct kubeconfig_choice *choice,
                              const struct kube_config **ret_config, struct err *reterr);

/* From a pod's own service account: KUBERNETES_SERVICE_HOST and _PORT, and `folder` (NULL:
 * /var/run/secrets/kubernetes.io/serviceaccount).  ERR_KUBECONFIG if this is no pod. */
NODISCARD int kubeconfig_in_cluster(struct arena *arena, const char *folder,
                                    const struct kube_config **ret_config, struct err *reterr);

#endif
