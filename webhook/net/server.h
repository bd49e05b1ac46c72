/* The two servers of proctor-webhook: reviews over TLS, and metrics and health in the clear. */
#ifndef PROCTOR_NET_SERVER_H
#define PROCTOR_NET_SERVER_H

#include "base/version.h"
#include "net/config.h"
#include "net/decision_log.h"
#include "net/intake.h"
#include "net/pages.h"

#include <stdatomic.h>

struct server {
    const struct config *config;
    struct decision_log *decisions; /* NULL: none */
    atomic_bool draining;
    struct intake review;
    struct pages admin;
};

/* net/http: /mutate and /validate.  Policies and certificate must be installed (live, tls).
 * ERR_IO if the address cannot be had. */
NODISCARD int http_start(struct server *server, struct err *reterr);

/* Takes no new connections, waits for no one, ends. */
void http_stop(struct server *server);

/* net/admin: /metrics, /healthz, /readyz. */
NODISCARD int admin_start(struct server *server, struct err *reterr);
void admin_stop(struct server *server);

#endif
