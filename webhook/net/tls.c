#include "net/tls.h"

#include "base/clock.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW_TO_MEND "`proctor certs issue` makes a pair that fits, `proctor certs show` says more"

/* One serving certificate a process: GnuTLS' callback carries no context of ours. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_certificate *installed;
static struct tls_certificate *retired;

static int read_file(const char *path, gnutls_datum_t *ret_data, struct err *reterr)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return err_set(reterr, ERR_IO, "%s: %s; " HOW_TO_MEND, path, strerror(errno));
    unsigned char *data = malloc(TLS_FILE_BYTES_MAX + 1);
    size_t length = data != NULL ? fread(data, 1, TLS_FILE_BYTES_MAX + 1, file) : 0;
    int failure = ferror(file) ? errno : 0;
    fclose(file);
    int r = 0;
    if (data == NULL)
        r = err_set(reterr, ERR_NO_MEMORY, "%s: out of memory", path);
    else if (failure != 0)
        r = err_set(reterr, ERR_IO, "%s: %s", path, strerror(failure));
    else if (length == 0)
        r = err_set(reterr, ERR_CERT, "%s: the file is empty; " HOW_TO_MEND, path);
    else if (length > TLS_FILE_BYTES_MAX)
        r = err_set(reterr, ERR_CERT, "%s: larger than %lu bytes: no certificate or key", path,
                    TLS_FILE_BYTES_MAX);
    if (r != 0) {
        free(data);
        return r;
    }
    *ret_data = (gnutls_datum_t){data, (unsigned)length};
    return 0;
}

static void forget(gnutls_datum_t *data)
{
    if (data->data != NULL)
        explicit_bzero(data->data, data->size);
    free(data->data);
}

/* Where the leaf's own facts come from: its times and its fingerprint. */
static int read_leaf(struct tls_certificate *certificate, const char *path,
                     gnutls_pubkey_t *ret_key, struct err *reterr)
{
    gnutls_x509_crt_t leaf;
    int code = gnutls_x509_crt_init(&leaf);
    if (code < 0)
        return err_set(reterr, ERR_NO_MEMORY, "%s: %s", path, gnutls_strerror(code));
    code = gnutls_x509_crt_import(leaf, &certificate->chain[0].cert, GNUTLS_X509_FMT_DER);
    unsigned char digest[32];
    size_t size = sizeof digest;
    if (code >= 0)
        code = gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, digest, &size);
    if (code >= 0) {
        certificate->not_before = gnutls_x509_crt_get_activation_time(leaf);
        certificate->not_after = gnutls_x509_crt_get_expiration_time(leaf);
        for (size_t i = 0; i < sizeof digest; i++)
            snprintf(certificate->fingerprint + 2 * i, 3, "%02x", digest[i]);
        *ret_key = certificate->chain[0].pubkey;
    }
    gnutls_x509_crt_deinit(leaf);
    if (code < 0)
        return err_set(reterr, ERR_CERT, "%s: %s", path, gnutls_strerror(code));
    return 0;
}

static int same_key(const char *certificate_path, const char *key_path, gnutls_pubkey_t public_key,
                    gnutls_privkey_t private_key, struct err *reterr)
{
    unsigned char ids[2][32];
    size_t sizes[2] = {sizeof ids[0], sizeof ids[1]};
    gnutls_pubkey_t from_private;
    int code = gnutls_pubkey_init(&from_private);
    if (code < 0)
        return err_set(reterr, ERR_NO_MEMORY, "%s: %s", key_path, gnutls_strerror(code));
    code = gnutls_pubkey_import_privkey(from_private, private_key, 0, 0);
    if (code >= 0)
        code = gnutls_pubkey_get_key_id(from_private, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]);
    if (code >= 0)
        code = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, ids[1], &sizes[1]);
    gnutls_pubkey_deinit(from_private);
    if (code < 0)
        return err_set(reterr, ERR_CERT, "%s: %s", key_path, gnutls_strerror(code));
    if (sizes[0] != sizes[1] || memcmp(ids[0], ids[1], sizes[0]) != 0)
        return err_set(reterr, ERR_CERT, "%s is not the key of %s; " HOW_TO_MEND, key_path,
                       certificate_path);
    return 0;
}

