#include "cli/certs/certs_secret.h"

#include "base/limits.h"
#include "certs/inspect.h"
#include "certs/issue.h"
#include "certs/scope.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MANAGED_BY  "app.kubernetes.io/managed-by"
#define OLD         "ca-old.crt"
#define LABEL_BYTES 600

/* As webhook/recorder/record_secret.h has it; what is made here is 48 bytes. */
#define PATH_BYTES_MIN 16
#define PATH_BYTES_MAX 200
#define PATH_RANDOM    24

void certs_held_done(struct certs_held *held)
{
    X509_free(held->ca);
    EVP_PKEY_free(held->ca_key);
    scope_free_list(held->old);
    X509_free(held->leaf);
    *held = (struct certs_held){0};
}

/* "Secret hydrosim-system/proctor-webhook-ca", for messages. */
static const char *label_of(const cJSON *secret, char text[LABEL_BYTES])
{
    const char *space = json_string(json_path(secret, "metadata", "namespace", NULL));
    const char *name = json_string(json_path(secret, "metadata", "name", NULL));
    snprintf(text, LABEL_BYTES, "Secret %.63s/%.253s", space != NULL ? space : "",
             name != NULL ? name : "");
    return text;
}

/* data.KEY without its base64, on the heap. */
static int decode(const cJSON *secret, const char *key, struct folder_text *ret_text,
                  struct err *reterr)
{
    char label[LABEL_BYTES];
    const char *text = json_string(json_path(secret, "data", key, NULL));
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0)
        return err_set(reterr, ERR_EMPTY, "%s has no %s", label_of(secret, label), key);
    unsigned char *bytes = length <= LIMIT_MIB ? OPENSSL_zalloc(length + 1) : NULL;
    if (bytes == NULL)
        return err_set(reterr, ERR_NO_MEMORY, "out of memory");
    int count = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    if (count < 0) {
        OPENSSL_clear_free(bytes, length + 1);
        ERR_clear_error();
        return err_set(reterr, ERR_CERT, "%s: its %s is not base64", label_of(secret, label), key);
    }
    for (size_t i = length; i > 0 && text[i - 1] == '=' && count > 0; i--)
        count--;
    int r = folder_text_copy(ret_text, bytes, (size_t)count, reterr);
    OPENSSL_clear_free(bytes, length + 1);
    return r;
}

/* A key's bytes, and "SECRET, KEY" for messages about them. */
static int decode_labelled(const cJSON *secret, const char *key, struct folder_text *ret_text,
                           char label[LABEL_BYTES + 16], struct err *reterr)
{
    int r = decode(secret, key, ret_text, reterr);
    if (r < 0)
        return r;
    size_t length = strlen(label_of(secret, label));
    snprintf(label + length, LABEL_BYTES + 16 - length, ", %s", key);
    return r;
}

static int decode_certs(const cJSON *secret, const char *key, STACK_OF(X509) * *ret_certs,
                        struct err *reterr)
{
    char label[LABEL_BYTES + 16];
    struct folder_text text = {0};
    int r = decode_labelled(secret, key, &text, label, reterr);
    if (r < 0)
        return r;
    r = inspect_parse_certs(&text, label, ret_certs, reterr);
    folder_text_done(&text);
    return r;
}

static int decode_key(const cJSON *secret, const char *key, EVP_PKEY **ret_key, struct err *reterr)
{
    char label[LABEL_BYTES + 16];
    struct folder_text text = {0};
    int r = decode_labelled(secret, key, &text, label, reterr);
    if (r < 0)
        return r;
    r = inspect_parse_key(&text, label, ret_key, reterr);
    folder_text_done(&text);
    return r;
}

static int refuse_foreign(const cJSON *secret, const char *why, struct err *reterr)
{
    char label[LABEL_BYTES];
    return err_set(reterr, ERR_CERT,
                   "%s is not Proctor's (%s), so it is left as it is: use another name (--secret, "
                   "--ca-secret, --path-secret), or, if nothing needs it, `kubectl delete secret` "
                   "it and run this "
                   "again",
                   label_of(secret, label), why);
}

static bool has_label(const cJSON *secret)
{
    const char *by = json_string(json_path(secret, "metadata", "labels", MANAGED_BY, NULL));
    return by != NULL && strcmp(by, "proctor") == 0;
}

int certs_held_read_ca(struct certs_held *held, const cJSON *secret, struct err *reterr)
{
    char label[LABEL_BYTES];
    SCOPED_LIST certs = NULL;
    struct err why;
    if (!has_label(secret))
        return refuse_foreign(secret, "no label " MANAGED_BY ": proctor", reterr);
    int r = decode_certs(secret, "ca.crt", &certs, &why);
    if (r == 0)
        r = decode_key(secret, "ca.key", &held->ca_key, &why);
    if (r == 0 && X509_check_private_key(sk_X509_value(certs, 0), held->ca_key) != 1)
        r = err_set(&why, ERR_CERT, "%s: its ca.key does not belong to its ca.crt",
                    label_of(secret, label));
    if (r == 0 && json_path(secret, "data", OLD, NULL) != NULL)
        r = decode_certs(secret, OLD, &held->old, &why);
    ERR_clear_error();
    if (r < 0)
        return err_set(reterr, ERR_CERT,
                       "%s; `kubectl delete secret` it and run this again: a new CA is made and "
                       "the one in use stays trusted meanwhile",
                       why.text);
    held->ca = sk_X509_shift(certs);
    if (!inspect_is_ours(held->ca))
        return refuse_foreign(secret, "another issuer's CA is in it", reterr);
    return 0;
}

