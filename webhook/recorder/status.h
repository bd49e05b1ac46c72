/* The plain port: /metrics for Prometheus, /healthz and /readyz for the kubelet.
 *
 * Healthy is whoever answers.  Ready is whoever can take intents and answer the API: the database
 * can be written, policies and certificate are there, and the watches are in sync; a replica that
 * does not lead needs no watches.  The database is asked by a thread of its own, so that one that
 * hangs does not make a healthy process look dead.
 */
#ifndef PROCTOR_RECORDER_STATUS_H
#define PROCTOR_RECORDER_STATUS_H

#include "history/store.h"
#include "recorder/keeper.h"

struct status;

struct status_options {
    const char *listen;
    struct store *store;
    struct keeper *keeper;
    bool replicas; /* others may lead: PostgreSQL */
};

/* ERR_IO: the address cannot be had. */
NODISCARD int status_start(const struct status_options *options, struct status **ret_status,
                           unsigned *ret_port, struct err *reterr);

/* Not ready from now on. */
void status_drain(struct status *status);
void status_stop(struct status *status); /* before the keeper and the store; NULL is fine */

#endif
