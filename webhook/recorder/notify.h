/* Letters from the outbox to who wants to know: a signed webhook, and Kubernetes Events on the
 * Deployment.  At least once, in order per sink as far as nothing fails, never blocking anybody: a
 * thread a sink.
 *
 * The webhook: POST, JSON (the API's event with its project), headers
 *     Proctor-Delivery: ID          the same for every try
 *     Proctor-Timestamp: SECONDS    of this try, Unix time
 *     Proctor-Signature: v1=HEX     HMAC-SHA256 over "ID.SECONDS.BODY"; one for each key of the
 *                                   file, with commas: v1=HEX,v1=HEX
 * Any 2xx is delivered; redirects are not followed.  Anything else is tried again, later and later
 * (from a second to ten minutes, with jitter), for a day; then the letter is given up, counted and
 * logged.  A receiver compares in constant time, refuses timestamps that are minutes off, and
 * forgets what repeats a Delivery: tests/recorder/verify_signature.py does it in some lines.
 *
 * A Kubernetes Event (core/v1) has a name of its own for each letter, so that a repetition is the
 * same Event; it needs the right to create events in the namespace.
 */
#ifndef PROCTOR_RECORDER_NOTIFY_H
#define PROCTOR_RECORDER_NOTIFY_H

#include "client/kubeconfig.h"
#include "history/store.h"

#define NOTIFY_SINK_WEBHOOK    "webhook"
#define NOTIFY_SINK_KUBERNETES "kubernetes"

struct notify;

/* All of it must outlive the notify. */
struct notify_options {
    const struct kube_config *kube; /* for Events; NULL: none */
    struct store *store;
    const char *url;      /* https, or http to this machine; NULL: no webhook */
    const char *key_file; /* keys, one a line, the first is newest; read for each try */
    const char *ca_file;  /* read at the start; NULL: the system's */
    int64_t retry_us;     /* the first pause; 0: 1 s */
    int64_t give_up_us;   /* after so long; 0: a day */
    long call_ms;         /* one try; 0: 15 s */
};

/* ERR_USAGE: the URL is none, or a key is too short; ERR_IO: a file cannot be read; ERR_CERT: the
 * CA file has no certificate; ERR_NO_MEMORY. */
NODISCARD int notify_start(const struct notify_options *options, struct notify **ret_notify,
                           struct err *reterr);
void notify_wake(struct notify *notify); /* there may be letters; from any thread; NULL is fine */

/* What was not delivered stays in the outbox.  NULL is fine. */
void notify_stop(struct notify *notify);

#endif
