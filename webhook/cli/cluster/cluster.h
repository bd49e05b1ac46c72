/* What every command that speaks to a cluster shares: its flags, its connection, its arena.
 *
 *     static const struct cli_flag flags[] = {CLUSTER_FLAGS, {.name = "strict", ...}, {0}};
 *
 *     struct cluster cluster;
 *     if (cluster_open(cli, &cluster, &err) < 0)
 *         return cli_fail(cli, &err);
 *     ... client_get(cluster.client, &cluster.arena, ...) ...
 *     cluster_close(&cluster);
 */
#ifndef PROCTOR_CLI_CLUSTER_H
#define PROCTOR_CLI_CLUSTER_H

#include "cli/cli.h"
#include "client/client.h"

#define CLUSTER_SYSTEM   "hydrosim-system"
#define CLUSTER_STUDENTS "hydrosim-students"
#define CLUSTER_WEBHOOK  "proctor-webhook" /* Deployment, Service, PodDisruptionBudget, ... */
#define CLUSTER_POLICIES "proctor-policies"
#define CLUSTER_TLS      "proctor-webhook-tls"
#define CLUSTER_RENEW    "proctor-certs-renew"

/* clang-format off */
#define CLUSTER_FLAGS                                                                              \
    {.name = "kubeconfig", .value = "FILE", .help = "as kubectl: else KUBECONFIG and so on"}, \
    {.name = "context", .value = "NAME", .help = "one of the kubeconfig; else its current"}, \
    {.name = "as", .value = "USER", .help = "act as somebody else, if you may"},                   \
    {.name = "namespace", .letter = 'n', .value = "NS", .fallback = CLUSTER_SYSTEM,                \
     .help = "where Proctor is installed"},                                                        \
    CLI_OUTPUT_FLAG("text|json", "text")
/* clang-format on */

struct cluster {
    struct arena arena; /* all that is asked and answered; cJSON's too until cluster_close */
    struct arena *arena_before;
    const struct kube_config *config;
    struct kube_client *client;
    const char *space; /* --namespace */
    bool json;         /* -o json */
};

/* Reads the flags and the kubeconfig and makes the client; nothing is connected yet.
 * ERR_KUBECONFIG, ERR_NO_MEMORY, ERR_USAGE for a namespace that can be none.  After an error there
 * is nothing to close. */
NODISCARD int cluster_open(const struct cli *cli, struct cluster *cluster, struct err *reterr);
void cluster_close(struct cluster *cluster);

/* The account that the API server takes us for (SelfSubjectReview): {username, groups}.  Errors
 * are client_create's. */
NODISCARD int cluster_whoami(struct cluster *cluster, struct kube_client *client, cJSON **ret_user,
                             struct err *reterr);

/* Prints `root` for tools, with a newline behind it. */
void cluster_print_json(const struct cli *cli, struct cluster *cluster, const cJSON *root);

/* `text` as one word of a POSIX shell: as it is if that is harmless, else in single quotes. */
const char *cluster_shell_word(struct arena *arena, const char *text);

#endif