static int check_time(const struct tls_certificate *certificate, const char *path, int64_t now,
                      struct err *reterr)
{
    char text[CLOCK_TEXT_BYTES];
    if (now > certificate->not_after)
        return err_set(reterr, ERR_CERT,
                       "%s: expired at %s; `proctor certs renew`, or `proctor certs issue`", path,
                       clock_format_seconds(certificate->not_after, text));
    if (now < certificate->not_before)
        return err_set(reterr, ERR_CERT, "%s: not valid before %s; is this machine's clock right?",
                       path, clock_format_seconds(certificate->not_before, text));
    return 0;
}

static int import(struct tls_certificate *certificate, const char *certificate_path,
                  const char *key_path, const gnutls_datum_t pem[2], int64_t now,
                  struct err *reterr)
{
    unsigned count = TLS_CHAIN_MAX;
    int code = gnutls_pcert_list_import_x509_raw(certificate->chain, &count, &pem[0],
                                                 GNUTLS_X509_FMT_PEM, 0);
    if (code < 0)
        return err_set(reterr, ERR_CERT, "%s: no PEM certificate (%s); " HOW_TO_MEND,
                       certificate_path, gnutls_strerror(code));
    certificate->chain_count = count;
    code = gnutls_privkey_init(&certificate->key);
    if (code >= 0)
        code =
            gnutls_privkey_import_x509_raw(certificate->key, &pem[1], GNUTLS_X509_FMT_PEM, NULL, 0);
    if (code < 0)
        return err_set(reterr, ERR_CERT, "%s: no PEM private key (%s); " HOW_TO_MEND, key_path,
                       gnutls_strerror(code));
    gnutls_pubkey_t public_key = NULL;
    int r = read_leaf(certificate, certificate_path, &public_key, reterr);
    if (r == 0)
        r = same_key(certificate_path, key_path, public_key, certificate->key, reterr);
    if (r == 0)
        r = check_time(certificate, certificate_path, now, reterr);
    return r;
}

int tls_load(const char *certificate_path, const char *key_path, int64_t now,
             struct tls_certificate **ret_certificate, struct err *reterr)
{
    gnutls_datum_t pem[2] = {{NULL, 0}, {NULL, 0}};
    struct tls_certificate *certificate = calloc(1, sizeof *certificate);
    if (certificate == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    int r = read_file(certificate_path, &pem[0], reterr);
    if (r == 0)
        r = read_file(key_path, &pem[1], reterr);
    if (r == 0)
        r = import(certificate, certificate_path, key_path, pem, now, reterr);
    forget(&pem[0]);
    forget(&pem[1]);
    if (r != 0) {
        tls_free(certificate);
        return r;
    }
    *ret_certificate = certificate;
    return 0;
}

void tls_free(struct tls_certificate *certificate)
{
    if (certificate == NULL)
        return;
    for (unsigned i = 0; i < certificate->chain_count; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    if (certificate->key != NULL)
        gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* Frees what was retired before `before`. */
static void free_retired(int64_t before)
{
    struct tls_certificate **at = &retired;
    while (*at != NULL) {
        struct tls_certificate *certificate = *at;
        if (certificate->retired_at >= before) {
            at = &certificate->next;
            continue;
        }
        *at = certificate->next;
        tls_free(certificate);
    }
}

void tls_install(struct tls_certificate *certificate, int64_t now)
{
    pthread_mutex_lock(&lock);
    struct tls_certificate *before = installed;
    installed = certificate;
    if (before != NULL) {
        before->retired_at = now;
        before->next = retired;
        retired = before;
    }
    free_retired(now - TLS_RETIRE_SECONDS);
    pthread_mutex_unlock(&lock);
}

int64_t tls_expires_at(void)
{
    pthread_mutex_lock(&lock);
    int64_t at = installed != NULL ? installed->not_after : 0;
    pthread_mutex_unlock(&lock);
    return at;
}

void tls_fingerprint(char ret_text[65])
{
    pthread_mutex_lock(&lock);
    memcpy(ret_text, installed != NULL ? installed->fingerprint : (char[65]){0}, 65);
    pthread_mutex_unlock(&lock);
}

void tls_done(void)
{
    pthread_mutex_lock(&lock);
    tls_free(installed);
    installed = NULL;
    free_retired(INT64_MAX);
    pthread_mutex_unlock(&lock);
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                 const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                 gnutls_pcert_st **ret_chain, unsigned *ret_chain_count, gnutls_privkey_t *ret_key)
{
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    pthread_mutex_lock(&lock);
    struct tls_certificate *certificate = installed;
    pthread_mutex_unlock(&lock);
    if (certificate == NULL)
        return -1;
    *ret_chain = certificate->chain;
    *ret_chain_count = certificate->chain_count;
    *ret_key = certificate->key;
    return 0;
}
