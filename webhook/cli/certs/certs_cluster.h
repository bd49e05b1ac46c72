/* proctor certs renew --in-cluster: looks, does the one step that is right now, looks again, until
 * nothing is left to do.  Prints a line for each thing done, at the end what is next and when. */
#ifndef PROCTOR_CLI_CERTS_CLUSTER_H
#define PROCTOR_CLI_CERTS_CLUSTER_H

#include "cli/cli.h"
#include "cli/cluster/cluster.h"

/* The flags of that mode, for the rows of the command. */
/* clang-format off */
#define CERTS_CLUSTER_FLAGS                                                                        \
    {.name = "in-cluster", .help = "renew an installation's Secrets and caBundles, not a folder"}, \
    CLUSTER_FLAGS,                                                                                 \
    {.name = "service", .value = "NAME", .fallback = CLUSTER_WEBHOOK,                              \
     .help = "the Service whose names the certificate has"},                                       \
    {.name = "dns", .value = "NAME", .help = "a further DNS name", .repeatable = true},            \
    {.name = "ip", .value = "ADDRESS", .help = "an IP address", .repeatable = true},               \
    {.name = "secret", .value = "NAME", .fallback = CLUSTER_TLS,                                   \
     .help = "the Secret that the webhook serves"},                                                \
    {.name = "ca-secret", .value = "NAME", .fallback = "proctor-webhook-ca",                       \
     .help = "the Secret of the CA"},                                                              \
    {.name = "configuration", .value = "NAME", .fallback = "proctor",                              \
     .help = "both webhook configurations' name"},                                                 \
    {.name = "path-secret", .value = "NAME",                                                      \
     .help = "the Secret of the path on which a recorder is told of changes; it has no mutating " \
             "configuration"},                                                                     \
    {.name = "rotate-ca", .help = "replace the CA though it is not due"},                          \
    {.name = "dry-run", .help = "print what would be done"},                                       \
    {.name = "wait-seconds", .value = "N", .fallback = "60",                                       \
     .help = "for configurations that are not there yet"},                                         \
    {.name = "settle-seconds", .value = "N", .fallback = "30",                                     \
     .help = "from a new CA in the caBundles to its certificate"},                                 \
    {.name = "retire-minutes", .value = "N", .fallback = "10",                                     \
     .help = "from a new CA's certificate to the old CA's leaving"}
/* clang-format on */

/* Whether a flag was given that means something only with --in-cluster; says so. */
bool certs_cluster_flag_alone(const struct cli *cli);

int certs_cluster_renew(struct cli *cli);

#endif
