#include "cli/cluster/cluster.h"

#include "base/limits.h"

#include <string.h>

#define ARENA_BYTES    (256 * LIMIT_MIB)
#define NAME_MAX_BYTES 63U

/* A DNS label (RFC 1123), as a namespace's name is. */
static bool is_label(const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length > NAME_MAX_BYTES || text[0] == '-' || text[length - 1] == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static int connect_to(const struct cli *cli, struct cluster *cluster, struct err *reterr)
{
    const struct kubeconfig_choice choice = {.path = cli_flag_string(cli, "kubeconfig"),
                                             .context = cli_flag_string(cli, "context"),
                                             .as_user = cli_flag_string(cli, "as")};
    const struct client_options options = {0};
    int r = kubeconfig_load(&cluster->arena, &choice, &cluster->config, reterr);
    if (r < 0)
        return r;
    return client_new(cluster->config, &options, &cluster->client, reterr);
}

int cluster_open(const struct cli *cli, struct cluster *cluster, struct err *reterr)
{
    memset(cluster, 0, sizeof *cluster);
    cluster->space = cli_flag_string(cli, "namespace");
    cluster->json = strcmp(cli_flag_string(cli, "output"), "json") == 0;
    if (!is_label(cluster->space))
        return err_set(reterr, ERR_USAGE, "--namespace %s: no name of a namespace", cluster->space);
    arena_init(&cluster->arena, ARENA_BYTES);
    cluster->arena_before = arena_use(&cluster->arena);
    int r = connect_to(cli, cluster, reterr);
    if (r < 0)
        cluster_close(cluster);
    return r;
}

void cluster_close(struct cluster *cluster)
{
    client_free(cluster->client);
    cluster->client = NULL;
    arena_use(cluster->arena_before);
    arena_done(&cluster->arena);
}

int cluster_whoami(struct cluster *cluster, struct kube_client *client, cJSON **ret_user,
                   struct err *reterr)
{
    struct arena *arena = &cluster->arena;
    cJSON *answer, *question = json_new_object(arena);
    json_add(arena, question, "apiVersion", json_new_string(arena, "authentication.k8s.io/v1"));
    json_add(arena, question, "kind", json_new_string(arena, "SelfSubjectReview"));
    int r = client_create(client, arena, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                          question, &answer, reterr);
    if (r < 0)
        return r;
    cJSON *user = json_path(answer, "status", "userInfo", NULL);
    if (json_get_string(user, "username") == NULL)
        return err_set(reterr, ERR_ANSWER, "the API server's SelfSubjectReview names nobody");
    *ret_user = user;
    return 0;
}

void cluster_print_json(const struct cli *cli, struct cluster *cluster, const cJSON *root)
{
    struct buf text;
    buf_init(&text, &cluster->arena, 64 * LIMIT_MIB);
    json_write_pretty(&text, root);
    fprintf(cli->out, "%s\n", text.data);
}

const char *cluster_shell_word(struct arena *arena, const char *text)
{
    struct buf word;
    /* No tilde or hash in front, which a shell would read. */
    if (text[0] != '\0' && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-_./:@%+=,") == strlen(text))
        return text;
    buf_init(&word, arena, LIMIT_MIB);
    buf_add_char(&word, '\'');
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\'')
            buf_add_string(&word, "'\\''");
        else
            buf_add_char(&word, *at);
    }
    buf_add_char(&word, '\'');
    return word.data;
}
