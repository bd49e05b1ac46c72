/* The HTTP API of RECORDER.md, over TLS: a table of routes, problem details (RFC 9457), pages by
 * cursor, server-sent events, and the OpenAPI 3.1 document of all of it.
 */
#ifndef PROCTOR_RECORDER_API_H
#define PROCTOR_RECORDER_API_H

#include "recorder/access.h"
#include "recorder/deploy.h"
#include "recorder/operate.h"

struct api;

struct api_options {
    const char *listen; /* HOST:PORT */
    struct store *store;
    struct access *access;
    struct operate *operate;
    struct deploy *deploy;
    const char *namespace_;
    const char *client_ca_pem; /* NULL: no client certificates */
    long threads, connections; /* half of the connections may be streams */
    long body_bytes;           /* of a request; 0: 1 MiB */
    int64_t request_us;        /* a client's time for a request and its answer; 0: 30 s */
    int64_t idle_us;           /* between requests, and before the first; 0: 120 s */
    int64_t recheck_us;        /* how often a stream's rights are looked at again; 0: 20 s */
};

/* The certificate must be installed (net/tls). */
NODISCARD int api_start(const struct api_options *options, struct api **ret_api, unsigned *ret_port,
                        struct err *reterr);

/* A project has new events: its streams go on. */
void api_pulse(struct api *api, int64_t project);

/* Streams are told to come again; what is being answered is; then it ends. */
void api_stop(struct api *api); /* NULL is fine */

#endif
