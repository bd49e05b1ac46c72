/* The intent webhook: POST /record/SECRET, over TLS, from the API server.
 *
 *     net/intake --body--> record_pool (hold, nonce, store, keeper) --> answer
 *
 * Answered after the commit, or after budget_us, whichever comes first; then counted, and still
 * committed.  Fails open in everything but a hold: a body that is no review, a store that is down
 * or full is an allowed answer (or HTTP 400, which the API server's failurePolicy Ignore lets
 * through), is counted and stands in the log.  To whoever does not know the secret there is nothing
 * here: 404.
 */
#ifndef PROCTOR_RECORDER_RECORD_H
#define PROCTOR_RECORDER_RECORD_H

#include "history/intent.h"
#include "history/store.h"
#include "recorder/keeper.h"

struct record;

struct record_options {
    const char *listen;
    const char *secret_file; /* one path segment a line, the first is newest: rotation keeps two */
    const char *const *trusted;
    const char *self;
    struct store *store;
    struct keeper *keeper;
    int64_t budget_us; /* 0: 100 ms */
    long threads, connections;
};

/* The certificate must be installed (net/tls), and a budget for bodies set (net/exchange).  The
 * options' texts must outlive it.  ERR_IO: the address or the file cannot be had; ERR_USAGE: the
 * file holds no secret. */
NODISCARD int record_start(const struct record_options *options, struct record **ret_record,
                           unsigned *ret_port, struct err *reterr);

/* From now on clients are told to come again elsewhere; and when the last one came (monotonic). */
void record_drain(struct record *record);
int64_t record_last_us(struct record *record);

/* Answers what is being asked, stores what waits, ends.  Before the keeper stops.  NULL is fine. */
void record_stop(struct record *record);

#endif
