/* Issues certificates: a certificate authority of its own and a serving certificate under it.
 *
 * ECDSA P-256 with SHA-256, serials of 128 random bits, valid from a day before `now` (clocks
 * differ), X.509 v3 as RFC 5280 asks: the CA with CA:TRUE pathlen 0, keyCertSign and cRLSign;
 * the leaf with digitalSignature, serverAuth and its names in subjectAltName.  Everything made
 * here says O=Proctor; renewal asks for that, and that the CA signed the leaf.
 */
#ifndef PROCTOR_CERTS_ISSUE_H
#define PROCTOR_CERTS_ISSUE_H

#include "base/err.h"
#include "certs/folder.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#define ISSUE_ORGANIZATION  "Proctor"
#define ISSUE_LEAF_DAYS     365L
#define ISSUE_CA_DAYS       3650L
#define ISSUE_DAYS_MAX      36500L
#define ISSUE_BACKDATE_DAYS 1

struct issue_names {
    const char *service;    /* with `space`: NAME.NS.svc, NAME.NS.svc.cluster.local, NAME.NS */
    const char *space;      /* the service's namespace */
    const char *const *dns; /* further names, a leading "*." is fine */
    size_t dns_count;
    const char *const *ips;
    size_t ip_count;
};

/* The names as a subjectAltName, each once.  ERR_USAGE for a name that is none, or for none at
 * all.  Release with GENERAL_NAMES_free. */
NODISCARD int issue_make_names(const struct issue_names *names, GENERAL_NAMES **ret_names,
                               struct err *reterr);

/* A new CA with its key, valid for `days` from now.  ERR_INTERNAL if OpenSSL fails. */
NODISCARD int issue_ca(time_t now, long days, X509 **ret_cert, EVP_PKEY **ret_key,
                       struct err *reterr);

/* A new serving certificate with a new key, signed by the CA, not longer valid than the CA.
 * ERR_CERT if the CA ends before `now`; ERR_INTERNAL. */
NODISCARD int issue_leaf(X509 *ca, EVP_PKEY *ca_key, GENERAL_NAMES *names, time_t now, long days,
                         X509 **ret_cert, EVP_PKEY **ret_key, struct err *reterr);

/* PEM (keys: PKCS #8, not encrypted). */
NODISCARD int issue_cert_pem(X509 *cert, struct folder_text *ret_text, struct err *reterr);
NODISCARD int issue_key_pem(EVP_PKEY *key, struct folder_text *ret_text, struct err *reterr);

/* A CA and a leaf as the four files.  Release with folder_set_done. */
NODISCARD int issue_set(const struct issue_names *names, time_t now, long ca_days, long leaf_days,
                        struct folder_set *ret_set, struct err *reterr);

/* What `kubectl apply -f -` takes: the Secret `secret` (kubernetes.io/tls with ca.crt) and the
 * Secret proctor-ca with the CA's key, in `space`; and the caBundle for the webhook
 * configurations, as a patch in a comment (YAML) or the List's member caBundle (JSON).
 * Release with folder_text_done. */
NODISCARD int issue_manifest(const struct folder_set *set, const char *secret, const char *space,
                             bool json, struct folder_text *ret_text, struct err *reterr);

#endif
