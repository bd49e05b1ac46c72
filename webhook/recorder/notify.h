/* Letters from the outbox to who wants to know: a signed webhook, and Kubernetes Events on the
 * Deployment.  At least once, in order per sink as far as nothing fails, never blocking anybody.
 *
 * The webhook: POST, JSON (the API's event with its project), headers
 *     Proctor-Delivery: ID          the same for every try
 *     Proctor-Timestamp: SECONDS    of this try
 *     Proctor-Signature: v1=HEX     HMAC-SHA256 over "ID.SECONDS.BODY", one for each key in the
 * file 2xx is delivered; anything else is tried again, later and later, up to a day.
 */
#ifndef PROCTOR_RECORDER_NOTIFY_H
#define PROCTOR_RECORDER_NOTIFY_H

#include "client/kubeconfig.h"
#include "history/store.h"

#define NOTIFY_SINK_WEBHOOK    "webhook"
#define NOTIFY_SINK_KUBERNETES "kubernetes"

struct notify;

struct notify_options {
    const struct kube_config *kube; /* for Events; NULL: none */
    struct store *store;
    const char *url;      /* https, or http to this machine; NULL: no webhook */
    const char *key_file; /* keys, one a line, the first is newest; read again as it changes */
    const char *ca_file;  /* NULL: the system's */
};

NODISCARD int notify_start(const struct notify_options *options, struct notify **ret_notify,
                           struct err *reterr);
void notify_wake(struct notify *notify); /* there may be letters; from any thread */
void notify_stop(struct notify *notify); /* NULL is fine */

#endif
