/* The serving certificate: loaded from PEM files, checked, swapped while connections go on.
 *
 * GnuTLS asks for the certificate at each handshake; a new one therefore holds from the next
 * connection on and no open connection notices.  A certificate that was replaced is kept for
 * TLS_RETIRE_SECONDS, longer than any handshake may last, and then freed.
 */
#ifndef PROCTOR_NET_TLS_H
#define PROCTOR_NET_TLS_H

#include "base/err.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

/* TLS 1.2 and 1.3, ECDHE, AES-GCM and ChaCha20 only: what every supported API server offers. */
#define TLS_PRIORITIES                                                                             \
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"           \
    "+ECDHE-ECDSA:+ECDHE-RSA:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"                     \
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA256:"                \
    "+SIGN-ECDSA-SHA384:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-SHA256:"     \
    "+SIGN-RSA-SHA384:+SIGN-EDDSA-ED25519:+COMP-NULL:+CTYPE-X509:"                                 \
    "%SERVER_PRECEDENCE:%NO_TICKETS"

#define TLS_CHAIN_MAX      16
#define TLS_FILE_BYTES_MAX (256UL * 1024UL)
#define TLS_RETIRE_SECONDS 300

struct tls_certificate {
    gnutls_pcert_st chain[TLS_CHAIN_MAX];
    unsigned chain_count;
    gnutls_privkey_t key;
    int64_t not_before; /* of the leaf, Unix time */
    int64_t not_after;
    char fingerprint[65]; /* SHA-256 of the leaf, for logs */
    int64_t retired_at;
    struct tls_certificate *next; /* among the retired */
};

/* Reads chain and key, sees that they fit each other and that `now` is within the leaf's time.
 * ERR_CERT or ERR_IO, with words that say how to mend it.  The caller owns *ret_certificate. */
NODISCARD int tls_load(const char *certificate_path, const char *key_path, int64_t now,
                       struct tls_certificate **ret_certificate, struct err *reterr);

void tls_free(struct tls_certificate *certificate);

/* Makes `certificate` (taken over) the one that handshakes get. */
void tls_install(struct tls_certificate *certificate, int64_t now);

/* The expiry of the installed certificate; 0 if there is none. */
int64_t tls_expires_at(void);

/* Copies the installed certificate's fingerprint; "" if there is none. */
void tls_fingerprint(char ret_text[65]);

/* Frees everything, at the very end. */
void tls_done(void);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned *ret_chain_count, gnutls_privkey_t *ret_key);

#endif
