/* Reads certificates and says what they are and what is wrong with them.
 *
 * Nothing here needs the files to be Proctor's: any PEM will do.  `now` is given, so that the
 * caller holds the clock.
 */
#ifndef PROCTOR_CERTS_INSPECT_H
#define PROCTOR_CERTS_INSPECT_H

#include "base/err.h"
#include "base/json.h"
#include "certs/folder.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

/* All certificates of a PEM text, in their order.  ERR_CERT: none in it, one that cannot be
 * read, or a private key in it.  `path` is for messages. */
NODISCARD int inspect_parse_certs(const struct folder_text *text, const char *path,
                                  STACK_OF(X509) * *ret_certs, struct err *reterr);

/* The private key of a PEM text.  ERR_CERT: none, encrypted (nobody is asked for a password), or
 * a certificate instead. */
NODISCARD int inspect_parse_key(const struct folder_text *text, const char *path,
                                EVP_PKEY **ret_key, struct err *reterr);

/* Whether O=Proctor issued it. */
bool inspect_is_ours(const X509 *cert);

/* Whole days from now to the certificate's end, rounded down; negative: days since. */
long inspect_days_left(const X509 *cert, time_t now);

/* What the certificate says, as members subject, issuer, names, notBefore, notAfter, daysLeft,
 * key, signature, usages, isCA, serial, sha256.  Lives in `arena`. */
cJSON *inspect_describe(struct arena *arena, X509 *cert, time_t now);

#define INSPECT_FINDINGS_MAX 32

struct inspect_finding {
    char what[400]; /* "certs/tls.key: does not belong to certs/tls.crt" */
    char mend[400]; /* the command that mends it */
};

struct inspect_report {
    struct inspect_finding findings[INSPECT_FINDINGS_MAX];
    size_t count;
    long days_left; /* of tls.crt; 0 if it could not be read */
};

struct inspect_options {
    time_t now;
    const char *host; /* NULL: any */
    long min_days;    /* fewer days left than this is a finding */
};

/* Judges a folder's tls.crt, tls.key, ca.crt and, if there, ca.key, all in one run.  ERR_IO only
 * if the folder itself cannot be opened: everything else is a finding. */
NODISCARD int inspect_check(const char *folder, const struct inspect_options *options,
                            struct inspect_report *ret_report, struct err *reterr);

#endif
