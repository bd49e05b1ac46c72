/* The steps of certs_plan.h against an API server: what is there is looked at anew before each.
 *
 * The configurations are read before the Secrets, and each write says which version of its object
 * it was decided upon: a run that was overtaken by another is told so (ERR_CONFLICT), writes
 * nothing, and looks again.
 *
 * Rights: in the namespace secrets create; get and update on the two Secrets by name; pods list
 * and pods/proxy get (only while an old CA waits to leave; without them it stays longer).
 * In the cluster: get and patch on both webhook configurations by name.
 */
#ifndef PROCTOR_CLI_CERTS_STEPS_H
#define PROCTOR_CLI_CERTS_STEPS_H

#include "base/buf.h"
#include "cli/certs/certs_plan.h"
#include "cli/certs/certs_pods.h"
#include "cli/certs/certs_secret.h"
#include "client/client.h"

#include <openssl/x509v3.h>

struct certs_wish {
    const char *space;
    const char *service;
    const char *secret;
    const char *ca_secret;
    const char *configuration;
    /* The Secret with the end of the path that the configuration names; the recorder has one, and
     * no mutating configuration.  NULL: the webhook, whose paths everybody may know. */
    const char *path_secret;
    GENERAL_NAMES *names; /* that the certificate must have */
    long leaf_days;
    long ca_days;
    long within_days;    /* the leaf is due with so many left; -1: a third of its life */
    long settle_seconds; /* client-go takes a broken watch up again after 30 s at the latest */
    long retire_minutes;
    bool force;
    bool rotate_ca;
};

enum { CERTS_MUTATING, CERTS_VALIDATING, CERTS_CONFIGURATIONS };

struct certs_work {
    const struct certs_wish *wish;
    struct kube_client *client;
    struct arena turn; /* what was read last lives here */

    struct certs_held held;
    const cJSON *ca_secret; /* NULL: not there; so the next two */
    const cJSON *tls_secret;
    const cJSON *configurations[CERTS_CONFIGURATIONS];
    const char *bundle; /* base64; NULL without a CA */
    const char *path;   /* that each entry is to have; NULL: as it is */
    const char *reason; /* why the leaf is due */
    struct certs_found found;

    bool looked; /* and what was there the first time: a wish is fulfilled once it is gone */
    char first_ca[CERTS_PRINT_BYTES];
    char first_leaf[CERTS_PRINT_BYTES];
    bool settled;
    enum certs_pods pods;
    char pods_text[CERTS_PODS_TEXT]; /* which pod, and what is with it */
};

/* Reads everything and fills work->found.  Errors: client.h's; ERR_CERT for another's Secret. */
NODISCARD int certs_steps_look(struct certs_work *work, struct err *reterr);

/* Does the step and appends to `said` what was done.  ERR_CONFLICT: look again. */
NODISCARD int certs_steps_do(struct certs_work *work, enum certs_step step, struct buf *said,
                             struct err *reterr);

/* When the leaf and the CA are due (Unix time). */
int64_t certs_steps_leaf_due_at(const struct certs_work *work);
int64_t certs_steps_ca_due_at(const struct certs_work *work);

/* "mutatingwebhookconfiguration proctor" and so on: those that are not there. */
void certs_steps_add_missing(const struct certs_work *work, struct buf *out);

void certs_steps_done(struct certs_work *work);

#endif