int certs_held_read_tls(struct certs_held *held, const cJSON *secret, struct err *reterr)
{
    SCOPED_LIST certs = NULL;
    SCOPED_PKEY key = NULL;
    if (!has_label(secret))
        return refuse_foreign(secret, "no label " MANAGED_BY ": proctor", reterr);
    /* A leaf that cannot be read, or has lost its key, is mended by a new one. */
    if (decode_certs(secret, "tls.crt", &certs, NULL) < 0)
        return 0;
    if (!inspect_is_ours(sk_X509_value(certs, 0)))
        return refuse_foreign(secret, "another issuer's certificate is in it", reterr);
    held->leaf = sk_X509_shift(certs);
    held->leaf_has_key = decode_key(secret, "tls.key", &key, NULL) == 0 &&
                         X509_check_private_key(held->leaf, key) == 1;
    ERR_clear_error();
    return 0;
}

STACK_OF(X509) * certs_held_rescue(const cJSON *tls_secret)
{
    STACK_OF(X509) *certs = NULL;
    if (decode_certs(tls_secret, "ca.crt", &certs, NULL) < 0)
        return NULL;
    for (int i = sk_X509_num(certs) - 1; i >= 0; i--) {
        if (!inspect_is_ours(sk_X509_value(certs, i)))
            X509_free(sk_X509_delete(certs, i));
    }
    if (sk_X509_num(certs) > 0)
        return certs;
    scope_free_list(certs);
    return NULL;
}

static int add_pem(struct buf *out, X509 *cert, struct err *reterr)
{
    struct folder_text text = {0};
    int r = issue_cert_pem(cert, &text, reterr);
    if (r == 0)
        buf_add(out, text.data, text.length);
    folder_text_done(&text);
    return r;
}

static int add_pems(struct buf *out, STACK_OF(X509) * certs, struct err *reterr)
{
    int r = 0;
    for (int i = 0; r == 0 && certs != NULL && i < sk_X509_num(certs); i++)
        r = add_pem(out, sk_X509_value(certs, i), reterr);
    return r;
}

static const char *base64(struct arena *arena, const void *bytes, size_t count)
{
    struct buf out;
    buf_init(&out, arena, LIMIT_MIB);
    buf_add_base64(&out, bytes, count);
    return out.data;
}

int certs_held_bundle(struct arena *arena, const struct certs_held *held, const char **ret_base64,
                      struct err *reterr)
{
    struct buf pem;
    buf_init(&pem, arena, LIMIT_MIB);
    int r = add_pem(&pem, held->ca, reterr);
    if (r == 0)
        r = add_pems(&pem, held->old, reterr);
    if (r < 0)
        return r;
    *ret_base64 = base64(arena, pem.data, pem.length);
    return 0;
}

/* ---- Secrets to write ---- */

static void set_data(struct arena *arena, cJSON *secret, const char *key, const char *value)
{
    cJSON *data = json_get(secret, "data");
    cJSON *before = json_find(data, key);
    if (before != NULL)
        json_unlink(data, before);
    if (value != NULL)
        json_add(arena, data, key, json_new_string(arena, value));
}

/* `before` with a data to write to, or a new Secret without a name yet. */
static cJSON *start_secret(struct arena *arena, const cJSON *before, const char *type)
{
    cJSON *secret = before != NULL ? json_dup(arena, before) : json_new_object(arena);
    if (before == NULL) {
        cJSON *metadata = json_new_object(arena), *labels = json_new_object(arena);
        json_add(arena, labels, MANAGED_BY, json_new_string(arena, "proctor"));
        json_add(arena, labels, "app.kubernetes.io/part-of", json_new_string(arena, "proctor"));
        json_add(arena, metadata, "labels", labels);
        json_add(arena, secret, "apiVersion", json_new_string(arena, "v1"));
        json_add(arena, secret, "kind", json_new_string(arena, "Secret"));
        json_add(arena, secret, "type", json_new_string(arena, type));
        json_add(arena, secret, "metadata", metadata);
    }
    if (json_get(secret, "data") == NULL)
        json_add(arena, secret, "data", json_new_object(arena));
    return secret;
}

