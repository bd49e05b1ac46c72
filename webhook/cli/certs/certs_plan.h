/* What is to be done about the certificates of an installation: one step at a time, from what
 * was found.  Pure: no API server, no clock, so that every order of events can be tried.
 *
 *     found  --certs_plan_next-->  the one step that is right now  --done-->  found again  ...
 *
 * The Secret of the CA is the truth: the bundle that the API server has to trust is the CA that
 * signs, and the ones before it that still stand in that Secret.  Everything else follows from
 * three rules, so that a run may be killed anywhere, and two may run at once:
 *   - a CA is in the Secret before it is in the bundle, and in the bundle, everywhere and for
 *     some seconds, before a server gets a certificate that it signed;
 *   - an old CA leaves only after the new certificate is served;
 *   - it leaves the Secret first and the bundle after.
 */
#ifndef PROCTOR_CLI_CERTS_PLAN_H
#define PROCTOR_CLI_CERTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the webhook's pods serve. */
enum certs_pods {
    CERTS_PODS_NOT_ASKED,
    CERTS_PODS_SERVE_IT,      /* each that runs serves the certificate of the Secret */
    CERTS_PODS_SERVE_ANOTHER, /* at least one does not yet */
    CERTS_PODS_UNKNOWN        /* none runs, or one cannot be asked */
};

struct certs_found {
    bool ca_there;
    bool ca_due;    /* near its end, or a new one is wished for */
    bool old_there; /* one before it is still in the bundle */
    bool tls_there;
    bool path_missing; /* the recorder's secret path is to be made first */
    bool leaf_by_ca;   /* readable, and signed by the CA that signs now */
    bool leaf_due;     /* near its end, not of its key, a name missing, or wished for */
    bool copy_right;   /* ca.crt beside the leaf is the bundle */
    size_t configurations_missing;
    size_t entries;       /* of the configurations that are there */
    size_t entries_wrong; /* whose caBundle is not the bundle, or whose path is another */
    bool settled;         /* the API servers had time to take the bundle up */
    enum certs_pods pods;
    int64_t leaf_age_seconds;
    int64_t retire_seconds; /* how old the leaf must be before an old CA leaves */
};

enum certs_step {
    CERTS_DONE,
    CERTS_MAKE_CA,
    CERTS_ROTATE_CA,
    CERTS_MAKE_PATH,
    CERTS_MAKE_LEAF,
    CERTS_SET_BUNDLE,
    CERTS_SETTLE,
    CERTS_RENEW_LEAF,
    CERTS_COPY_BUNDLE,
    CERTS_AWAIT_CONFIGURATIONS,
    CERTS_ASK_PODS,
    CERTS_RETIRE_CA,
    CERTS_STEPS
};

/* Without the pods' word an old CA stays so long: kubelets have by then long brought the new
 * certificate.  Its key is gone since the rotation, so that nobody signs by it who did not copy
 * it before. */
#define CERTS_UNPROVEN_SECONDS (7 * 86400)

enum certs_step certs_plan_next(const struct certs_found *found);

/* What would be found after the step: for --dry-run. */
void certs_plan_pretend(struct certs_found *found, enum certs_step step);

#endif
