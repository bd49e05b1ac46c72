/* Which certificate the webhook's pods serve, by their /readyz, through the API server's proxy. */
#ifndef PROCTOR_CLI_CERTS_PODS_H
#define PROCTOR_CLI_CERTS_PODS_H

#include "cli/certs/certs_plan.h"
#include "client/client.h"

#define CERTS_PODS_TEXT 900

struct certs_pods_report {
    enum certs_pods answer;     /* not CERTS_PODS_NOT_ASKED */
    char text[CERTS_PODS_TEXT]; /* how many, or which pod and what is with it */
};

/* Asks every running pod with the label app.kubernetes.io/name=`service` for the certificate whose
 * SHA-256 is `print`.  A missing right, and a pod that does not answer, are an answer too
 * (CERTS_PODS_UNKNOWN); errors: client_list's. */
NODISCARD int certs_pods_ask(struct kube_client *client, struct arena *arena, const char *space,
                             const char *service, const char *print,
                             struct certs_pods_report *ret_report, struct err *reterr);

#endif
