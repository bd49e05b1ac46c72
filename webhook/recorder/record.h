/* The intent webhook: POST /record/SECRET, over TLS, from the API server.
 *
 * Answered after the commit, or after budget_us, whichever comes first; then counted, and still
 * committed.  Fails open in everything but a hold: a body that is no review, a store that is down
 * or full is an allowed answer (or HTTP 400, which the API server's failurePolicy Ignore lets
 * through), is counted and stands in the log.
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

NODISCARD int record_start(const struct record_options *options, struct record **ret_record,
                           unsigned *ret_port, struct err *reterr);
void record_stop(struct record *record);

#endif
