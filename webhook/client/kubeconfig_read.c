#include "base/clock.h"
#include "base/limits.h"
#include "client/file.h"
#include "client/kubeconfig_internal.h"
#include "client/pem.h"
#include "client/say.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#define RUNES_SHOWN 100

/* ---- the server's address --------------------------------------------------------------- */

static bool is_this_machine(const char *host)
{
    struct in_addr address;
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    const bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static const char *check_url(CURLU *url, const char *server)
{
    if (!say_fits_header(server) || strchr(server, ' ') != NULL ||
        curl_url_set(url, CURLUPART_URL, server, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return "is no address: write https://HOST:PORT";
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        return "has a name or password in it, which Kubernetes has removed";
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return "has more than https://HOST:PORT/PREFIX";
    char *scheme = NULL, *host = NULL;
    const char *wrong = NULL;
    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (scheme == NULL || host == NULL)
        wrong = "is no address: write https://HOST:PORT";
    else if (strcmp(scheme, "http") == 0 && !is_this_machine(host))
        wrong = "is http:// to another machine, where anyone reads along: use https://";
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        wrong = "is no https:// address";
    curl_free(scheme);
    curl_free(host);
    return wrong;
}

const char *kubeconfig_check_server(const char *server)
{
    CURLU *url = curl_url();
    const char *wrong = url != NULL ? check_url(url, server) : "cannot be looked at: no memory";
    curl_url_cleanup(url);
    return wrong;
}

static int read_server(const struct kubeconfig_loader *loader,
                       const struct kubeconfig_entry *cluster, struct kube_config *config)
{
    const char *server = NULL;
    const int rc = kubeconfig_string(loader, cluster, cluster->body, "server", &server);
    if (rc < 0)
        return rc;
    if (server == NULL)
        return kubeconfig_wrong(loader, cluster->file, cluster->item, "%s has no server",
                                cluster->what);
    const char *wrong = kubeconfig_check_server(server);
    if (wrong != NULL)
        return kubeconfig_wrong(loader, cluster->file, json_get(cluster->body, "server"),
                                "%s: its server %s %s", cluster->what,
                                strchr(server, '@') != NULL
                                    ? "(not shown)"
                                    : say_visible(loader->arena, server, RUNES_SHOWN),
                                wrong);
    size_t length = strlen(server);
    while (server[length - 1] == '/')
        length--;
    config->server = arena_strndup(loader->arena, server, length);
    return 0;
}

/* ---- certificates and keys -------------------------------------------------------------- */

/* NAME-data, else the file NAME. */
static int read_pem(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *entry,
                    const char *key, const char **ret_pem)
{
    const char *data_key = arena_printf(loader->arena, "%s-data", key);
    const char *data = NULL, *path = NULL;
    size_t length;
    struct err why;
    int rc = kubeconfig_string(loader, entry, entry->body, data_key, &data);
    if (rc == 0)
        rc = kubeconfig_string(loader, entry, entry->body, key, &path);
    if (rc < 0)
        return rc;
    if (data != NULL) {
        if (pem_decode_base64(loader->arena, data, ret_pem, &why) == 0)
            return 0;
        return kubeconfig_wrong(loader, entry->file, json_get(entry->body, data_key), "%s: %s %s",
                                entry->what, data_key, why.text);
    }
    if (path == NULL)
        return 0;
    path = file_beside(loader->arena, entry->file->folder_of, path);
    rc = file_read(loader->arena, path, LIMIT_KUBECONFIG_BYTES, ret_pem, &length, &why);
    if (rc == 0)
        return 0;
    return kubeconfig_wrong(loader, entry->file, json_get(entry->body, key), "%s: %s %s %s",
                            entry->what, key, say_visible(loader->arena, path, RUNES_SHOWN),
                            why.text);
}

static int check_ca(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *cluster,
                    const struct kube_config *config)
{
    struct err why;
    if (config->ca_pem == NULL)
        return 0;
    if (config->insecure)
        return kubeconfig_wrong(loader, cluster->file, cluster->item,
                                "%s: has insecure-skip-tls-verify beside a certificate-authority: "
                                "take the first out",
                                cluster->what);
    if (pem_check_certs(config->ca_pem, &why) == 0)
        return 0;
    return kubeconfig_wrong(loader, cluster->file, cluster->item, "%s: certificate-authority %s",
                            cluster->what, why.text);
}

int kubeconfig_read_cluster(const struct kubeconfig_loader *loader,
                            const struct kubeconfig_entry *cluster, struct kube_config *config)
{
    const cJSON *body = cluster->body;
    int rc = read_server(loader, cluster, config);
    if (rc == 0)
        rc = read_pem(loader, cluster, "certificate-authority", &config->ca_pem);
    if (rc == 0)
        rc = kubeconfig_string(loader, cluster, body, "tls-server-name", &config->tls_server_name);
    if (rc == 0)
        rc = kubeconfig_string(loader, cluster, body, "proxy-url", &config->proxy_url);
    if (rc == 0)
        rc = kubeconfig_bool(loader, cluster, body, "insecure-skip-tls-verify", &config->insecure);
    return rc == 0 ? check_ca(loader, cluster, config) : rc;
}

static int check_pair(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *user,
                      const struct kube_config *config)
{
    struct err why;
    const bool cert = config->client_cert_pem != NULL, key = config->client_key_pem != NULL;
    if (!cert && !key)
        return 0;
    if (cert != key)
        return kubeconfig_wrong(loader, user->file, user->item, "%s: has a %s without a %s",
                                user->what, cert ? "client-certificate" : "client-key",
                                cert ? "client-key" : "client-certificate");
    if (pem_check_pair(config->client_cert_pem, config->client_key_pem, clock_unix(), &why) == 0)
        return 0;
    return kubeconfig_wrong(loader, user->file, user->item, "%s: %s", user->what, why.text);
}

/* ---- users ------------------------------------------------------------------------------ */

static const struct {
    const char *key;
    const char *words;
} refused[] = {
    {"username", "username and password are not supported: Kubernetes has removed them"},
    {"password", "username and password are not supported: Kubernetes has removed them"},
    {"auth-provider", "auth-provider is not supported: Kubernetes has removed it, use exec"},
    {"as-uid", "as-uid is not supported"},
    {"as-user-extra", "as-user-extra is not supported"},
};

static int refuse_unsupported(const struct kubeconfig_loader *loader,
                              const struct kubeconfig_entry *user)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const cJSON *node = json_get(user->body, refused[i].key);
        if (node != NULL && !(json_is_string(node) && node->valuestring[0] == '\0') &&
            !(json_is_object(node) && node->child == NULL))
            return kubeconfig_wrong(loader, user->file, node, "%s: %s", user->what,
                                    refused[i].words);
    }
    return 0;
}

static int check_token(const struct kubeconfig_loader *loader, const struct kubeconfig_entry *user,
                       struct kube_config *config)
{
    struct err why;
    const char *text;
    size_t length;
    if (config->token != NULL && !say_fits_header(config->token))
        return kubeconfig_wrong(loader, user->file, json_get(user->body, "token"),
                                "%s: a control character in its token", user->what);
    if (config->token_file == NULL)
        return 0;
    config->token_file = file_beside(loader->arena, user->file->folder_of, config->token_file);
    if (config->token != NULL ||
        file_read(loader->arena, config->token_file, LIMIT_TOKEN_BYTES, &text, &length, &why) == 0)
        return 0;
    return kubeconfig_wrong(loader, user->file, json_get(user->body, "tokenFile"),
                            "%s: tokenFile %s %s", user->what,
                            say_visible(loader->arena, config->token_file, RUNES_SHOWN), why.text);
}

int kubeconfig_read_user(const struct kubeconfig_loader *loader,
                         const struct kubeconfig_entry *user, struct kube_config *config)
{
    const cJSON *body = user->body;
    int rc = refuse_unsupported(loader, user);
    if (rc == 0)
        rc = read_pem(loader, user, "client-certificate", &config->client_cert_pem);
    if (rc == 0)
        rc = read_pem(loader, user, "client-key", &config->client_key_pem);
    if (rc == 0)
        rc = kubeconfig_string(loader, user, body, "token", &config->token);
    if (rc == 0)
        rc = kubeconfig_string(loader, user, body, "tokenFile", &config->token_file);
    if (rc == 0)
        rc = kubeconfig_string(loader, user, body, "as", &config->as_user);
    if (rc == 0)
        rc = kubeconfig_strings(loader, user, body, "as-groups", &config->as_groups);
    if (rc == 0)
        rc = check_pair(loader, user, config);
    return rc == 0 ? check_token(loader, user, config) : rc;
}
