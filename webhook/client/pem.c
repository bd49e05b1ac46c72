#include "client/pem.h"

#include "base/clock.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

int pem_decode_base64(struct arena *arena, const char *text, const char **ret_bytes,
                      struct err *reterr)
{
    const size_t most = strlen(text) / 4 * 3 + 4;
    char *bytes = arena_alloc(arena, most), *to = bytes;
    unsigned held = 0, digits = 0, padding = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r')
            continue;
        const int digit = digit_of(*at);
        if (*at == '=')
            padding++;
        if ((digit < 0 && *at != '=') || (digit >= 0 && padding > 0))
            return err_set(reterr, ERR_KUBECONFIG, "is not base64");
        held = held << 6 | (unsigned)(digit < 0 ? 0 : digit);
        if (++digits % 4 != 0)
            continue;
        for (unsigned shift = 16, left = 3 - (padding < 3 ? padding : 3); left > 0; left--) {
            *to++ = (char)(held >> shift & 0xffU);
            shift -= 8;
        }
        held = 0;
    }
    if (digits % 4 != 0 || padding > 2)
        return err_set(reterr, ERR_KUBECONFIG, "is not base64 (cut off?)");
    if (memchr(bytes, '\0', (size_t)(to - bytes)) != NULL)
        return err_set(reterr, ERR_KUBECONFIG, "is base64 of something else than PEM");
    *ret_bytes = bytes;
    return 0;
}

static int no_password(char *to, int most, int writing, void *context)
{
    (void)to, (void)most, (void)writing, (void)context;
    return -1;
}

static int check_certs(BIO *bio, struct err *reterr)
{
    size_t count = 0;
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL; count++)
        X509_free(cert);
    const unsigned long why = ERR_peek_last_error();
    ERR_clear_error();
    if (count == 0)
        return err_set(reterr, ERR_KUBECONFIG, "has no certificate in PEM");
    if (ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
        return err_set(reterr, ERR_KUBECONFIG, "its certificate %zu cannot be read", count + 1);
    return 0;
}

int pem_check_certs(const char *certs, struct err *reterr)
{
    BIO *bio = BIO_new_mem_buf(certs, -1);
    if (bio == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    const int rc = check_certs(bio, reterr);
    BIO_free(bio);
    return rc;
}

static int check_end(const X509 *cert, int64_t now, struct err *reterr)
{
    struct tm end;
    time_t moment = (time_t)now;
    if (X509_cmp_time(X509_get0_notAfter(cert), &moment) >= 0)
        return 0;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) != 1)
        return err_set(reterr, ERR_KUBECONFIG, "the client certificate's end cannot be read");
    char text[CLOCK_TEXT_BYTES];
    return err_set(reterr, ERR_KUBECONFIG,
                   "the client certificate expired on %s: get a new kubeconfig from whoever "
                   "gave you this one",
                   clock_format_seconds((int64_t)timegm(&end), text));
}

static int check_pair(X509 *cert, EVP_PKEY *key, int64_t now, struct err *reterr)
{
    if (cert == NULL)
        return err_set(reterr, ERR_KUBECONFIG, "the client certificate is not PEM");
    if (key == NULL)
        return err_set(reterr, ERR_KUBECONFIG, "the client key is not PEM, or is encrypted");
    if (X509_check_private_key(cert, key) != 1)
        return err_set(reterr, ERR_KUBECONFIG, "the client key is not the certificate's");
    return check_end(cert, now, reterr);
}

int pem_check_pair(const char *certs, const char *key, int64_t now, struct err *reterr)
{
    BIO *cert_bio = BIO_new_mem_buf(certs, -1), *key_bio = BIO_new_mem_buf(key, -1);
    X509 *first = NULL;
    EVP_PKEY *pkey = NULL;
    if (cert_bio != NULL && key_bio != NULL) {
        first = PEM_read_bio_X509(cert_bio, NULL, no_password, NULL);
        pkey = PEM_read_bio_PrivateKey(key_bio, NULL, no_password, NULL);
    }
    const int rc = check_pair(first, pkey, now, reterr);
    ERR_clear_error();
    X509_free(first);
    EVP_PKEY_free(pkey);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    return rc;
}
