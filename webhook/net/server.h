/* The two servers of proctor-webhook: reviews over TLS, and metrics and health in the clear. */
#ifndef PROCTOR_NET_SERVER_H
#define PROCTOR_NET_SERVER_H

#include "base/version.h"
#include "net/config.h"
#include "net/connection.h"
#include "net/decision_log.h"

#include <stdatomic.h>

struct server {
    const struct config *config;
    struct decision_log *decisions; /* NULL: none */
    atomic_bool draining;
    struct connection_keeper review_keeper, admin_keeper;
    struct MHD_Daemon *review, *admin;
    unsigned review_port, admin_port; /* where they really listen */
};

/* net/http: /mutate and /validate.  Policies and certificate must be installed (live, tls).
 * ERR_IO if the address cannot be had. */
NODISCARD int http_start(struct server *server, struct err *reterr);

/* Takes no new connections, waits for no one, ends. */
void http_stop(struct server *server);

/* net/admin: /metrics, /healthz, /readyz. */
NODISCARD int admin_start(struct server *server, struct err *reterr);
void admin_stop(struct server *server);

/* net/listen: a listening socket for "HOST:PORT" ("[::1]:8443", ":8443" is all addresses). */
NODISCARD int listen_open(const char *address, int *ret_fd, unsigned *ret_port, struct err *reterr);

/* Queues a plain JSON error for `code`; `message` NULL: the row's text. */
enum MHD_Result http_queue_error(struct MHD_Connection *mhd, int code, const char *message);

#endif
