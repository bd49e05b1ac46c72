/* What serves now: the policy set with its rules' counters, and how the last reload went.
 *
 * A request takes a reference and finishes with it; a reload puts another in its place.
 */
#ifndef PROCTOR_NET_LIVE_H
#define PROCTOR_NET_LIVE_H

#include "net/metrics.h"
#include "policy/set.h"

struct live {
    struct policy_set *set;
    struct metric_rule **rules; /* by rule->order */
    atomic_uint references;
};

/* Takes over the caller's reference to `set`, makes it what serves.  /validate accepts until
 * `follow_until` what the set before produced. */
NODISCARD int live_install(struct policy_set *set, int64_t follow_until, struct err *reterr);

/* What serves, with a reference of the caller's own; NULL before the first install. */
struct live *live_ref(void);
void live_unref(struct live *live); /* NULL is fine */

/* Lets go of what serves, at the very end. */
void live_done(void);

/* How the last reload of one thing went. */
enum live_part { LIVE_POLICIES, LIVE_CERTIFICATE, LIVE_PARTS };
struct live_status {
    bool ok;
    int64_t at; /* Unix time */
    char error[512];
};
void live_report(enum live_part part, int64_t at, const char *error); /* NULL: fine */
struct live_status live_status_get(enum live_part part);

#endif
