/* Renews what issue made: a new serving certificate and key from the same CA, with the same
 * names; and, when the CA itself nears its end, a new CA, with ca.crt holding new and old until
 * the next renewal, so that both sides of the change are trusted.
 */
#ifndef PROCTOR_CERTS_RENEW_H
#define PROCTOR_CERTS_RENEW_H

#include "base/err.h"

#include <stdbool.h>
#include <time.h>

struct renew_options {
    time_t now;
    long leaf_days;   /* 0: as many as the old one had */
    long ca_days;     /* of a new CA */
    long within_days; /* due when at most this many days are left */
    bool force;       /* the leaf is due anyhow */
};

struct renew_result {
    bool renewed;
    bool ca_renewed;
    long days_before; /* left of the old serving certificate */
    long days_after;  /* of the new one; the same if nothing was done */
};

/* Renews the folder if it is due (also if key and certificate do not match, as after a crash).
 * ERR_IO, ERR_CERT: not Proctor's files (no ca.key, another issuer, a leaf that the CA did not
 * sign), unreadable, damaged; the folder is then as it was. */
NODISCARD int renew_folder(const char *path, const struct renew_options *options,
                           struct renew_result *ret_result, struct err *reterr);

#endif
