/* What is noted about an answered review: the decision log's line and the metrics. */
#ifndef PROCTOR_NET_RECORD_H
#define PROCTOR_NET_RECORD_H

#include "admit/admit.h"
#include "net/decision_log.h"
#include "net/live.h"

/* Beside enum admit_phase: a review of the policies themselves. */
#define PHASE_POLICIES 2U

struct record {
    unsigned phase;
    const struct admit_request *request; /* NULL: it was not parsed */
    const struct verdict *verdict;       /* NULL: there is none */
    const char *uid;
    int error;                  /* an err_code; 0: none */
    int64_t began_us, ended_us; /* monotonic */
};

/* Counts the request, its rules and its error, and hands the line over. */
void record_request(const struct record *record, const struct live *live,
                    struct decision_log *decisions);

#endif
