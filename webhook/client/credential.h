/* Who we are at this moment: a token or a client certificate that may change while we run. */
#ifndef PROCTOR_CLIENT_CREDENTIAL_H
#define PROCTOR_CLIENT_CREDENTIAL_H

#include "client/kubeconfig.h"

#include <stdint.h>

/* On the heap, wiped when released; NULL: none. */
struct credential {
    char *token;
    char *cert_pem;
    char *key_pem;
    int64_t expires; /* Unix seconds; 0: not told */
};

void credential_done(struct credential *credential);

/* Whether a plugin is asked: a token or certificate in the kubeconfig goes before it. */
bool credential_has_plugin(const struct kube_config *config);

/* Brings *credential up to date: token files are read each time, a plugin is run when there is
 * nothing yet, when its answer has expired, or if `again` (the API server did not believe it);
 * a plugin gets `seconds`.
 * ERR_KUBECONFIG: no token to be had; ERR_NO_MEMORY. */
NODISCARD int credential_renew(const struct kube_config *config, bool again, long seconds,
                               struct arena *arena, struct credential *credential,
                               struct err *reterr);

#endif