static int set_cert(struct arena *arena, cJSON *secret, const char *name, X509 *cert,
                    struct err *reterr)
{
    struct buf pem;
    buf_init(&pem, arena, LIMIT_MIB);
    int r = add_pem(&pem, cert, reterr);
    if (r == 0)
        set_data(arena, secret, name, base64(arena, pem.data, pem.length));
    return r;
}

static int set_key(struct arena *arena, cJSON *secret, const char *name, EVP_PKEY *key,
                   struct err *reterr)
{
    struct folder_text text = {0};
    int r = issue_key_pem(key, &text, reterr);
    if (r == 0)
        set_data(arena, secret, name, base64(arena, text.data, text.length));
    folder_text_done(&text);
    return r;
}

int certs_secret_of_ca(struct arena *arena, const cJSON *before, X509 *ca, EVP_PKEY *key,
                       STACK_OF(X509) * old, cJSON **ret_secret, struct err *reterr)
{
    cJSON *secret = start_secret(arena, before, "Opaque");
    struct buf pems;
    buf_init(&pems, arena, LIMIT_MIB);
    int r = set_cert(arena, secret, "ca.crt", ca, reterr);
    if (r == 0)
        r = set_key(arena, secret, "ca.key", key, reterr);
    if (r == 0)
        r = add_pems(&pems, old, reterr);
    if (r < 0)
        return r;
    set_data(arena, secret, OLD, pems.length > 0 ? base64(arena, pems.data, pems.length) : NULL);
    *ret_secret = secret;
    return 0;
}

int certs_secret_of_leaf(struct arena *arena, const cJSON *before, X509 *leaf, EVP_PKEY *key,
                         const char *bundle, cJSON **ret_secret, struct err *reterr)
{
    cJSON *secret = start_secret(arena, before, "kubernetes.io/tls");
    int r = set_cert(arena, secret, "tls.crt", leaf, reterr);
    if (r == 0)
        r = set_key(arena, secret, "tls.key", key, reterr);
    if (r < 0)
        return r;
    set_data(arena, secret, "ca.crt", bundle);
    *ret_secret = secret;
    return 0;
}

cJSON *certs_secret_with_bundle(struct arena *arena, const cJSON *before, const char *bundle)
{
    cJSON *secret = start_secret(arena, before, NULL);
    set_data(arena, secret, "ca.crt", bundle);
    return secret;
}

/* ---- the recorder's path ---- */

int certs_path_read(struct arena *arena, const cJSON *secret, const char **ret_path,
                    struct err *reterr)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.~";
    char label[LABEL_BYTES];
    struct folder_text text = {0};
    if (!has_label(secret))
        return refuse_foreign(secret, "no label " MANAGED_BY ": proctor", reterr);
    int r = decode(secret, "path", &text, reterr);
    if (r < 0)
        return r;
    const char *line = (const char *)text.data;
    size_t length = strspn(line, letters);
    const char *end = line + length;
    bool whole = length == text.length || *end == '\r' || *end == '\n';
    if (whole && length >= PATH_BYTES_MIN && length <= PATH_BYTES_MAX)
        *ret_path = arena_strndup(arena, line, length);
    else
        r = err_set(reterr, ERR_CERT,
                    "%s: the first line of its path is not %d to %d letters and digits; `kubectl "
                    "delete secret` it and run this again: a new one is made",
                    label_of(secret, label), PATH_BYTES_MIN, PATH_BYTES_MAX);
    folder_text_done(&text);
    return r;
}

int certs_secret_of_path(struct arena *arena, cJSON **ret_secret, struct err *reterr)
{
    unsigned char bytes[PATH_RANDOM];
    char text[2 * PATH_RANDOM + 1];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return err_set(reterr, ERR_INTERNAL, "no random bytes");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    cJSON *secret = start_secret(arena, NULL, "Opaque");
    set_data(arena, secret, "path", base64(arena, text, strlen(text)));
    *ret_secret = secret;
    return 0;
}

/* ---- what a certificate says ---- */

void certs_print(const X509 *cert, char ret_text[CERTS_PRINT_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    ret_text[0] = '\0';
    if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, &length) != 1)
        return;
    for (unsigned i = 0; i < length && i < (CERTS_PRINT_BYTES - 1) / 2; i++)
        snprintf(ret_text + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static int64_t seconds_of(const ASN1_TIME *at)
{
    struct tm parts;
    return ASN1_TIME_to_tm(at, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

int64_t certs_begins_at(const X509 *cert)
{
    return seconds_of(X509_get0_notBefore(cert));
}

int64_t certs_ends_at(const X509 *cert)
{
    return seconds_of(X509_get0_notAfter(cert));
}

static bool has_name(const GENERAL_NAMES *names, const GENERAL_NAME *wanted)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), (GENERAL_NAME *)(uintptr_t)wanted) ==
            0)
            return true;
    }
    return false;
}

bool certs_has_names(const X509 *leaf, const GENERAL_NAMES *names)
{
    SCOPED_NAMES held = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (held == NULL || !has_name(held, sk_GENERAL_NAME_value(names, i)))
            return false;
    }
    return true;
}
