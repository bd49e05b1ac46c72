/* The Secrets of an installation, as certificates and back.
 *
 *     Secret proctor-webhook-ca        ca.crt, ca.key; ca-old.crt: the CAs before it, until they
 * leave Secret proctor-webhook-tls       tls.crt, tls.key; ca.crt: the bundle Secret
 * proctor-recorder-record   path: the secret end of the path on which the recorder is told of
 * changes; of several lines the first is the newest
 *
 * They carry the label app.kubernetes.io/managed-by: proctor; a Secret without it, or with
 * another issuer's certificates, is somebody else's and is refused, never changed.
 */
#ifndef PROCTOR_CLI_CERTS_SECRET_H
#define PROCTOR_CLI_CERTS_SECRET_H

#include "base/err.h"
#include "base/json.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>

#define CERTS_PRINT_BYTES 65 /* a SHA-256 in hex, as the webhook's /readyz has it */

/* What the Secrets hold; NULL: not there.  Release with certs_held_done. */
struct certs_held {
    X509 *ca;
    EVP_PKEY *ca_key;
    STACK_OF(X509) * old;
    X509 *leaf; /* also NULL if it cannot be read */
    bool leaf_has_key;
};

void certs_held_done(struct certs_held *held);

/* Fill the members from a Secret as the API server gave it.  ERR_CERT if it is not Proctor's;
 * certs_held_read_ca also if it is damaged, with what to do. */
NODISCARD int certs_held_read_ca(struct certs_held *held, const cJSON *secret, struct err *reterr);
NODISCARD int certs_held_read_tls(struct certs_held *held, const cJSON *secret, struct err *reterr);

/* The CAs that stand in the TLS Secret's ca.crt, as far as Proctor issued them: what to go on
 * trusting when the CA's Secret is lost.  NULL if there are none. */
STACK_OF(X509) * certs_held_rescue(const cJSON *tls_secret);

/* The bundle (the CA, then the old ones) in base64, as caBundle and ca.crt have it. */
NODISCARD int certs_held_bundle(struct arena *arena, const struct certs_held *held,
                                const char **ret_base64, struct err *reterr);

/* A Secret to create, or to replace `before` with (whose other members stay).  `old` may be NULL,
 * and then ca-old.crt goes. */
NODISCARD int certs_secret_of_ca(struct arena *arena, const cJSON *before, X509 *ca, EVP_PKEY *key,
                                 STACK_OF(X509) * old, cJSON **ret_secret, struct err *reterr);
NODISCARD int certs_secret_of_leaf(struct arena *arena, const cJSON *before, X509 *leaf,
                                   EVP_PKEY *key, const char *bundle, cJSON **ret_secret,
                                   struct err *reterr);
cJSON *certs_secret_with_bundle(struct arena *arena, const cJSON *before, const char *bundle);

/* The first line of `path`, in the arena.  ERR_CERT: not Proctor's, or no line that a path can end
 * in. */
NODISCARD int certs_path_read(struct arena *arena, const cJSON *secret, const char **ret_path,
                              struct err *reterr);

/* A new one, of 192 random bits. */
NODISCARD int certs_secret_of_path(struct arena *arena, cJSON **ret_secret, struct err *reterr);

/* The leaf's SHA-256; and Unix times of a certificate. */
void certs_print(const X509 *cert, char ret_text[CERTS_PRINT_BYTES]);
int64_t certs_begins_at(const X509 *cert);
int64_t certs_ends_at(const X509 *cert);

/* Whether the leaf has each of the names. */
bool certs_has_names(const X509 *leaf, const GENERAL_NAMES *names);

#endif
